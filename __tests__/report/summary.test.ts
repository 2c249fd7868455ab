import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ActionError, cancelled, combine } from '../../src/core/errors.ts'
import type { Change, OutputName } from '../../src/core/step.ts'
import { Redactor } from '../../src/report/redaction.ts'
import { Report, type StepRecord } from '../../src/report/report.ts'
import { escape, summarize, writeSummary } from '../../src/report/summary.ts'
import { TurnedClock } from '../core/clock.ts'
import { arn, settings } from '../steps/fixtures.ts'
import { printed } from './stdout.ts'

/** The time of every summary. */
const now = Date.parse('2026-11-27T00:00:00Z')

type Parts = Parameters<typeof summarize>[0]
const step = (name: StepRecord['name'], verdict: string, ok = true): StepRecord => ({ name, verdict, ok, began: 500, took: 1_234 })
const change = (more: Partial<Change> = {}): Change => ({ step: 'ingress', object: 'Ingress milvus/milvus-demo', path: 'spec.rules', before: 'old', after: 'new', why: 'differs from the inputs', ...more })
const gone: Change = { step: 'ingress', object: 'Ingress milvus/milvus-demo', path: 'load balancer', before: 'old', why: 'this action made it' }
const outputs: [OutputName, string][] = [['alb-address', 'k8s-1.us-east-2.elb.amazonaws.com'], ['endpoint', 'https://milvus.example.com:443'], ['certificate-arn', arn], ['milvus-version', 'v2.6.15']]
const parts = (more: Partial<Parts> = {}): Parts => ({ steps: [step('preflight', 'everything is as it should be')], changes: [], notes: [], outputs: new Map(outputs), way: {}, ...more })
const failed = (problem = 'It is wrong.'): ActionError => new ActionError({ code: 'controller-refused', problem, remedy: 'Mend it.', step: 'load-balancer' })

const checked = (drift: string, ...changes: Change[]): Parts => parts({ changes, outputs: new Map([...outputs, ['drift', drift]]) })
const drifted = (code: 'drift-found' | 'drift-unknown'): ActionError => new ActionError({ code, problem: 'p', remedy: 'r', step: 'ingress' })

/** Text that Markdown would make something of: outside of a backslash, code fence or entity. */
const image = /(?<!\\)!\[|(?<!\\)\]\(|<(?!\/?code>|br>)[a-z!/]/i

describe('escape', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['a & b &amp; c', 'a &amp; b &amp;amp; c'],
    ['| cell | end', '\\| cell \\| end'],
    ['![x](https://example.com/y.png)', '\\!\\[x\\](https://example.com/y.png)'],
    ['`code` *bold* _it_ ~no~', '\\`code\\` \\*bold\\* \\_it\\_ \\~no\\~'],
    ['back\\slash \\| pipe', 'back\\\\slash \\\\\\| pipe'],
    ['one\ntwo\r\n  three', 'one<br>two<br>three'],
    ['# title', '\\# title'],
    ['a\rb\r\n\r\nc', 'a<br>b<br>c'],
    ['plain text, 1.2 (x)', 'plain text, 1.2 (x)'],
  ])('%j', (text, expected) => {
    expect(escape(text)).toBe(expected)
  })
})

describe('summarize', () => {
  test.each<[string, Parts, Parameters<typeof settings>[0] | null, ActionError | undefined, RegExp]>([
    ['success with changes', parts({ changes: [change(), change()] }), {}, undefined, /^## ✅ Milvus v2\.6\.15 answers through the ALB; 2 changes made\n/],
    ['success with one change', parts({ changes: [change()] }), {}, undefined, /; 1 change made\n/],
    ['success without a change', parts(), {}, undefined, /^## ✅ .*; nothing had to change\n/],
    ['success without a version', parts({ outputs: new Map() }), {}, undefined, /^## ✅ Milvus answers through the ALB/],
    ['probe off', parts(), { probe: { required: false, ca: undefined, address: undefined, token: undefined, dns: false } }, undefined, /^## ⚠️ The ALB is there, and was not probed; nothing had to change\n/],
    ['a dry run', parts({ changes: [change()] }), { dryRun: true }, undefined, /^## 📋 Dry run: 1 change would be made\n/],
    ['a dry run of nothing', parts(), { dryRun: true }, undefined, /^## 📋 Dry run: 0 changes would be made\n/],
    ['a clean check', checked('false'), { mode: 'check' }, undefined, /^## ✅ Everything is as the inputs say\n/],
    ['a check that only warns', checked('true', change(), change()), { mode: 'check' }, undefined, /^## ⚠️ 2 differences from what the inputs say\n/],
    ['a check that fails', checked('true', change()), { mode: 'check' }, drifted('drift-found'), /^## ❌ 1 difference from what the inputs say\n/],
    ['a check that could not see all', checked('unknown'), { mode: 'check' }, drifted('drift-unknown'), /^## ❌ Nothing differs in what could be seen, and not everything could\n/],
    ['a check whose probe failed', checked('true', change()), { mode: 'check' }, failed(), /^## ❌ Milvus is not proven behind the ALB: controller-refused/],
    ['failure', parts(), {}, failed(), /^## ❌ Milvus is not proven behind the ALB: controller-refused in load-balancer\n/],
    ['failure with probe off', parts(), { probe: { required: false, ca: undefined, address: undefined, token: undefined, dns: false } }, failed(), /^## ❌ /],
    ['failure of the inputs', parts({ steps: [step('preflight', 'input-missing', false)], outputs: new Map() }), null, new ActionError({ code: 'input-missing', problem: 'p', remedy: 'r' }), /^## ❌ .*: input-missing in preflight\n/],
    ['destroy', parts({ changes: [gone] }), { mode: 'destroy' }, undefined, /^## ✅ Removed: Ingress milvus\/milvus-demo\n/],
    ['destroy with nothing left', parts(), { mode: 'destroy' }, undefined, /^## ✅ Nothing was left to remove\n/],
    ['destroy that gave the Service its type back', parts({ changes: [change()] }), { mode: 'destroy' }, undefined, /^## ✅ Nothing was left to remove; the Service has another type\n/],
    ['destroy that was refused', parts(), { mode: 'destroy' }, failed(), /^## ❌ Nothing was removed: controller-refused in load-balancer\n/],
    ['destroy that failed on the way', parts({ changes: [change()] }), { mode: 'destroy' }, failed(), /^## ❌ Not all is removed: /],
    ['cancelled', parts(), {}, cancelled().inStep('release'), /^## ⏹ Cancelled in release\n/],
  ])('headline of %s', (_, report, wanted, error, expected) => {
    expect(summarize(report, wanted === null ? undefined : settings(wanted), error, now)).toMatch(expected)
  })

  test('every problem with what to do', () => {
    const error = combine([failed('First.'), new ActionError({ code: 'input-missing', problem: 'Second.', remedy: 'Give it.' })])
    const text = summarize(parts(), settings(), error, now)
    expect(text).toMatch(/\*\*Second\.\*\*\n\nWhat to do: Give it\. \(.*input-missing.*\)\n\n\*\*First\.\*\*\n\nWhat to do: Mend it\. \(.*controller-refused.*\)/)
  })

  test('how to connect only after a success', () => {
    expect(summarize(parts(), settings(), undefined, now)).toContain('from pymilvus import connections')
    expect(summarize(parts(), settings(), failed(), now)).not.toContain('pymilvus')
  })

  test.each<[string, string | undefined, boolean]>([['of a public authority', undefined, false], ['of a private one', '-----BEGIN CERTIFICATE-----', true]])('clients of a certificate %s', (_, ca, needed) => {
    const text = summarize(parts(), settings({ probe: { required: true, ca, address: undefined, token: undefined, dns: false } }), undefined, now)
    expect(text.includes('server_pem_path')).toBe(needed)
    expect(text).toContain('server_name="milvus.example.com"')
    expect(text).toContain('host="k8s-1.us-east-2.elb.amazonaws.com"')
  })

  test('steps, facts, notes', () => {
    const text = summarize(parts({ steps: [step('preflight', 'good'), step('release', 'helm-upgrade-failed', false)], notes: ['Look here.'] }), settings(), failed(), now)
    for (const expected of ['| ✅ preflight | good | 0.5 s | 1.2 s |', '| ❌ release | helm-upgrade-failed | 0.5 s | 1.2 s |', `| Certificate | <code>${arn}</code> |`, '> Look here.']) expect(text).toContain(expected)
  })

  test.each([[30 * 86_400_000, '30 days left'], [86_400_000 + 1, '1 day left'], [-1, '-1 day']])('a certificate that ends in %d ms', (left, expected) => {
    const certificate = { issuer: 'CN=Authority', names: ['milvus.example.com', '*.example.com'], serial: '0A', key: 'RSA_2048', notAfter: new Date(now + left) }
    const text = summarize(parts({ way: { certificate } }), settings(), undefined, now)
    for (const part of [expected, '<code>milvus.example.com</code>, <code>\\*.example.com</code>', '<code>RSA\\_2048</code> by <code>CN=Authority</code>']) expect(text).toContain(part)
  })

  const injection = '![x](https://evil.example/p.png) <img src=x onerror=y> | [a](javascript:b) `c`'
  test.each<[string, Parts, ActionError | undefined]>([
    ['a problem', parts(), failed(injection)],
    ['the value before, which somebody else wrote', parts({ changes: [change({ before: injection })] }), undefined],
    ['the value after', parts({ changes: [change({ after: injection })] }), undefined],
    ['a path', parts({ changes: [change({ path: injection })] }), undefined],
    ['an object', parts({ changes: [change({ object: injection })] }), undefined],
    ['a reason', parts({ changes: [change({ why: injection })] }), undefined],
    ['a note', parts({ notes: [injection] }), undefined],
    ['a verdict', parts({ steps: [step('probe', injection)] }), undefined],
    ['an output', parts({ outputs: new Map([['ingress-name', injection]]) }), undefined],
    ['the version that Milvus says', parts({ outputs: new Map([['milvus-version', injection]]) }), undefined],
  ])('Markdown in %s stays text', (_, report, error) => {
    const text = summarize(report, settings(), error, now)
    expect(text.replace(/```[\s\S]*```/, '')).not.toMatch(image)
    expect(text).toContain('evil.example')
  })

  test('a value with a fence does not end the table that it is in', () => {
    expect(summarize(parts({ changes: [change({ before: '```\n\n# gone\n```' })] }), settings(), undefined, now)).not.toMatch(/^(```\n\n)?# gone/m)
  })
})

describe('writeSummary', () => {
  const limit = 1024 * 1024
  let directory: string, file: string, redactor: Redactor, report: Report, saved: string | undefined
  // One file for all: @actions/core keeps the path that it saw first.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'summary-test-'))
    file = join(directory, 'summary.md')
    saved = process.env['GITHUB_STEP_SUMMARY']
    process.env['GITHUB_STEP_SUMMARY'] = file
  })
  afterAll(async () => {
    if (saved === undefined) Reflect.deleteProperty(process.env, 'GITHUB_STEP_SUMMARY')
    else process.env['GITHUB_STEP_SUMMARY'] = saved
    await rm(directory, { recursive: true })
  })
  beforeEach(async () => {
    await writeFile(file, '')
    redactor = new Redactor()
    report = new Report(redactor, new TurnedClock(), new AbortController().signal)
  })

  /** The summary of a failed run with one note. */
  async function noted(note: string, secret = ''): Promise<string> {
    report.notes.splice(0, Infinity, note)
    await printed(async () => {
      redactor.protect(secret)
      await writeSummary(report, settings(), failed(), redactor)
    })
    const text = await readFile(file, 'utf8')
    await writeFile(file, '')
    return text
  }

  test.each(['canary-secret', 'canary_se*cret&x<1>', 'canary|se#cret', 'canary\\se`cret'])('the secret %s is taken out', async (secret) => {
    const text = await noted(`token ${secret} here`, secret)
    expect(text).toContain('here')
    expect(text).not.toMatch(/canary|cret/)
  })

  test.each(['x', '向', 'y向', 'yy向', '&'])('a note of many %j is cut to what GitHub takes', async (piece) => {
    const text = await noted(piece.slice(0, -1) + piece.slice(-1).repeat(limit))
    expect(Buffer.byteLength(text)).toBeGreaterThan(limit / 2)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit)
  })

  test('a secret at the cut leaves no part', async () => {
    const start = Buffer.byteLength((await noted('marker')).split('marker')[0] ?? '')
    expect(await noted(`${'x'.repeat(limit - start - 8)}canary-at-the-cut`, 'canary-at-the-cut')).not.toContain('canary')
  })

  test('without a place for it nothing is written', async () => {
    Reflect.deleteProperty(process.env, 'GITHUB_STEP_SUMMARY')
    try {
      expect(await noted('x')).toBe('')
    } finally {
      process.env['GITHUB_STEP_SUMMARY'] = file
    }
  })
})
