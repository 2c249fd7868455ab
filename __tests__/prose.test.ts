/** Pages, texts and comments use the terms of the glossary in CONTRIBUTING.md. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { repositoryRoot } from '../testing/environment.ts'

/** Words that are not used; eslint.retired-names.js lists the identifiers. */
const retiredWords = [
  { word: /\b(prove[ns]?|proved|proving|proofs?)\b/i, instead: 'test, check, show or verify' },
]

const lines = listTextFiles().flatMap((path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .map((text, index) => ({ text, position: `${path}:${index + 1}` })),
)

test.each(retiredWords)('$word is not used: write $instead', ({ word }) => {
  const found = lines.filter(({ text }) => word.test(text))
  expect(found).toEqual([])
})

/** The files of the repository that contain text, except generated ones and this test. */
function listTextFiles(): string[] {
  const excluded = [
    ':(exclude)dist',
    ':(exclude)package-lock.json',
    ':(exclude)__tests__/prose.test.ts',
  ]
  return execFileSync('git', ['ls-files', '-z', '--', '.', ...excluded], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => /\.(ts|js|mjs|md|ya?ml|json)$/.test(path) && existsSync(path))
}
