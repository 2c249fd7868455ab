import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import type { Change } from '../../src/steps/step.ts'
import { annotateFailure } from '../../src/reporting/failure.ts'
import { Redactor } from '../../src/reporting/redaction.ts'
import { Report, formatChange, formatStepDuration } from '../../src/reporting/report.ts'
import { captureActionError } from '../capture-error.ts'
import { FakeClock } from '../util/clock.ts'
import { captureStdout } from './capture-stdout.ts'
import { clearRunnerVariables, restoreRunnerVariables } from './runner-variables.ts'

let redactor: Redactor, clock: FakeClock, controller: AbortController, report: Report
beforeEach(async () => {
  clearRunnerVariables()
  redactor = new Redactor()
  clock = new FakeClock()
  controller = new AbortController()
  report = new Report(redactor, clock, controller.signal)
  await captureStdout(() => redactor.maskSecret('canary-secret'))
})
afterEach(restoreRunnerVariables)

const createChange = (overrides: Partial<Change> = {}): Change => ({
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'spec.rules',
  before: 'old',
  after: 'new',
  why: 'differs',
  ...overrides,
})
const createError = (code: 'input-missing' | 'input-invalid', problem: string): ActionError =>
  new ActionError({ code, problem, remedy: `Fix ${problem}` })

describe('a step', () => {
  test('prints one group with the result and the duration in its title', async () => {
    const text = await captureStdout(async () => {
      expect(
        await report.step('ingress', () => {
          report.info('a line')
          report.note('a note')
          clock.time += 1_234
          return Promise.resolve({ summary: 'unchanged', result: 7 })
        }),
      ).toBe(7)
    })
    expect(text).toBe('::group::✓ ingress: unchanged (1.2 s)\na line\nnote: a note\n::endgroup::\n')
    expect(report.steps).toEqual([
      { name: 'ingress', summary: 'unchanged', state: 'done', startOffset: 0, duration: 1_234 },
    ])
    expect(report.notes).toEqual(['a note'])
  })

  test.each(['differs', 'skipped'] as const)('that %s is marked', async (state) => {
    const text = await captureStdout(() =>
      report.step('ingress', () => Promise.resolve({ summary: 'text', state, result: 0 })),
    )
    expect(text).toBe(
      `::group::${{ differs: '≠', skipped: '–' }[state]} ingress: text (0.0 s)\n::endgroup::\n`,
    )
    expect(report.steps).toMatchObject([{ name: 'ingress', state }])
  })

  test('contains its warnings, each once in a run', async () => {
    const text = await captureStdout(async () => {
      for (const name of ['probe', 'release', 'probe'] as const)
        await report.step(name, () => {
          if (name === 'probe') report.warn('no credentials')
          return Promise.resolve({ summary: 'v', result: 0 })
        })
    })
    expect(text.split('\n').slice(0, 4)).toEqual([
      '::group::✓ probe: v (0.0 s)',
      '::warning title=Milvus ALB::no credentials',
      '::endgroup::',
      '::group::✓ release: v (0.0 s)',
    ])
    expect(text.match(/no credentials/g)).toHaveLength(1)
  })

  test('loses no line outside of a step', async () => {
    const text = await captureStdout(async () => {
      report.open('milvus-alb-action 1.2.0')
      report.note('before')
      await report.step('probe', () => Promise.resolve({ summary: 'v', result: 0 }))
      report.note('after')
      report.warn('at the end')
    })
    expect(text).toBe(
      'milvus-alb-action 1.2.0\nnote: before\n::group::✓ probe: v (0.0 s)\n::endgroup::\n' +
        'note: after\n::warning title=Milvus ALB::at the end\n',
    )
  })

  test('logs each problem of a failure and adds its name to the errors', async () => {
    const text = await captureStdout(async () => {
      const thrown = await captureActionError(() =>
        report.step('preflight', () =>
          Promise.reject(
            combineErrors([
              createError('input-invalid', 'two'),
              createError('input-missing', 'one'),
            ]),
          ),
        ),
      )
      expect(thrown.allErrors.map(({ step, code }) => [step, code])).toEqual([
        ['preflight', 'input-missing'],
        ['preflight', 'input-invalid'],
      ])
    })
    expect(text).toBe(
      '::group::✗ preflight: input-missing and 1 more (0.0 s)\ninput-missing: one\ninput-invalid: two\n::endgroup::\n',
    )
  })

  test('reports any error after a cancellation as the cancellation', async () => {
    await captureStdout(async () => {
      const thrown = await captureActionError(() =>
        report.step('probe', () => {
          controller.abort()
          return Promise.reject(new Error('socket hang up'))
        }),
      )
      expect([thrown.code, thrown.step]).toEqual(['cancelled', 'probe'])
    })
  })

  test('reports an unknown error as an internal error', async () => {
    await captureStdout(async () => {
      expect(
        (
          await captureActionError(() =>
            report.step('probe', () => Promise.reject(new TypeError('x is not a function'))),
          )
        ).code,
      ).toBe('internal-error')
    })
  })

  test('omits the lines of the previous step', async () => {
    const text = await captureStdout(async () => {
      await report.step('certificate', () => {
        report.info('first')
        return Promise.resolve({ summary: 'a', result: 0 })
      })
      await report.step('release', () => Promise.resolve({ summary: 'b', result: 0 }))
    })
    expect(text.match(/first/g)).toHaveLength(1)
  })
})

describe('secrets', () => {
  test.each<[string, () => unknown]>([
    [
      'an info line',
      () =>
        report.step('probe', () => {
          report.info('x canary-secret')
          return Promise.resolve({ summary: 'v', result: 0 })
        }),
    ],
    [
      'a step result',
      () => report.step('probe', () => Promise.resolve({ summary: 'canary-secret', result: 0 })),
    ],
    ['a warning', () => report.warn('canary-secret')],
    ['a progress line', () => report.progress('canary-secret')],
    ['a debug line', () => report.debug('canary-secret')],
    ['an output', () => report.setOutput('changes', '{"a":"canary-secret"}')],
    [
      'a problem',
      () =>
        report
          .step('probe', () => Promise.reject(createError('input-invalid', 'canary-secret')))
          .catch(() => undefined),
    ],
    [
      'a change',
      () =>
        report.step('probe', () => {
          report.recordChange(createChange({ before: 'canary-secret' }))
          return Promise.resolve({ summary: 'v', result: 0 })
        }),
    ],
    [
      'the failure annotation',
      () => {
        annotateFailure(createError('input-invalid', 'canary-secret'), redactor)
        process.exitCode = undefined
      },
    ],
  ])('are removed from %s', async (_, callback) => {
    const text = await captureStdout(callback)
    expect(text).toContain('***')
    expect(text).not.toContain('canary')
    expect([...report.outputs.values()].join()).not.toContain('canary')
  })
})

describe('external text cannot be a workflow command', () => {
  const injection =
    'hello\n::add-mask::a\n  ::error::b\n##[error]c\nmidst ##[error]d\n\u0085::error::e\r\u200B::error::f'
  const commandPattern = /^[^\p{L}\p{N}\p{P}\p{S}]*::(add-mask|error)::|##\[error\]/mu
  test.each<[string, () => unknown]>([
    [
      'an info line of a step',
      () =>
        report.step('release', () => {
          report.info(injection)
          report.info('::add-mask::d')
          return Promise.resolve({ summary: 'v', result: 0 })
        }),
    ],
    [
      'a note',
      () =>
        report.step('release', () => {
          report.note(injection)
          return Promise.resolve({ summary: 'v', result: 0 })
        }),
    ],
    ['a progress line', () => report.progress(injection)],
    [
      'a problem',
      () =>
        report
          .step('release', () => Promise.reject(createError('input-invalid', injection)))
          .catch(() => undefined),
    ],
    [
      'a change',
      () =>
        report.step('release', () => {
          report.recordChange(createChange({ object: injection, before: injection }))
          return Promise.resolve({ summary: 'v', result: 0 })
        }),
    ],
  ])('%s', async (_, callback) => {
    const text = await captureStdout(callback)
    expect(text).toContain('hello')
    expect(text).not.toMatch(commandPattern)
  })
})

describe('data for the summary', () => {
  test('contains each note once, all changes, and the last value of each output', async () => {
    await captureStdout(() => {
      for (const line of ['a', 'b', 'a']) report.note(line)
      report.warn('d')
      report.warn('c')
      report.warn('d')
      report.recordChange(createChange())
      report.recordChange(createChange())
      report.setOutput('changed', 'false')
      report.setOutput('changed', 'true')
    })
    expect([report.notes, report.warnings, report.changes.length, report.outputs]).toEqual([
      ['a', 'b'],
      ['d', 'c'],
      2,
      new Map([['changed', 'true']]),
    ])
  })
})

test.each<{ name: string; overrides: Partial<Change>; lines: string[] }>([
  { name: 'a changed value', overrides: {}, lines: ['- spec.rules: old', '+ spec.rules: new'] },
  {
    name: 'a created value',
    overrides: { before: undefined } as unknown as Partial<Change>,
    lines: ['+ spec.rules: new'],
  },
  {
    name: 'a deleted value',
    overrides: { after: undefined } as unknown as Partial<Change>,
    lines: ['- spec.rules: old'],
  },
  {
    name: 'an empty value before the change',
    overrides: { before: '' },
    lines: ['- spec.rules: ', '+ spec.rules: new'],
  },
  {
    name: 'a value of several lines',
    overrides: { before: 'a\n  b' },
    lines: ['- spec.rules: a b', '+ spec.rules: new'],
  },
])('formatChange formats $name', ({ overrides, lines }) => {
  expect(formatChange(createChange(overrides))).toEqual(lines)
})

test.each([
  [0, '0.0 s'],
  [49, '0.0 s'],
  [1_234, '1.2 s'],
  [61_000, '61.0 s'],
])('formatStepDuration(%d) is %s', (ms, text) => {
  expect(formatStepDuration(ms)).toBe(text)
})
