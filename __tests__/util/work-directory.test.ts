import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { WorkDirectory, removeStaleDirectories } from '../../src/util/work-directory.ts'
import { captureError } from '../capture-error.ts'

let tempRoot: string
beforeEach(async () => {
  tempRoot = await mkdtemp(join(tmpdir(), 'work-directory-test-'))
})
afterEach(() => rm(tempRoot, { recursive: true, force: true }))

const throwWithPath = (path: string, thrown: unknown): never => {
  throw new Error(path, { cause: thrown })
}

describe('WorkDirectory', () => {
  test('is created once, on first use, with mode 0700', async () => {
    const directory = new WorkDirectory(tempRoot)
    expect(await readdir(tempRoot)).toEqual([])
    const paths = await Promise.all([directory.path(), directory.path(), directory.path()])
    expect(new Set(paths).size).toBe(1)
    expect(dirname(paths[0])).toBe(tempRoot)
    expect((await stat(paths[0])).mode & 0o777).toBe(0o700)
  })

  test('is removed with its content', async () => {
    const directory = new WorkDirectory(tempRoot)
    const path = await directory.path()
    await mkdir(join(path, 'helm-cache'))
    await writeFile(join(path, 'helm-cache', 'token'), 'x', { mode: 0o400 })
    await directory.remove(throwWithPath)
    await directory.remove(throwWithPath)
    expect(await readdir(tempRoot)).toEqual([])
  })

  test('ignores the removal of a directory that was never created', async () => {
    await new WorkDirectory(join(tempRoot, 'not-there')).remove(throwWithPath)
    expect(await readdir(tempRoot)).toEqual([])
  })

  test('reports a failed creation to its users, but not to its removal', async () => {
    const directory = new WorkDirectory(join(tempRoot, 'not-there'))
    expect(await captureError(() => directory.path())).toMatchObject({ code: 'ENOENT' })
    await expect(directory.remove(throwWithPath)).resolves.toBeUndefined()
  })

  test.each([
    ['undefined', undefined],
    ['empty', ''],
  ])('uses the temporary directory of the system if RUNNER_TEMP is %s', async (_, runnerTemp) => {
    const directory = new WorkDirectory(runnerTemp)
    try {
      expect(dirname(await directory.path())).toBe(tmpdir())
    } finally {
      await directory.remove(throwWithPath)
    }
  })
})

describe('removeStaleDirectories', () => {
  test('removes only the directories of runs', async () => {
    await new WorkDirectory(tempRoot).path()
    await new WorkDirectory(tempRoot).path()
    for (const unrelated of ['_github_workflow', 'milvus-alb', 'x-milvus-alb-action-y'])
      await mkdir(join(tempRoot, unrelated))
    const failures: string[] = []
    await removeStaleDirectories(tempRoot, (path) => void failures.push(path))
    expect((await readdir(tempRoot)).sort()).toEqual([
      '_github_workflow',
      'milvus-alb',
      'x-milvus-alb-action-y',
    ])
    expect(failures).toEqual([])
  })

  test('ignores a missing parent directory', async () => {
    const failures: string[] = []
    await removeStaleDirectories(join(tempRoot, 'not-there'), (path) => void failures.push(path))
    expect(failures).toEqual([])
  })
})
