import { describe, expect, test } from '@jest/globals'
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import {
  failureCodes,
  stepNames,
  type FailureCode,
  type StepName,
} from '../../src/failures/codes.ts'

const createError = (code: FailureCode, problem: string = code, step?: StepName): ActionError =>
  new ActionError({ code, problem, remedy: `fix ${problem}`, ...(step && { step }) })
const listCodes = (combined: ActionError): string[] => combined.allErrors.map(({ code }) => code)

test('codes are kebab-case and each is there once', () => {
  expect(failureCodes.filter((code) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(code))).toEqual([])
  expect(new Set(failureCodes).size).toBe(failureCodes.length)
})

describe('combineErrors', () => {
  test.each<[string, ActionError[], string[]]>([
    ['one', [createError('input-invalid')], ['input-invalid']],
    [
      'ranked by the catalogue',
      [createError('cancelled'), createError('helm-too-old'), createError('input-missing')],
      ['input-missing', 'helm-too-old', 'cancelled'],
    ],
    [
      'equals keep their order',
      [
        createError('input-invalid', 'b'),
        createError('input-missing'),
        createError('input-invalid', 'a'),
      ],
      ['input-missing', 'input-invalid', 'input-invalid'],
    ],
    [
      'the same problem met twice',
      [createError('aws-credentials-expired', 'x'), createError('aws-credentials-expired', 'x')],
      ['aws-credentials-expired'],
    ],
    [
      'combined ones are taken apart',
      [
        combineErrors([createError('helm-too-old'), createError('input-invalid')]),
        combineErrors([createError('input-missing'), createError('input-invalid')]),
      ],
      ['input-missing', 'input-invalid', 'helm-too-old'],
    ],
  ])('%s', (_, errors, expected) => {
    expect(listCodes(combineErrors(errors))).toEqual(expected)
  })

  test('keeps what each says, and its step', () => {
    const combined = combineErrors([
      createError('cancelled', 'late', 'probe'),
      createError('input-missing', 'early', 'preflight'),
    ])
    expect(combined.allErrors.map(({ message, remedy, step }) => [message, remedy, step])).toEqual([
      ['early', 'fix early', 'preflight'],
      ['late', 'fix late', 'probe'],
    ])
  })

  test('of nothing is a defect', () => {
    expect(() => combineErrors([])).toThrow(TypeError)
  })
})

describe('withStep', () => {
  test.each<[string, StepName | undefined, StepName]>([
    ['places an error without a step', undefined, 'release'],
    ['leaves one that knows better', 'certificate', 'certificate'],
  ])('%s', (_, original, expectedStep) => {
    const cause = new Error('why')
    const before = new ActionError(
      {
        code: 'helm-too-old',
        problem: 'p',
        remedy: 'r',
        cause,
        ...(original && { step: original }),
      },
      [createError('cancelled')],
    )
    const after = before.withStep('release')
    expect([after.step, after.message, after.remedy, after.cause]).toEqual([
      expectedStep,
      'p',
      'r',
      cause,
    ])
    expect(after.otherErrors.map(({ step }) => step)).toEqual(['release'])
    expect(before.step).toBe(original)
  })
})

test('steps are in the order in which they change things', () => {
  expect(stepNames).toEqual([
    'preflight',
    'certificate',
    'release',
    'ingress',
    'load-balancer',
    'probe',
  ])
})
