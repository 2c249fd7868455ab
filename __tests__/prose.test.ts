/** Pages, texts, comments and names: one word for one thing. CONTRIBUTING.md has the glossary. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { repositoryRoot } from '../testing/environment.ts'

/** Words that are not used; eslint.retired-names.js lists the identifiers. */
const retiredWords = [
  {
    retired: '"proof"',
    instead: 'test, check, show or verify',
    patterns: [/\b(prove[ns]?|proved|proving|proofs?)\b/i],
  },
  {
    retired: '"helm" in a sentence',
    instead: 'Helm, the tool; `helm` is its command',
    patterns: [
      /(?<!-)\b(an?|the|its|another|no|of|by|with|for|to|and|or|that|when|while|before|after|until) helm\b(?![-./:])/,
      /\bhelm('s\b| \d| \$\{| (is|has|had|was|runs|works|keeps|applies|writes|waits)\b)/,
      /(\/\/|^ *\*|\/\*\*) helm /,
    ],
  },
]

const lines = listTextFiles().flatMap((path) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .map((text, index) => ({ text, position: `${path}:${index + 1}` })),
)

test.each(retiredWords)('$retired is not used: write $instead', ({ patterns }) => {
  const found = lines.filter(({ text }) => patterns.some((pattern) => pattern.test(text)))
  expect(found).toEqual([])
})

/** Each step exports the functions of the contract under the same names. */
const contractNames = [
  'apply',
  'applyRemoval',
  'findDifferences',
  'observe',
  'plan',
  'planRemoval',
  'requiresForce',
  'resolveCertificate',
  'toChanges',
  'toDifferences',
]

/** A form of inputs, and a validator of annotations. */
const formNames = ['boolean', 'port']

test('no two files of src export different things under one name', () => {
  const exported = lines
    .filter(({ position }) => position.startsWith('src/'))
    .flatMap(({ text, position }) => {
      const [, name] =
        /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/.exec(text) ?? []
      return name === undefined ? [] : { name, position }
    })
    .filter(({ name }) => ![...contractNames, ...formNames].includes(name))
  const byName = Map.groupBy(exported, ({ name }) => name).values()
  expect([...byName].filter((group) => group.length > 1)).toEqual([])
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
