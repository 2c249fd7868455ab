/** npm run fork: a fork gets its name wherever the name stands. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { repositoryRoot } from '../../testing/environment.ts'

const originalName = 'milvus-alb-action/milvus-alb-action'

test('a fork gets its name in every file, and a text that is no name is rejected', () => {
  const directory = mkdtempSync(join(tmpdir(), 'milvus-alb-fork-'))
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8' })
  const fork = (name: string) =>
    spawnSync(process.execPath, ['scripts/fork.ts', name], { cwd: directory, encoding: 'utf8' })
  try {
    git('clone', '-q', '--depth=1', `file://${repositoryRoot}`, '.')
    expect(git('grep', '-l', originalName).split('\n').length).toBeGreaterThan(10)
    const rejected = fork('acme')
    expect([rejected.status, rejected.stderr]).toEqual([
      1,
      '"acme" is not the name of a repository: pass OWNER/NAME, for example acme/milvus-alb.\n',
    ])
    expect(git('status', '--porcelain')).toBe('')

    expect(fork('acme/milvus-alb').stdout).toMatch(
      /^Renamed .* to acme\/milvus-alb in \d+ files\n$/,
    )
    expect(spawnSync('git', ['grep', '-l', originalName], { cwd: directory }).status).toBe(1)
    expect(readFileSync(join(directory, 'package.json'), 'utf8')).toContain(
      '"repository": "github:acme/milvus-alb"',
    )
    expect(readFileSync(join(directory, 'workflow-templates/deploy.yml'), 'utf8')).toContain(
      'uses: acme/milvus-alb/.github/workflows/deploy.yml@v1',
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
