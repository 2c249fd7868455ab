/** Checks that docs/troubleshooting.md, the catalogue of codes and the source agree. */
import { expect, test } from '@jest/globals'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { failureCodes } from '../src/failures/codes.ts'

const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8')

/** The page without its code blocks, in which a # starts a comment. */
const prose = page.replace(/^```[\s\S]*?^```$/gm, '')

/** Maps each code to its section, which ends at the next heading of level 1 or 2. */
const sections = new Map(
  prose.split(/^(?=##? )/m).flatMap((part) => {
    const heading = /^## (.+)$/m.exec(part)?.[1]
    return heading !== undefined && part.startsWith('## ') ? [[heading, part] as const] : []
  }),
)

const catalogueFile = join('failures', 'codes.ts')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }))

/** Everything in src except the list of codes itself. */
const sourceText = sources
  .map(({ file, text }) =>
    file === catalogueFile ? text.replace(/failureCodes = \[[\s\S]*?\] as const/, '') : text,
  )
  .join('\n')

test('the page has exactly one section for each code, in the order of the catalogue', () => {
  const headings = [...prose.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual([...failureCodes])
})

test.each(failureCodes)(
  'the section of %s explains the meaning, the check, the fix and the tests, in this order',
  (name) => {
    const parts = [...(sections.get(name) ?? '').matchAll(/^\*\*(.+?)\*\*:/gm)].map(
      ([, part]) => part,
    )
    expect(parts).toEqual(['What it means', 'Check by hand', 'Fix', 'Tested by'])
  },
)

test('links within the page have a target', () => {
  const anchors = new Set([
    ...failureCodes,
    ...[...page.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id),
  ])
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target)
  expect(links.filter((target) => !anchors.has(target))).toEqual([])
})

test('the source throws every code of the catalogue', () => {
  // The code used as a value: `code: 'x'`, a branch of `? 'x' : 'y'`, or next to its pattern in a
  // table. A code that is only compared is never thrown.
  expect(
    failureCodes.filter((name) => !new RegExp(`([?:]|/i?,)\\s+'${name}'`).test(sourceText)),
  ).toEqual([])
})

test('the catalogue contains every code that the source throws', () => {
  const thrown = [...sourceText.matchAll(/\bcode: '([^']+)'/g)].map(([, name]) => name)
  expect(thrown.filter((name) => !failureCodes.some((known) => known === name))).toEqual([])
})
