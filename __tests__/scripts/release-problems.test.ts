/** scripts/release.ts: release notes, and what prevents a release. */
import { expect, test } from '@jest/globals'
import { extractReleaseNotes, findProblems, type ReleaseCandidate } from '../../scripts/release.ts'

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
  repository: 'milvus-alb-action/milvus-alb-action',
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
