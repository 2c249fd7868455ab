import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import { Redactor } from '../../src/reporting/redaction.ts'
import { Report } from '../../src/reporting/report.ts'
import { renderSummary, writeSummary } from '../../src/reporting/summary.ts'
import { FakeClock } from '../util/clock.ts'
import { certificateArn, createSettings } from '../steps/fixtures.ts'
import { captureStdout } from './capture-stdout.ts'
import {
  now,
  type SummaryInput,
  createStep,
  createChange,
  createSummaryInput,
  createFailure,
} from './summary-fixtures.ts'

/** Active Markdown or HTML, outside of escapes and entities. The summary itself folds its diff. */
const activeMarkdown =
  /(?<!\\)!\[|(?<!\\)\]\(|<(?!\/?(?:code|span|details|summary)>|br>|!-- -->)[a-z!/]/i

describe('summary', () => {
  test('contains every problem and remedy', () => {
    const error = combineErrors([
      createFailure('First.'),
      new ActionError({ code: 'input-missing', problem: 'Second.', remedy: 'Give it.' }),
    ])
    const text = renderSummary(createSummaryInput(), createSettings(), error, now)
    expect(text).toMatch(
      /\*\*Second\.\*\*\n\nWhat to do: Give it\. \(.*input-missing.*\)\n\n\*\*First\.\*\*\n\nWhat to do: Fix it\. \(.*controller-refused.*\)/,
    )
  })

  test('contains steps, outputs and notes', () => {
    const text = renderSummary(
      createSummaryInput({
        steps: [
          createStep('preflight', 'good'),
          createStep('release', 'helm-upgrade-failed', 'failed'),
          createStep('ingress', '1 object differs', 'differs'),
          createStep('probe', 'skipped', 'skipped'),
        ],
        notes: ['Look here.'],
      }),
      createSettings(),
      createFailure(),
      now,
    )
    for (const expected of [
      '| ✅ preflight | good | 0.5 s | 1.2 s |',
      '| ❌ release | helm-upgrade-failed | 0.5 s | 1.2 s |',
      '| ⚠️ ingress | 1 object differs | 0.5 s | 1.2 s |',
      '| ➖ probe | skipped | 0.5 s | 1.2 s |',
      `| Certificate | <code>${certificateArn}</code> |`,
      '### Notes\n\n- Look here.',
    ])
      expect(text).toContain(expected)
  })

  test.each([
    [30 * 86_400_000, '30 days left'],
    [86_400_000 + 1, '1 day left'],
    [-1, '(expired)'],
  ])('shows the expiry of a certificate that expires in %d ms', (millisecondsLeft, expected) => {
    const certificate = {
      issuer: 'CN=Authority',
      dnsNames: ['milvus.example.com', '*.example.com'],
      serialNumber: '0A',
      keyAlgorithm: 'RSA_2048',
      notAfter: new Date(now + millisecondsLeft),
    }
    const text = renderSummary(
      createSummaryInput({ topology: { certificate } }),
      createSettings(),
      undefined,
      now,
    )
    for (const part of [
      expected,
      '<code>milvus.example.com</code>, <code>\\*.example.com</code>',
      '| Certificate issuer | <code>CN=Authority</code>, serial number <code>0A</code> |',
    ])
      expect(text).toContain(part)
  })

  const injection = '![x](https://evil.example/p.png) <img src=x onerror=y> | [a](javascript:b) `c`'
  test.each<{ name: string; report: SummaryInput; error: ActionError | undefined }>([
    { name: 'a problem', report: createSummaryInput(), error: createFailure(injection) },
    {
      name: 'the value before a change',
      report: createSummaryInput({ changes: [createChange({ before: injection })] }),
      error: undefined,
    },
    {
      name: 'the value after a change',
      report: createSummaryInput({ changes: [createChange({ after: injection })] }),
      error: undefined,
    },
    {
      name: 'a path',
      report: createSummaryInput({ changes: [createChange({ path: injection })] }),
      error: undefined,
    },
    {
      name: 'an object',
      report: createSummaryInput({ changes: [createChange({ object: injection })] }),
      error: undefined,
    },
    {
      name: 'a reason',
      report: createSummaryInput({ changes: [createChange({ why: injection })] }),
      error: undefined,
    },
    { name: 'a note', report: createSummaryInput({ notes: [injection] }), error: undefined },
    {
      name: 'the result of a step',
      report: createSummaryInput({ steps: [createStep('probe', injection)] }),
      error: undefined,
    },
    {
      name: 'an output',
      report: createSummaryInput({ outputs: new Map([['ingress-name', injection]]) }),
      error: undefined,
    },
    {
      name: 'the version of Milvus',
      report: createSummaryInput({ outputs: new Map([['milvus-version', injection]]) }),
      error: undefined,
    },
  ])('escapes Markdown in $name', ({ report, error }) => {
    const text = renderSummary(report, createSettings(), error, now)
    expect(text.replace(/```[\s\S]*```/, '')).not.toMatch(activeMarkdown)
    expect(text).toContain('evil.example')
  })

  test('a value with a code fence cannot end its code block', () => {
    expect(
      renderSummary(
        createSummaryInput({ changes: [createChange({ before: '```\n\n# injected\n```' })] }),
        createSettings(),
        undefined,
        now,
      ),
    ).not.toMatch(/^(```\n\n)?# injected/m)
  })
})

describe('writeSummary', () => {
  const limit = 1024 * 1024
  let directory: string,
    summaryPath: string,
    redactor: Redactor,
    report: Report,
    savedPath: string | undefined
  // One file for all: @actions/core keeps the path that it saw first.
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'summary-test-'))
    summaryPath = join(directory, 'summary.md')
    savedPath = process.env['GITHUB_STEP_SUMMARY']
    process.env['GITHUB_STEP_SUMMARY'] = summaryPath
  })
  afterAll(async () => {
    if (savedPath === undefined) Reflect.deleteProperty(process.env, 'GITHUB_STEP_SUMMARY')
    else process.env['GITHUB_STEP_SUMMARY'] = savedPath
    await rm(directory, { recursive: true })
  })
  beforeEach(async () => {
    await writeFile(summaryPath, '')
    redactor = new Redactor()
    report = new Report(redactor, new FakeClock(), new AbortController().signal)
  })

  /** The summary of a failed run with one note. */
  async function writeNote(note: string, secret = ''): Promise<string> {
    report.notes.splice(0, Infinity, note)
    await captureStdout(async () => {
      redactor.maskSecret(secret)
      await writeSummary(report, createSettings(), createFailure(), redactor)
    })
    const text = await readFile(summaryPath, 'utf8')
    await writeFile(summaryPath, '')
    return text
  }

  test.each(['canary-secret', 'canary_se*cret&x<1>', 'canary|se#cret', 'canary\\se`cret'])(
    'removes the secret %s',
    async (secret) => {
      const text = await writeNote(`token ${secret} here`, secret)
      expect(text).toContain('here')
      expect(text).not.toMatch(/canary|cret/)
    },
  )

  test('removes a secret in the result of a step', async () => {
    await captureStdout(async () => {
      redactor.maskSecret('canary-secret')
      await report.step('probe', () => Promise.resolve({ summary: 'canary-secret', result: 0 }))
    })
    const text = await writeNote('note')
    expect(text).toContain('| ✅ probe | \\*\\*\\* |')
    expect(text).not.toContain('canary')
  })

  test.each(['x', '向', 'y向', 'yy向', '&'])(
    'truncates a note of many %j to the size limit of GitHub',
    async (fragment) => {
      const text = await writeNote(fragment.slice(0, -1) + fragment.slice(-1).repeat(limit))
      expect(Buffer.byteLength(text)).toBeGreaterThan(limit / 2)
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit)
    },
  )

  test('leaves no part of a secret at the truncation point', async () => {
    const prefixLength = Buffer.byteLength((await writeNote('marker')).split('marker')[0] ?? '')
    expect(
      await writeNote(
        `${'x'.repeat(limit - prefixLength - 8)}canary-at-the-cut`,
        'canary-at-the-cut',
      ),
    ).not.toContain('canary')
  })

  test('writes nothing without GITHUB_STEP_SUMMARY', async () => {
    Reflect.deleteProperty(process.env, 'GITHUB_STEP_SUMMARY')
    try {
      expect(await writeNote('x')).toBe('')
    } finally {
      process.env['GITHUB_STEP_SUMMARY'] = summaryPath
    }
  })
})
