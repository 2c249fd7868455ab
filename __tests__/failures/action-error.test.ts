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

test('failure codes are kebab-case and unique', () => {
  expect(failureCodes.filter((code) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(code))).toEqual([])
  expect(new Set(failureCodes).size).toBe(failureCodes.length)
})

describe('combineErrors', () => {
  test.each<{ name: string; errors: ActionError[]; expected: string[] }>([
    { name: 'a single error', errors: [createError('input-invalid')], expected: ['input-invalid'] },
    {
      name: 'errors in the order of the catalogue',
      errors: [createError('cancelled'), createError('helm-too-old'), createError('input-missing')],
      expected: ['input-missing', 'helm-too-old', 'cancelled'],
    },
    {
      name: 'errors with equal codes in their original order',
      errors: [
        createError('input-invalid', 'b'),
        createError('input-missing'),
        createError('input-invalid', 'a'),
      ],
      expected: ['input-missing', 'input-invalid', 'input-invalid'],
    },
    {
      name: 'a duplicate problem',
      errors: [
        createError('aws-credentials-expired', 'x'),
        createError('aws-credentials-expired', 'x'),
      ],
      expected: ['aws-credentials-expired'],
    },
    {
      name: 'nested combined errors',
      errors: [
        combineErrors([createError('helm-too-old'), createError('input-invalid')]),
        combineErrors([createError('input-missing'), createError('input-invalid')]),
      ],
      expected: ['input-missing', 'input-invalid', 'helm-too-old'],
    },
  ])('$name', ({ errors, expected }) => {
    expect(listCodes(combineErrors(errors))).toEqual(expected)
  })

  test('keeps the message, the remedy and the step of each error', () => {
    const combined = combineErrors([
      createError('cancelled', 'late', 'probe'),
      createError('input-missing', 'early', 'preflight'),
    ])
    expect(combined.allErrors.map(({ message, remedy, step }) => [message, remedy, step])).toEqual([
      ['early', 'fix early', 'preflight'],
      ['late', 'fix late', 'probe'],
    ])
  })

  test('throws a TypeError without errors', () => {
    expect(() => combineErrors([])).toThrow(TypeError)
  })
})

describe('withStep', () => {
  test.each<{ name: string; original: StepName | undefined; expectedStep: StepName }>([
    { name: 'sets the step of an error without one', original: undefined, expectedStep: 'release' },
    {
      name: 'keeps the step that an error already has',
      original: 'certificate',
      expectedStep: 'certificate',
    },
  ])('$name', ({ original, expectedStep }) => {
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

test('the steps are listed in the order in which they run', () => {
  expect(stepNames).toEqual([
    'preflight',
    'certificate',
    'release',
    'ingress',
    'load-balancer',
    'probe',
  ])
})
