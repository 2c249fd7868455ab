import { describe, expect, test } from '@jest/globals'
import { ActionError, asActionError, cancelled, combine, failureCodes, settleAll, stepNames, type FailureCode, type StepName } from '../../src/core/errors.ts'
import { failureOf } from '../caught.ts'

const error = (code: FailureCode, problem: string = code, step?: StepName): ActionError => new ActionError({ code, problem, remedy: `mend ${problem}`, ...(step && { step }) })
const codes = (combined: ActionError): string[] => combined.all.map(({ code }) => code)

test('codes are kebab-case and each is there once', () => {
  expect(failureCodes.filter((code) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(code))).toEqual([])
  expect(new Set(failureCodes).size).toBe(failureCodes.length)
})

describe('combine', () => {
  test.each<[string, ActionError[], string[]]>([
    ['one', [error('input-invalid')], ['input-invalid']],
    ['ranked by the catalogue', [error('cancelled'), error('helm-too-old'), error('input-missing')], ['input-missing', 'helm-too-old', 'cancelled']],
    ['equals keep their order', [error('input-invalid', 'b'), error('input-missing'), error('input-invalid', 'a')], ['input-missing', 'input-invalid', 'input-invalid']],
    ['the same problem met twice', [error('aws-credentials-expired', 'x'), error('aws-credentials-expired', 'x')], ['aws-credentials-expired']],
    ['combined ones are taken apart', [combine([error('helm-too-old'), error('input-invalid')]), combine([error('input-missing'), error('input-invalid')])], ['input-missing', 'input-invalid', 'helm-too-old']],
  ])('%s', (_, errors, expected) => {
    expect(codes(combine(errors))).toEqual(expected)
  })

  test('keeps what each says, and its step', () => {
    const combined = combine([error('cancelled', 'late', 'probe'), error('input-missing', 'early', 'preflight')])
    expect(combined.all.map(({ message, remedy, step }) => [message, remedy, step])).toEqual([['early', 'mend early', 'preflight'], ['late', 'mend late', 'probe']])
  })

  test('of nothing is a defect', () => {
    expect(() => combine([])).toThrow(TypeError)
  })
})

describe('inStep', () => {
  test.each<[string, StepName | undefined, StepName]>([
    ['places an error without a step', undefined, 'release'],
    ['leaves one that knows better', 'certificate', 'certificate'],
  ])('%s', (_, own, placed) => {
    const cause = new Error('why')
    const before = new ActionError({ code: 'helm-too-old', problem: 'p', remedy: 'r', cause, ...(own && { step: own }) }, [error('cancelled')])
    const after = before.inStep('release')
    expect([after.step, after.message, after.remedy, after.cause]).toEqual([placed, 'p', 'r', cause])
    expect(after.also.map(({ step }) => step)).toEqual(['release'])
    expect(before.step).toBe(own)
  })
})

describe('asActionError', () => {
  test.each<[string, unknown, RegExp]>([
    ['an Error', new RangeError('out of bounds'), /^Something went wrong inside the action: out of bounds$/],
    ['a text', 'oops', /^Something went wrong inside the action: oops$/],
    ['undefined', undefined, /^Something went wrong inside the action: undefined$/],
  ])('%s is a defect of ours', (_, thrown, message) => {
    const made = asActionError(thrown)
    expect([made.code, made.message, made.cause]).toEqual(['internal-error', expect.stringMatching(message), thrown])
  })

  test('an ActionError stays itself', () => {
    const own = cancelled()
    expect(asActionError(own)).toBe(own)
  })
})

describe('settleAll', () => {
  test('gives the values in order', async () => {
    expect(await settleAll([Promise.resolve(1), new Promise<string>((resolve) => setImmediate(() => resolve('two')))])).toEqual([1, 'two'])
  })

  test('waits for the slowest problem too', async () => {
    const slow = new Promise<never>((_, reject) => setImmediate(() => reject(error('input-missing'))))
    const failure = await failureOf(() => settleAll([Promise.reject(error('helm-too-old')), Promise.resolve(1), slow]))
    expect(codes(failure)).toEqual(['input-missing', 'helm-too-old'])
  })

  test('a defect beside a problem is not lost', async () => {
    expect(codes(await failureOf(() => settleAll([Promise.reject(new Error('x')), Promise.reject(error('input-invalid'))])))).toEqual(['input-invalid', 'internal-error'])
  })
})

test('steps are in the order in which they change things', () => {
  expect(stepNames).toEqual(['preflight', 'certificate', 'release', 'ingress', 'load-balancer', 'probe'])
})
