/**
 * scripts/release.ts: its tables, and a release in a repository with a bare remote. gh is replaced
 * by a script that records its input.
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
import { extractReleaseNotes, findProblems, type ReleaseCandidate } from '../scripts/release.ts'
import { repositoryRoot } from '../testing/environment.ts'

const changelog = `# Changelog

## [Unreleased]

- Later.

## [1.2.0] - 2026-11-27

### Added

- A thing ([#7](https://example.com/7)).

## [1.1.0] - soon

- No date.

## [1.0.0] - 2026-11-01
`

test.each<[version: string, notes: string]>([
  ['1.2.0', '### Added\n\n- A thing ([#7](https://example.com/7)).'],
  ['1.1.0', ''],
  ['1.0.0', ''],
  ['1.2', ''],
  ['Unreleased', ''],
])('extracts the release notes of %s', (version, notes) => {
  expect(extractReleaseNotes(changelog, version)).toBe(notes)
})

const validCandidate: ReleaseCandidate = {
  version: '1.2.0',
  branch: 'main',
  commit: 'aaaaaaaaaa',
  manifests: { 'package.json': '1.2.0', 'package-lock.json': '1.2.0' },
  changelog,
  usagePages: new Map([['README.md', 'uses: milvus-alb-action/milvus-alb-action@v1']]),
  tags: new Map([
    ['v1', 'b'],
    ['v1.1.9', 'b'],
    ['v0.9.10', 'c'],
    ['other', 'd'],
  ]),
}

test.each<{ name: string; candidate: Partial<ReleaseCandidate>; problems: string[] }>([
  { name: 'a valid release', candidate: {}, problems: [] },
  { name: 'the first release', candidate: { tags: new Map() }, problems: [] },
  {
    name: 'an interrupted release',
    candidate: { tags: new Map([['v1.2.0', 'aaaaaaaaaa']]) },
    problems: [],
  },
  {
    name: 'a page that uses the tag of another major version',
    candidate: {
      usagePages: new Map([
        [
          'docs/workflows.md',
          'milvus-alb-action/milvus-alb-action/.github/workflows/deploy.yml@v0, other/action@v2',
        ],
      ]),
    },
    problems: ['docs/workflows.md uses @v0: this release moves the tag v1.'],
  },
  {
    name: 'a version with the prefix v',
    candidate: { version: 'v1.2.0' },
    problems: ['"v1.2.0" is not a version: pass three numbers, for example 1.2.0.'],
  },
  {
    name: 'a version with a leading zero',
    candidate: { version: '1.02.0' },
    problems: ['"1.02.0" is not a version: pass three numbers, for example 1.2.0.'],
  },
  {
    name: 'another branch without any preparation',
    candidate: { version: '1.3.0', branch: 'topic' },
    problems: [
      'This is the branch topic: releases are made from main.',
      'package.json says 1.2.0, not 1.3.0: run npm version 1.3.0 --no-git-tag-version.',
      'package-lock.json says 1.2.0, not 1.3.0: run npm version 1.3.0 --no-git-tag-version.',
      'CHANGELOG.md has no text under "## [1.3.0] - YYYY-MM-DD": move there what stands under Unreleased.',
    ],
  },
  {
    name: 'an existing tag of another commit',
    candidate: { tags: new Map([['v1.2.0', 'bbbbbbbbbb']]) },
    problems: [
      'v1.2.0 is commit bbbbbbb already, and a released version never changes: take the next one.',
    ],
  },
  {
    name: 'an existing newer release',
    candidate: {
      tags: new Map([
        ['v1.9.0', 'b'],
        ['v1.10.0', 'b'],
        ['v1.2.1', 'b'],
      ]),
    },
    problems: ['v1.10.0 is released already: take a version after it.'],
  },
])('$name', ({ candidate, problems }) => {
  expect(findProblems({ ...validCandidate, ...candidate })).toEqual(problems)
})

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
      writeToWorktree(file, JSON.stringify({ version }))
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
      `#!/bin/sh\n[ "$2" = view ] && exec cat "${directory}/$3"\n[ ! -e "${directory}/broken" ] && printf '%s\\n' "$@" > "${directory}/$3"\n`,
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
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  test('publishes the tag, the release with its notes, and the major version tag, which moves with each release', () => {
    const firstCommit = commitRelease('1.0.0')
    expect(runRelease('check', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({})
    expect(runRelease('publish', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({ 'v1.0.0': firstCommit, v1: firstCommit })
    expect(readReleaseNotes('v1.0.0')).toContain('- What 1.0.0 brings.')

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
    const notes = readReleaseNotes('v1.0.0')
    expect(runRelease('publish', '1.0.0').status).toBe(0)
    expect(readReleaseNotes('v1.0.0')).toBe(notes)
  })

  test('a release whose major version tag is refused says what to do, and resumes', () => {
    const commit = commitRelease('1.0.0')
    const hook = join(directory, 'remote.git/hooks/update')
    writeFileSync(hook, '#!/bin/sh\n[ "$1" != refs/tags/v1 ]\n')
    chmodSync(hook, 0o755)
    const refused = runRelease('publish', '1.0.0')
    expect(refused).toEqual({
      status: 1,
      problems: [expect.stringMatching(/^The push of tag v1 was refused.* RELEASE_TOKEN .* again/)],
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

  test('an annotated tag resolves to its commit', () => {
    const firstCommit = commitRelease('1.0.0')
    runGit('tag', '-a', 'v1.0.0', '-m', 'by hand')
    runGit('push', '-q', 'origin', 'v1.0.0')
    expect(runRelease('publish', '1.0.0').status).toBe(0)
    expect(remoteTags()['v1']).toBe(firstCommit)
  })
})
