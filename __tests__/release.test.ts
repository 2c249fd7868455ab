/** scripts/release.ts: its tables, and a release in a repository with a bare remote. gh is a script that keeps what it was told. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { notesOf, problemsOf, type Candidate } from '../scripts/release.ts'
import { repository } from '../sandbox/world.ts'

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
])('notes of %s', (version, notes) => {
  expect(notesOf(changelog, version)).toBe(notes)
})

const good: Candidate = { version: '1.2.0', branch: 'main', commit: 'aaaaaaaaaa', manifests: { 'package.json': '1.2.0', 'package-lock.json': '1.2.0' }, changelog, tags: new Map([['v1', 'b'], ['v1.1.9', 'b'], ['v0.9.10', 'c'], ['other', 'd']]) }

test.each<[name: string, candidate: Partial<Candidate>, problems: string[]]>([
  ['a good one', {}, []],
  ['the first one', { tags: new Map() }, []],
  ['one that was begun', { tags: new Map([['v1.2.0', 'aaaaaaaaaa']]) }, []],
  ['a version with v', { version: 'v1.2.0' }, ['"v1.2.0" is no version: give three numbers, for example 1.2.0.']],
  ['a version with a zero too many', { version: '1.02.0' }, ['"1.02.0" is no version: give three numbers, for example 1.2.0.']],
  ['another branch, and nothing prepared', { version: '1.3.0', branch: 'topic' }, [
    'This is the branch topic: releases are made of main.',
    'package.json says 1.2.0, not 1.3.0: run npm version 1.3.0 --no-git-tag-version.',
    'package-lock.json says 1.2.0, not 1.3.0: run npm version 1.3.0 --no-git-tag-version.',
    'CHANGELOG.md has no text under "## [1.3.0] - YYYY-MM-DD": move there what stands under Unreleased.',
  ]],
  ['a tag that is there', { tags: new Map([['v1.2.0', 'bbbbbbbbbb']]) }, ['v1.2.0 is commit bbbbbbb already, and a released version never changes: take the next one.']],
  ['a newer one that is there', { tags: new Map([['v1.9.0', 'b'], ['v1.10.0', 'b'], ['v1.2.1', 'b']]) }, ['v1.10.0 is released already: take a version after it.']],
])('%s', (_name, candidate, problems) => {
  expect(problemsOf({ ...good, ...candidate })).toEqual(problems)
})

describe('in a repository', () => {
  let directory: string
  let work: string
  const git = (...args: string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: work, encoding: 'utf8' }).trim()
  const write = (path: string, text: string): void => writeFileSync(join(work, path), text)
  const commit = (): string => {
    git('add', '.')
    git('commit', '-qm', 'x')
    return git('rev-parse', 'HEAD')
  }
  const prepare = (version: string): string => {
    for (const file of ['package.json', 'package-lock.json']) write(file, JSON.stringify({ version }))
    write('CHANGELOG.md', `# Changelog\n\n## [${version}] - 2026-11-27\n\n- What ${version} brings.\n`)
    return commit()
  }
  const release = (command: string, version: string, env: Record<string, string> = {}) => {
    const { status, stderr } = spawnSync(process.execPath, [join(repository, 'scripts/release.ts'), command], { cwd: work, encoding: 'utf8', env: { ...process.env, PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`, GITHUB_REF_NAME: 'main', VERSION: version, ...env } })
    return { status, problems: stderr.split('\n').filter((line) => line.startsWith('::error::')).map((line) => line.slice(9)) }
  }
  const remoteTags = (): Record<string, string> => Object.fromEntries(git('ls-remote', '--tags', 'origin').split('\n').filter(Boolean).map((line) => [line.split('refs/tags/')[1] ?? '', line.split('\t')[0] ?? '']))
  const released = (tag: string): string => readFileSync(join(directory, tag), 'utf8')

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'milvus-alb-release-'))
    work = join(directory, 'work')
    mkdirSync(join(directory, 'bin'))
    writeFileSync(join(directory, 'bin/gh'), `#!/bin/sh\n[ "$2" = view ] && exec cat "${directory}/$3"\n[ ! -e "${directory}/broken" ] && printf '%s\\n' "$@" > "${directory}/$3"\n`)
    chmodSync(join(directory, 'bin/gh'), 0o755)
    execFileSync('git', ['init', '-q', '--bare', join(directory, 'remote.git')])
    execFileSync('git', ['clone', '-q', join(directory, 'remote.git'), work], { stdio: 'ignore' })
    for (const folder of ['dist', 'scripts']) mkdirSync(join(work, folder))
    write('scripts/build.ts', "import { writeFileSync } from 'node:fs'\nwriteFileSync('dist/index.js', 'built')\n")
    write('dist/index.js', 'built')
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  test('the tag, the release with its notes, and the tag of the major version, which follows the next', () => {
    const first = prepare('1.0.0')
    expect(release('check', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({})
    expect(release('publish', '1.0.0')).toEqual({ status: 0, problems: [] })
    expect(remoteTags()).toEqual({ 'v1.0.0': first, v1: first })
    expect(released('v1.0.0')).toContain('- What 1.0.0 brings.')

    const second = prepare('1.1.0')
    expect(release('publish', '1.1.0').status).toBe(0)
    expect(remoteTags()).toEqual({ 'v1.0.0': first, 'v1.1.0': second, v1: second })
    const third = prepare('2.0.0')
    expect(release('publish', '2.0.0').status).toBe(0)
    expect(remoteTags()).toEqual({ 'v1.0.0': first, 'v1.1.0': second, v1: second, 'v2.0.0': third, v2: third })
  })

  test('a release that broke off goes on where it was, and the tag of the major version waits for all of it', () => {
    const first = prepare('1.0.0')
    writeFileSync(join(directory, 'broken'), '')
    expect(release('publish', '1.0.0').status).not.toBe(0)
    expect(remoteTags()).toEqual({ 'v1.0.0': first })
    rmSync(join(directory, 'broken'))
    expect(release('publish', '1.0.0').status).toBe(0)
    expect(remoteTags()).toEqual({ 'v1.0.0': first, v1: first })
    const notes = released('v1.0.0')
    expect(release('publish', '1.0.0').status).toBe(0)
    expect(released('v1.0.0')).toBe(notes)
  })

  test('a dist/ that is not what src/ builds to, and everything else that is wrong, is said before anything is written', () => {
    write('dist/index.js', 'older')
    prepare('1.0.0')
    const { status, problems } = release('check', '1.0.1', { GITHUB_REF_NAME: 'topic' })
    expect(status).toBe(1)
    expect(problems.map((problem) => problem.split(/[ :]/).slice(0, 3).join(' '))).toEqual(['This is the', 'package.json says 1.0.0,', 'package-lock.json says 1.0.0,', 'CHANGELOG.md has no', 'dist/ is not'])
    git('checkout', '-q', 'dist')
    expect(release('publish', '1.0.1').status).toBe(1)
    expect(remoteTags()).toEqual({})
    expect(existsSync(join(directory, 'v1.0.1'))).toBe(false)
  })

  test('an annotated tag counts by its commit', () => {
    const first = prepare('1.0.0')
    git('tag', '-a', 'v1.0.0', '-m', 'by hand')
    git('push', '-q', 'origin', 'v1.0.0')
    expect(release('publish', '1.0.0').status).toBe(0)
    expect(remoteTags()['v1']).toBe(first)
  })
})
