/**
 * Texts from outside are plain text in the log, the summary and the issue, and secrets in them are
 * removed.
 */
import { expect } from '@jest/globals'
import fc from 'fast-check'
import { ActionError } from '../../src/failures/action-error.ts'
import { stepNames } from '../../src/failures/codes.ts'
import type { OutputName } from '../../src/steps/outputs.ts'
import type { Change, Topology } from '../../src/steps/step.ts'
import { escapeCell } from '../../src/fleet/report/markdown.ts'
import { renderDiagram, escapeLabel } from '../../src/reporting/diagram.ts'
import { Redactor } from '../../src/reporting/redaction.ts'
import { Report } from '../../src/reporting/report.ts'
import { escapeMarkdown } from '../../src/reporting/markdown.ts'
import { renderSummary } from '../../src/reporting/summary.ts'
import { FakeClock } from '../util/clock.ts'
import * as fixtures from '../steps/fixtures.ts'
import { captureStdout } from '../reporting/capture-stdout.ts'
import { anyLengthText, anyText } from './arbitraries.ts'
import { testProperty } from './property.ts'

/**
 * Escaped Markdown: nothing ends a line or a cell, opens a tag or a fence, links, embeds an image
 * or mentions a person.
 */
function expectPlainText(markdown: string): void {
  const withoutEscapes = markdown
    .replace(/<br>|&(amp|lt|gt|#\d+);/g, '')
    .replace(/\\[\\`*_[\]|!#~@]/g, '')
    .replaceAll('<!-- -->', '')
    .replaceAll('<span>$</span>', '')
  expect(withoutEscapes).not.toMatch(/[\r\n<>|`*_[\]~\\]/)
}

const anyTexts = fc.array(anyText, { minLength: 1, maxLength: 12 })

/** A report in which every external text is one of these. */
function buildReport(texts: readonly string[]) {
  const textAt = (index: number): string => texts[index % texts.length] ?? ''
  const changes = [0, 1].map((index): Change => ({
    step: 'ingress',
    object: `Ingress ${index} ${textAt(index)}`,
    path: textAt(index + 1),
    before: textAt(index + 2),
    after: textAt(index + 3),
    why: `because ${textAt(index)}`,
  }))
  const outputs = new Map<OutputName, string>([
    ['alb-address', `a${textAt(4)}`],
    ['endpoint', `a${textAt(5)}`],
    ['milvus-version', `a${textAt(6)}`],
    ['certificate-arn', `a${textAt(7)}`],
  ])
  const topology: Topology = {
    loadBalancerName: textAt(0),
    targetGroup: textAt(1),
    service: { name: textAt(2), port: 1 },
    pods: { ready: 1, total: 2 },
    certificate: {
      issuer: textAt(3),
      dnsNames: [textAt(4), textAt(5)],
      serialNumber: textAt(6),
      keyAlgorithm: textAt(7),
      notAfter: new Date(0),
    },
  }
  const error = new ActionError({
    code: 'controller-refused',
    problem: `a${textAt(8)}`,
    remedy: `a${textAt(9)}`,
    step: 'probe',
  })
  return {
    report: {
      changes,
      outputs,
      topology,
      notes: [`a${textAt(10)}`, `b${textAt(11)}`],
      warnings: [`c${textAt(10)}`, `d${textAt(11)}`],
      opening: `e${textAt(10)}`,
      steps: stepNames.map((name) => ({
        name,
        summary: textAt(0),
        state: 'done' as const,
        startOffset: 0,
        duration: 0,
      })),
    },
    error,
  }
}

/**
 * The structure of a summary as Markdown, line by line: headings, rows and cells, quotes, fences
 * and their lines.
 */
function outlineMarkdown(markdown: string): string[] {
  let fence = ''
  return markdown.split(/\r\n|\r|\n/).map((line) => {
    const [fenceMarker] = /^\s*(```|~~~)/.exec(line) ?? []
    if (fenceMarker !== undefined && (fence === '' || fenceMarker === fence)) {
      fence = fence === '' ? fenceMarker : ''
      return line
    }
    if (fence !== '') return line.slice(0, 1)
    return `${/^(#+ |> |>$|\|)?/.exec(line)?.[0] ?? ''}${line === '' ? 'empty' : 'text'}${line.startsWith('|') ? line.split(/(?<!\\)(?:\\\\)*\|/).length : ''}`
  })
}

testProperty('Markdown', anyTexts, (texts) => {
  for (const text of texts) {
    expectPlainText(escapeMarkdown(text))
    expectPlainText(escapeCell(text))
    expect(escapeLabel(text)).toMatch(/^[A-Za-z0-9 .,:/()#;-]*$/)
  }
  const [hostile, plain] = [buildReport(texts), buildReport(['x'])]
  for (const settings of [fixtures.createSettings(), fixtures.createRemovalSettings()]) {
    expect(outlineMarkdown(renderSummary(hostile.report, settings, hostile.error, 0))).toEqual(
      outlineMarkdown(renderSummary(plain.report, settings, plain.error, 0)),
    )
    expect(outlineMarkdown(renderSummary(hostile.report, settings, undefined, 0))).toEqual(
      outlineMarkdown(renderSummary(plain.report, settings, undefined, 0)),
    )
  }
  expect(
    renderDiagram(
      hostile.report.topology,
      hostile.report.outputs,
      fixtures.createSettings(),
      hostile.error,
    ).split('\n'),
  ).toHaveLength(
    renderDiagram(
      plain.report.topology,
      plain.report.outputs,
      fixtures.createSettings(),
      plain.error,
    ).split('\n').length,
  )
  return true
})

/**
 * The lines that the runner reads as commands. Source: actions/runner, ActionCommand.cs: `::` at
 * the start of a line after invisible characters, or `##[` anywhere in it.
 */
const findCommands = (text: string): string[] =>
  text
    .split(/\r\n|\r|\n/)
    .filter(
      (line) =>
        /^[^\p{L}\p{N}\p{P}\p{S}]*::/u.test(line) ||
        (line.includes('##[') && !line.startsWith('::')),
    )

testProperty(
  'lines of the log',
  fc.tuple(anyLengthText, anyText),
  async ([text, other]) => {
    const report = new Report(new Redactor(), new FakeClock(), new AbortController().signal)
    const commandLines = findCommands(
      await captureStdout(async () => {
        report.progress(text)
        report.warn(other)
        await report.step('ingress', () => {
          report.info(other + text)
          report.note(text)
          report.recordChange({
            step: 'ingress',
            object: text,
            path: other,
            before: text,
            after: other,
            why: other,
          })
          return Promise.resolve({ summary: other, result: undefined })
        })
        report.setOutput('endpoint', other)
      }),
    )
    for (const line of commandLines)
      expect(line).toMatch(/^::(group::[✓≠–✗] |endgroup::$|warning |set-output )/)
    return true
  },
  [
    ['\r'.repeat(100_000), ''],
    ['\u2028 '.repeat(50_000), ''],
  ],
)

const anySecret = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 6, maxLength: 60 }),
    anyText,
    fc
      .base64String({ minLength: 40, maxLength: 300 })
      .map((text) => text.replace(/.{64}/g, '$&\n')),
  )
  .filter((text) => text.trim().length >= 6 && !text.includes('*'))
/**
 * The encodings of a secret in transit: plain, base64, URL and form encoding, JSON of JavaScript
 * and of Go.
 */
const encoders: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => secret.trim(),
  (secret) => Buffer.from(secret).toString('base64'),
  (secret) => Buffer.from(secret).toString('base64url'),
  (secret) => encodeURIComponent(secret.toWellFormed()),
  (secret) => new URLSearchParams({ '': secret }).toString().slice(1),
  (secret) => JSON.stringify(secret).slice(1, -1),
  (secret) =>
    JSON.stringify(secret)
      .slice(1, -1)
      .replace(
        /[<>&\u2028\u2029]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
]
/** Inside a larger encoded text, at any offset. */
const embeddedEncoders = ['u:', 'us:', 'user:'].map(
  (before) => (secret: string) => Buffer.from(before + secret.trim()).toString('base64'),
)

testProperty(
  'redaction',
  fc.tuple(
    anySecret,
    anyText,
    anyText,
    fc.array(fc.constantFrom(...encoders, ...embeddedEncoders), { minLength: 1, maxLength: 4 }),
  ),
  async ([secret, before, after, chosenEncoders]) => {
    const redactor = new Redactor()
    let redacted = ''
    await captureStdout(() => {
      redactor.maskSecret(secret)
      redacted = redactor.redact(
        chosenEncoders.map((encode) => before + encode(secret) + after).join(' '),
      )
    })
    // With a prefix, the beginning of the encoding is not secret; nor is the last character, which
    // encodes only a few bits.
    const hiddenForms = [
      ...encoders.map((encode) => encode(secret)),
      ...embeddedEncoders.map((encode) => encode(secret).replace(/=+$/, '').slice(8, -1)),
    ]
    for (const each of hiddenForms)
      if (each.length >= 6 && redacted.includes(each))
        throw new Error(`${JSON.stringify(each)} is in ${JSON.stringify(redacted)}`)
    return true
  },
)
