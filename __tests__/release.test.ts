/**
 * scripts/release.ts in a repository with a bare remote. gh is replaced by a script that records
 * its input.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { repositoryRoot } from '../testing/environment.ts'

describe('in a repository', () => {
  let directory: string
  let worktree: string
  const runGit = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: worktree,
      encoding: 'utf8',
    }).trim()
  const writeToWorktree = (path: string, text: string): void =>
    writeFileSync(join(worktree, path), text)
  const commitAll = (): string => {
    runGit('add', '.')
    runGit('commit', '-qm', 'x')
    return runGit('rev-parse', 'HEAD')
  }
  const commitRelease = (version: string): string => {
    for (const file of ['package.json', 'package-lock.json'])
      writeToWorktree(
        file,
        JSON.stringify({ version, repository: 'github:milvus-alb-action/milvus-alb-action' }),
      )
    writeToWorktree(
      'CHANGELOG.md',
      `# Changelog\n\n## [${version}] - 2026-11-27\n\n- What ${version} brings.\n`,
    )
    return commitAll()
  }
  const runRelease = (command: string, version: string, env: Record<string, string> = {}) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(repositoryRoot, 'scripts/release.ts'), command],
      {
        cwd: worktree,
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`,
          GITHUB_REF_NAME: 'main',
          VERSION: version,
          ...env,
        },
      },
    )
    return {
      status,
      problems: stderr
        .split('\n')
        .filter((line) => line.startsWith('::error::'))
        .map((line) => line.slice(9)),
    }
  }
  const remoteTags = (): Record<string, string> =>
    Object.fromEntries(
      runGit('ls-remote', '--tags', 'origin')
        .split('\n')
        .filter(Boolean)
        .map((line) => [line.split('refs/tags/')[1] ?? '', line.split('\t')[0] ?? '']),
    )
  const readReleaseNotes = (tag: string): string => readFileSync(join(directory, tag), 'utf8')

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'milvus-alb-release-'))
    worktree = join(directory, 'work')
    mkdirSync(join(directory, 'bin'))
    writeFileSync(
      join(directory, 'bin/gh'),
      `#!/bin/sh
cd "${directory}"
case "$2" in
view) [ -e "$3" ] || exit 1; [ -e draft ] && echo true || echo false ;;
delete) rm "$3" draft ;;
*) [ ! -e broken ] && printf '%s\\n' "$@" > "$3" ;;
esac
`,
    )
    chmodSync(join(directory, 'bin/gh'), 0o755)
    execFileSync('git', ['init', '-q', '--bare', join(directory, 'remote.git')])
    execFileSync('git', ['clone', '-q', join(directory, 'remote.git'), worktree], {
      stdio: 'ignore',
    })
    for (const folder of ['dist', 'scripts']) mkdirSync(join(worktree, folder))
    writeToWorktree(
      'scripts/build.ts',
      "import { writeFileSync } from 'node:fs'\nwriteFileSync('dist/index.js', 'built')\n",
    )
    writeToWorktree('dist/index.js', 'built')
    writeToWorktree('sbom.cdx.json', '{}')
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  test('publishes the tag, the release with its notes, and the major version tag, which moves with each release', () => {
    const firstCommit = commitRelease('1.0.0')
    expect(runRelease('check', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({})
    expect(runRelease('publish', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({ 'v1.0.0': firstCommit, v1: firstCommit })
    expect(readReleaseNotes('v1.0.0')).toContain('- What 1.0.0 brings.')
    expect(readReleaseNotes('v1.0.0').split('\n').slice(0, 4)).toEqual([
      'release',
      'create',
      'v1.0.0',
      'sbom.cdx.json',
    ])

    const secondCommit = commitRelease('1.1.0')
    expect(runRelease('publish', '1.1.0').status).toBe(0)
    expect(remoteTags()).toEqual({
      'v1.0.0': firstCommit,
      'v1.1.0': secondCommit,
      v1: secondCommit,
    })
    const thirdCommit = commitRelease('2.0.0')
    expect(runRelease('publish', '2.0.0').status).toBe(0)
    expect(remoteTags()).toEqual({
      'v1.0.0': firstCommit,
      'v1.1.0': secondCommit,
      v1: secondCommit,
      'v2.0.0': thirdCommit,
      v2: thirdCommit,
    })
  })

  test('an interrupted release resumes, and the major version tag moves only after it completes', () => {
    const firstCommit = commitRelease('1.0.0')
    writeFileSync(join(directory, 'broken'), '')
    expect(runRelease('publish', '1.0.0').status).not.toBe(0)
    expect(remoteTags()).toEqual({ 'v1.0.0': firstCommit })
    rmSync(join(directory, 'broken'))
    expect(runRelease('publish', '1.0.0').status).toBe(0)
    expect(remoteTags()).toEqual({ 'v1.0.0': firstCommit, v1: firstCommit })
    writeFileSync(join(directory, 'v1.0.0'), 'edited')
    expect(runRelease('publish', '1.0.0').status).toBe(0)
    expect(readReleaseNotes('v1.0.0')).toBe('edited')
    // What an interrupted upload leaves is not a release.
    writeFileSync(join(directory, 'draft'), '')
    expect(runRelease('publish', '1.0.0').status).toBe(0)
    expect(readReleaseNotes('v1.0.0')).toContain('- What 1.0.0 brings.')
    expect(existsSync(join(directory, 'draft'))).toBe(false)
  })

  test('a release whose major version tag is rejected says what to do, and resumes', () => {
    const commit = commitRelease('1.0.0')
    const hook = join(directory, 'remote.git/hooks/update')
    writeFileSync(hook, '#!/bin/sh\n[ "$1" != refs/tags/v1 ]\n')
    chmodSync(hook, 0o755)
    const rejected = runRelease('publish', '1.0.0')
    expect(rejected).toEqual({
      status: 1,
      problems: [
        expect.stringMatching(/^The push of tag v1 was rejected.* RELEASE_TOKEN .* again/),
      ],
    })
    expect(remoteTags()).toEqual({ 'v1.0.0': commit })
    rmSync(hook)
    expect(runRelease('publish', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({ 'v1.0.0': commit, v1: commit })
  })

  test('reports an outdated dist/ and every other problem before it writes anything', () => {
    writeToWorktree('dist/index.js', 'older')
    commitRelease('1.0.0')
    const { status, problems } = runRelease('check', '1.0.1', { GITHUB_REF_NAME: 'topic' })
    expect(status).toBe(1)
    expect(problems.map((problem) => problem.split(/[ :]/).slice(0, 3).join(' '))).toEqual([
      'This is the',
      'package.json says 1.0.0,',
      'package-lock.json says 1.0.0,',
      'CHANGELOG.md has no',
      'dist/ is not',
    ])
    runGit('checkout', '-q', 'dist')
    expect(runRelease('publish', '1.0.1').status).toBe(1)
    expect(remoteTags()).toEqual({})
    expect(existsSync(join(directory, 'v1.0.1'))).toBe(false)
  })

  test('nothing is published without the bill of materials', () => {
    rmSync(join(worktree, 'sbom.cdx.json'))
    commitRelease('1.0.0')
    expect(runRelease('publish', '1.0.0')).toEqual({
      status: 1,
      problems: [expect.stringMatching(/^sbom.cdx.json is missing, .* as release.yml does\.$/)],
    })
    expect(remoteTags()).toEqual({})
  })

  test('a nested page that uses the tag of another major version is reported', () => {
    mkdirSync(join(worktree, 'docs/examples'), { recursive: true })
    writeToWorktree('docs/examples/one.md', 'uses: milvus-alb-action/milvus-alb-action@v3\n')
    commitRelease('1.0.0')
    expect(runRelease('check', '1.0.0').problems).toEqual([
      'docs/examples/one.md uses @v3: this release moves the tag v1.',
    ])
  })

  test('an annotated tag resolves to its commit', () => {
    const firstCommit = commitRelease('1.0.0')
    runGit('tag', '-a', 'v1.0.0', '-m', 'by hand')
    runGit('push', '-q', 'origin', 'v1.0.0')
    expect(runRelease('publish', '1.0.0').status).toBe(0)
    expect(remoteTags()['v1']).toBe(firstCommit)
  })
})
