/** Answers and words from outside: read or refused; and whatever becomes of them in log, summary and issue is text and nothing but text. */
import { expect } from '@jest/globals'
import fc from 'fast-check'
import { awsError } from '../../src/aws/errors.ts'
import { ActionError, failureCodes, stepNames } from '../../src/core/errors.ts'
import type { Change, OutputName, Way } from '../../src/core/step.ts'
import { cell } from '../../src/fleet/report.ts'
import { chartFailure, fetchError, upgradeFailure } from '../../src/helm/failures.ts'
import { readConnect, readHealth, readVersion } from '../../src/milvus/api.ts'
import { bodyFailure, grpcFailure, tokenFailure, type ProbeFailure } from '../../src/milvus/failures.ts'
import { httpFailure } from '../../src/milvus/http-answers.ts'
import { lengthDelimited } from '../../src/milvus/protobuf.ts'
import { diagram, label } from '../../src/report/diagram.ts'
import { Redactor } from '../../src/report/redaction.ts'
import { Report } from '../../src/report/report.ts'
import { escape, summarize } from '../../src/report/summary.ts'
import { newest, verdict } from '../../src/steps/controller-verdict.ts'
import { conflicts } from '../../src/steps/preflight/group.ts'
import { TurnedClock } from '../core/clock.ts'
import * as fixtures from '../steps/fixtures.ts'
import { printed } from '../report/stdout.ts'
import { anyLength, anyText, brokenBytes } from './bad-texts.ts'
import { property } from './property.ts'

const answers = [
  Buffer.concat([lengthDelimited(1, Buffer.from('0801120362616418a006', 'hex')), lengthDelimited(2, lengthDelimited(1, 'v2.6.15'))]),
  Buffer.from('0a0010011a13717565727920636f6f7264206e6f74207265616479220404050203', 'hex'), Buffer.from('<html>'), Buffer.alloc(100, 0x80), Buffer.alloc(1000, Buffer.from('0a00', 'hex')),
]
const anyBytes = fc.oneof(brokenBytes(fc.constantFrom(...answers)), fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)))

function coded({ code, message, remedy }: ProbeFailure | ActionError): void {
  expect(failureCodes).toContain(code)
  expect(code).not.toBe('internal-error')
  expect([message.length > 0, remedy.length > 0]).toEqual([true, true])
}

property('answers of Milvus', fc.tuple(anyBytes, fc.integer({ min: -1, max: 1000 }), anyText, anyText), ([bytes, status, text, other]) => {
  coded(httpFailure({ httpStatus: status, contentType: text, server: other, text }))
  for (const failure of [grpcFailure('Connect', status, text), bodyFailure('Connect', status, text), tokenFailure(other, status, text)]) coded(failure)
  let taken = true
  for (const read of [readConnect, readVersion, readHealth]) {
    try {
      const { status: own, ...rest } = read(bytes)
      expect([typeof own.code, typeof own.reason, Object.values(rest).includes(undefined)]).toEqual(['number', 'string', false])
    } catch (thrown) {
      // What the probe takes for an answer that is none of Milvus'.
      if (!(thrown instanceof RangeError)) throw thrown
      taken = false
    }
  }
  return taken
})

const event = fc.record({ reason: fc.constantFrom('SuccessfullyReconciled', 'FailedDeployModel', 'FailedBuildModel', 'Other'), message: fc.option(anyLength, { nil: undefined }), resourceVersion: anyText })
const annotations = fc.dictionary(fc.constantFrom('listen-ports', 'tags', 'scheme', 'subnets', 'load-balancer-attributes').map((name) => `alb.ingress.kubernetes.io/${name}`), fc.oneof(anyText, fc.json(), fc.constantFrom('[{"HTTPS":443}]', '[null]', 'a=b,constructor=x')))

property('words of helm, AWS and the controller', fc.tuple(anyLength, fc.array(event, { maxLength: 3 }), annotations, annotations), ([text, events, own, other]) => {
  const target = { kind: 'repository', release: 'r', namespace: 'n', name: 'c', version: '1', from: 'f', hasCredentials: false } as const
  for (const failure of [upgradeFailure(text, 1, target), upgradeFailure(`Error: ${text}`, null, target), chartFailure(fetchError(1, text, text) ?? '', target)]) coded(failure)
  for (const thrown of [Object.assign(new Error(text), { name: text }), Object.assign(new Error(text), { name: 'AccessDeniedException' }), text]) coded(awsError('acm:ImportCertificate', thrown))
  const known = events.map(({ reason, message, resourceVersion }) => fixtures.event(reason, message, resourceVersion))
  newest(known)
  for (const each of known) for (const fresh of [true, false]) expect(['reconciled', 'trouble', 'refused']).toContain(verdict(each, fresh).kind)
  for (const conflict of conflicts(own, other, {})) expect(conflict).toMatch(/ is [^]*, not /)
  return true
}, [[' '.repeat(100_000), [{ reason: 'FailedDeployModel', message: `;${'\n'.repeat(100_000)}x`, resourceVersion: '1' }], {}, {}]])

/** What a text is in Markdown: nothing that ends a line or a cell, begins a tag or a fence, links, shows an image or calls a person. */
function expectOnlyText(markdown: string): void {
  const bare = markdown.replace(/<br>|&(amp|lt|gt|#\d+);/g, '').replace(/\\[\\`*_[\]|!#~@]/g, '')
  expect(bare).not.toMatch(/[\r\n<>|`*_[\]~\\]/)
}

const words = fc.array(anyText, { minLength: 1, maxLength: 12 })

/** A run of which everything that comes from outside is one of these. */
function run(texts: readonly string[]) {
  const at = (index: number): string => texts[index % texts.length] ?? ''
  const changes = [0, 1].map((index): Change => ({ step: 'ingress', object: `Ingress ${index} ${at(index)}`, path: at(index + 1), before: at(index + 2), after: at(index + 3), why: `because ${at(index)}` }))
  const outputs = new Map<OutputName, string>([['alb-address', `a${at(4)}`], ['endpoint', `a${at(5)}`], ['milvus-version', `a${at(6)}`], ['certificate-arn', `a${at(7)}`]])
  const way: Way = { balancer: at(0), targetGroup: at(1), service: { name: at(2), port: 1 }, pods: { ready: 1, all: 2 }, certificate: { issuer: at(3), names: [at(4), at(5)], serial: at(6), key: at(7), notAfter: new Date(0) } }
  const error = new ActionError({ code: 'controller-refused', problem: `a${at(8)}`, remedy: `a${at(9)}`, step: 'probe' })
  return { report: { changes, outputs, way, notes: [`a${at(10)}`, `b${at(11)}`], steps: stepNames.map((name) => ({ name, verdict: at(0), ok: true, began: 0, took: 0 })) }, error }
}

/** Line by line what Markdown makes of a summary: headings, rows and their cells, quotes, fences and the lines in them. */
function skeleton(markdown: string): string[] {
  let fence = ''
  return markdown.split(/\r\n|\r|\n/).map((line) => {
    const [mark] = /^\s*(```|~~~)/.exec(line) ?? []
    if (mark !== undefined && (fence === '' || mark === fence)) {
      fence = fence === '' ? mark : ''
      return line
    }
    if (fence !== '') return line.slice(0, 1)
    return `${/^(#+ |> |>$|\|)?/.exec(line)?.[0] ?? ''}${line === '' ? 'empty' : 'text'}${line.startsWith('|') ? line.split(/(?<!\\)(?:\\\\)*\|/).length : ''}`
  })
}

property('Markdown', words, (texts) => {
  for (const text of texts) {
    expectOnlyText(escape(text))
    expectOnlyText(cell(text))
    expect(label(text)).toMatch(/^[A-Za-z0-9 .,:/()#;-]*$/)
  }
  const [nasty, plain] = [run(texts), run(['x'])]
  for (const settings of [fixtures.settings(), fixtures.settings({ mode: 'destroy' })]) {
    expect(skeleton(summarize(nasty.report, settings, nasty.error, 0))).toEqual(skeleton(summarize(plain.report, settings, plain.error, 0)))
    expect(skeleton(summarize(nasty.report, settings, undefined, 0))).toEqual(skeleton(summarize(plain.report, settings, undefined, 0)))
  }
  expect(diagram(nasty.report.way, nasty.report.outputs, fixtures.settings(), nasty.error).split('\n')).toHaveLength(diagram(plain.report.way, plain.report.outputs, fixtures.settings(), plain.error).split('\n').length)
  return true
})

/** The lines that the runner takes for commands. Source: actions/runner, ActionCommand.cs: `::` first in a line but for what is not seen, or `##[` anywhere in it. */
const commands = (text: string): string[] => text.split(/\r\n|\r|\n/).filter((line) => /^[^\p{L}\p{N}\p{P}\p{S}]*::/u.test(line) || (line.includes('##[') && !line.startsWith('::')))

property('lines of the log', fc.tuple(anyLength, anyText), async ([text, other]) => {
  const report = new Report(new Redactor(), new TurnedClock(), new AbortController().signal)
  const lines = commands(await printed(async () => {
    report.progress(text)
    report.warn(other)
    await report.step('ingress', () => {
      report.info(other + text)
      report.note(text)
      report.changed({ step: 'ingress', object: text, path: other, before: text, after: other, why: other })
      return Promise.resolve({ verdict: other, result: undefined })
    })
    report.output('endpoint', other)
  }))
  for (const line of lines) expect(line).toMatch(/^::(group::[✓✗] |endgroup::$|warning |set-output )/)
  return true
}, [['\r'.repeat(100_000), ''], ['\u2028 '.repeat(50_000), '']])

const secretText = fc.oneof(fc.string({ unit: 'grapheme', minLength: 6, maxLength: 60 }), anyText, fc.base64String({ minLength: 40, maxLength: 300 }).map((text) => text.replace(/.{64}/g, '$&\n'))).filter((text) => text.trim().length >= 6 && !text.includes('*'))
/** The forms in which a secret travels: as it is, in base64, in URLs and forms, in JSON of JavaScript and of Go. */
const forms: readonly ((secret: string) => string)[] = [
  (secret) => secret, (secret) => secret.trim(), (secret) => Buffer.from(secret).toString('base64'), (secret) => Buffer.from(secret).toString('base64url'), (secret) => encodeURIComponent(secret.toWellFormed()), (secret) => new URLSearchParams({ '': secret }).toString().slice(1),
  (secret) => JSON.stringify(secret).slice(1, -1), (secret) => JSON.stringify(secret).slice(1, -1).replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`),
]
/** Inside of what is encoded as a whole, at any place in it. */
const embedded = ['u:', 'us:', 'user:'].map((before) => (secret: string) => Buffer.from(before + secret.trim()).toString('base64'))

property('redaction', fc.tuple(secretText, anyText, anyText, fc.array(fc.constantFrom(...forms, ...embedded), { minLength: 1, maxLength: 4 })), async ([secret, before, after, made]) => {
  const redactor = new Redactor()
  let shown = ''
  await printed(() => {
    redactor.protect(secret)
    shown = redactor.redact(made.map((form) => before + form(secret) + after).join(' '))
  })
  // Of what is encoded with something before it, that beginning is no secret; nor is the last sign, which has a few bits.
  const hidden = [...forms.map((form) => form(secret)), ...embedded.map((form) => form(secret).replace(/=+$/, '').slice(8, -1))]
  for (const each of hidden) if (each.length >= 6 && shown.includes(each)) throw new Error(`${JSON.stringify(each)} is in ${JSON.stringify(shown)}`)
  return true
})
