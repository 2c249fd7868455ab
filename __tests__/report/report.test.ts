import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ActionError, combine } from '../../src/core/errors.ts'
import type { Change } from '../../src/core/step.ts'
import { annotate, codeLink } from '../../src/report/failure.ts'
import { Redactor } from '../../src/report/redaction.ts'
import { Report, changeLines, seconds } from '../../src/report/report.ts'
import { failureOf } from '../caught.ts'
import { TurnedClock } from '../core/clock.ts'
import { printed } from './stdout.ts'

let redactor: Redactor, clock: TurnedClock, controller: AbortController, report: Report
let saved: NodeJS.ProcessEnv
const runnerVariables = ['GITHUB_OUTPUT', 'GITHUB_ACTION_REPOSITORY', 'GITHUB_ACTION_REF', 'GITHUB_SERVER_URL']
beforeEach(async () => {
  saved = { ...process.env }
  for (const name of runnerVariables) Reflect.deleteProperty(process.env, name)
  redactor = new Redactor()
  clock = new TurnedClock()
  controller = new AbortController()
  report = new Report(redactor, clock, controller.signal)
  await printed(() => redactor.protect('canary-secret'))
})
afterEach(() => {
  Object.assign(process.env, saved)
})

const change = (more: Partial<Change> = {}): Change => ({ step: 'ingress', object: 'Ingress milvus/milvus-demo', path: 'spec.rules', before: 'old', after: 'new', why: 'differs', ...more })
const error = (code: 'input-missing' | 'input-invalid', problem: string): ActionError => new ActionError({ code, problem, remedy: `Mend ${problem}` })

describe('a step', () => {
  test('that succeeds is one group, with its verdict and time in the title', async () => {
    const text = await printed(async () => {
      expect(await report.step('ingress', () => {
        report.info('a line')
        report.note('a note')
        clock.time += 1_234
        return Promise.resolve({ verdict: 'unchanged', result: 7 })
      })).toBe(7)
    })
    expect(text).toBe('::group::✓ ingress: unchanged (1.2 s)\na line\nnote: a note\n::endgroup::\n')
    expect(report.steps).toEqual([{ name: 'ingress', verdict: 'unchanged', ok: true, began: 0, took: 1_234 }])
    expect(report.notes).toEqual(['a note'])
  })

  test('that fails shows each problem, and throws them in its name', async () => {
    const text = await printed(async () => {
      const thrown = await failureOf(() => report.step('preflight', () => Promise.reject(combine([error('input-invalid', 'two'), error('input-missing', 'one')]))))
      expect(thrown.all.map(({ step, code }) => [step, code])).toEqual([['preflight', 'input-missing'], ['preflight', 'input-invalid']])
    })
    expect(text).toBe('::group::✗ preflight: input-missing and 1 more (0.0 s)\ninput-missing: one\ninput-invalid: two\n::endgroup::\n')
  })

  test('whatever is thrown after the job was cancelled is the cancellation', async () => {
    await printed(async () => {
      const thrown = await failureOf(() => report.step('probe', () => {
        controller.abort()
        return Promise.reject(new Error('socket hang up'))
      }))
      expect([thrown.code, thrown.step]).toEqual(['cancelled', 'probe'])
    })
  })

  test('what is no problem of the user is an internal error', async () => {
    await printed(async () => {
      expect((await failureOf(() => report.step('probe', () => Promise.reject(new TypeError('x is not a function'))))).code).toBe('internal-error')
    })
  })

  test('lines of one step are not in the next', async () => {
    const text = await printed(async () => {
      await report.step('certificate', () => {
        report.info('first')
        return Promise.resolve({ verdict: 'a', result: 0 })
      })
      await report.step('release', () => Promise.resolve({ verdict: 'b', result: 0 }))
    })
    expect(text.match(/first/g)).toHaveLength(1)
  })
})

describe('secrets', () => {
  test.each<[string, () => unknown]>([
    ['a line', () => report.step('probe', () => { report.info('x canary-secret'); return Promise.resolve({ verdict: 'v', result: 0 }) })],
    ['a verdict', () => report.step('probe', () => Promise.resolve({ verdict: 'canary-secret', result: 0 }))],
    ['a warning', () => report.warn('canary-secret')],
    ['progress', () => report.progress('canary-secret')],
    ['debug', () => report.debug('canary-secret')],
    ['an output', () => report.output('changes', '{"a":"canary-secret"}')],
    ['a problem', () => report.step('probe', () => Promise.reject(error('input-invalid', 'canary-secret'))).catch(() => undefined)],
    ['a change', () => report.step('probe', () => { report.changed(change({ before: 'canary-secret' })); return Promise.resolve({ verdict: 'v', result: 0 }) })],
    ['the annotation', () => { annotate(error('input-invalid', 'canary-secret'), redactor); process.exitCode = undefined }],
  ])('in %s are taken out', async (_, work) => {
    const text = await printed(work)
    expect(text).toContain('***')
    expect(text).not.toContain('canary')
    expect([...report.outputs.values()].join()).not.toContain('canary')
  })
})

describe('text from outside is no command to the runner', () => {
  const attack = 'hello\n::add-mask::a\n  ::error::b\n##[error]c\nmidst ##[error]d\n\u0085::error::e\r\u200B::error::f'
  const commands = /^[^\p{L}\p{N}\p{P}\p{S}]*::(add-mask|error)::|##\[error\]/mu
  test.each<[string, () => unknown]>([
    ['a line of a step', () => report.step('release', () => { report.info(attack); report.info('::add-mask::d'); return Promise.resolve({ verdict: 'v', result: 0 }) })],
    ['a note', () => report.step('release', () => { report.note(attack); return Promise.resolve({ verdict: 'v', result: 0 }) })],
    ['progress', () => report.progress(attack)],
    ['a problem', () => report.step('release', () => Promise.reject(error('input-invalid', attack))).catch(() => undefined)],
    ['a change', () => report.step('release', () => { report.changed(change({ object: attack, before: attack })); return Promise.resolve({ verdict: 'v', result: 0 }) })],
  ])('%s', async (_, work) => {
    const text = await printed(work)
    expect(text).toContain('hello')
    expect(text).not.toMatch(commands)
  })
})

describe('what is kept for the summary', () => {
  test('notes and warnings once, changes all, outputs the last', async () => {
    await printed(() => {
      for (const line of ['a', 'b', 'a']) report.note(line)
      report.warn('b')
      report.warn('c')
      report.changed(change())
      report.changed(change())
      report.output('changed', 'false')
      report.output('changed', 'true')
    })
    expect([report.notes, report.changes.length, report.outputs]).toEqual([['a', 'b', 'c'], 2, new Map([['changed', 'true']])])
  })
})

test.each<[string, Partial<Change>, string[]]>([
  ['changed', {}, ['- spec.rules: old', '+ spec.rules: new']],
  ['made', { before: undefined } as unknown as Partial<Change>, ['+ spec.rules: new']],
  ['taken away', { after: undefined } as unknown as Partial<Change>, ['- spec.rules: old']],
  ['from an empty text', { before: '' }, ['- spec.rules: ', '+ spec.rules: new']],
  ['of several lines', { before: 'a\n  b' }, ['- spec.rules: a b', '+ spec.rules: new']],
])('changeLines of what was %s', (_, more, lines) => {
  expect(changeLines(change(more))).toEqual(lines)
})

test.each([[0, '0.0 s'], [49, '0.0 s'], [1_234, '1.2 s'], [61_000, '61.0 s']])('seconds(%d)', (ms, text) => {
  expect(seconds(ms)).toBe(text)
})

describe('annotate', () => {
  test('one error with every problem and what to do, and a job that fails', async () => {
    const before = process.exitCode
    const text = await printed(() => annotate(combine([error('input-invalid', 'two'), error('input-missing', 'one')]).inStep('preflight'), redactor))
    expect(process.exitCode).toBe(1)
    process.exitCode = before
    expect(text).toMatch(/^::error title=Milvus ALB%3A input-missing in preflight::one%0AWhat to do: Mend one%0A%0Atwo%0AWhat to do: Mend two%0A%0A/)
    expect(text.trim().split('\n')).toHaveLength(1)
  })

  test.each<[string, NodeJS.ProcessEnv, string | undefined]>([
    ['of an action of a repository', { GITHUB_ACTION_REPOSITORY: 'owner/action', GITHUB_ACTION_REF: 'v1', GITHUB_SERVER_URL: 'https://github.example.com' }, 'https://github.example.com/owner/action/blob/v1/docs/troubleshooting.md#input-missing'],
    ['without a ref', { GITHUB_ACTION_REPOSITORY: 'owner/action', GITHUB_ACTION_REF: '' }, 'https://github.com/owner/action/blob/HEAD/docs/troubleshooting.md#input-missing'],
    ['of the workflow\'s own repository', { GITHUB_ACTION_REPOSITORY: '' }, undefined],
    ['on a laptop', {}, undefined],
  ])('codeLink %s', (_, environment, link) => {
    expect(codeLink('input-missing', environment)).toBe(link)
  })
})
