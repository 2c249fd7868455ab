/** No text from outside, however long, blocks the event loop in a regular expression. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { repositoryRoot } from '../testing/environment.ts'
import { findRegexLiterals, slowInputs } from './slow-inputs.ts'

/** Characters. */
const maxLength = 200_000
/** Milliseconds of CPU time. */
const limit = 50

const sourceFolder = join(repositoryRoot, 'src')
const literals = readdirSync(sourceFolder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) =>
    findRegexLiterals(readFileSync(join(sourceFolder, path), 'utf8')).map((regex) => ({
      path,
      regex,
    })),
  )

/** Whether three attempts are slow, in CPU time of this thread: others delay it. */
function isSlow(regex: RegExp, text: string): boolean {
  const timeLimit = Math.max(2, (limit * text.length) / maxLength)
  return [1, 2, 3].every(() => {
    const before = process.threadCpuUsage()
    text.replace(regex, '')
    return process.threadCpuUsage(before).user / 1_000 > timeLimit
  })
}

/** Shorter texts first: a slow expression would take minutes over the longest. */
function findSlowInput(regex: RegExp): string | undefined {
  for (const length of [maxLength / 100, maxLength / 10, maxLength])
    for (const text of slowInputs(regex, length))
      if (isSlow(regex, text)) return `${JSON.stringify(text.slice(0, 80))}, ${length} characters`
  return undefined
}

test('an expression that backtracks is found', () => {
  const found = findRegexLiterals('const a = /x+$/, b = /from .* to/, c = /^x+y/')
  expect(found.map(findSlowInput)).toEqual([
    expect.stringContaining('"xxx'),
    expect.stringContaining('"from '),
    undefined,
  ])
})

test('every expression of src takes at most 50 ms over 200,000 characters', () => {
  expect(literals.length).toBeGreaterThan(100)
  const slow = literals.flatMap(({ path, regex }) => {
    const input = findSlowInput(regex)
    return input === undefined ? [] : [`${path}: ${String(regex)} over ${input}`]
  })
  expect(slow).toEqual([])
})
