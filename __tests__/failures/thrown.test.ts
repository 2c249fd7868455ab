import { describe, expect, test } from '@jest/globals'
import { ActionError } from '../../src/failures/action-error.ts'
import type { FailureCode } from '../../src/failures/codes.ts'
import { jobCancelled } from '../../src/failures/run.ts'
import { toActionError, settleAll } from '../../src/failures/thrown.ts'
import { captureActionError } from '../capture-error.ts'

const createError = (code: FailureCode): ActionError =>
  new ActionError({ code, problem: code, remedy: `fix ${code}` })
const listCodes = (combined: ActionError): string[] => combined.allErrors.map(({ code }) => code)

describe('toActionError', () => {
  test.each<{ name: string; thrown: unknown; message: RegExp }>([
    {
      name: 'an Error',
      thrown: new RangeError('out of bounds'),
      message: /^The action failed unexpectedly: out of bounds$/,
    },
    { name: 'a string', thrown: 'oops', message: /^The action failed unexpectedly: oops$/ },
    {
      name: 'undefined',
      thrown: undefined,
      message: /^The action failed unexpectedly: undefined$/,
    },
  ])('$name is an internal error', ({ thrown, message }) => {
    const actionError = toActionError(thrown)
    expect([actionError.code, actionError.message, actionError.cause]).toEqual([
      'internal-error',
      expect.stringMatching(message),
      thrown,
    ])
  })

  test.each<{ name: string; code: string; syscall: string; message: RegExp }>([
    {
      name: 'a write to a full disk',
      code: 'ENOSPC',
      syscall: 'write',
      message: /^The runner's disk is full \(ENOSPC: write failed\)\.$/,
    },
    {
      name: 'a socket error with the code of a file error',
      code: 'EACCES',
      syscall: 'connect',
      message: /^The action failed unexpectedly: /,
    },
    {
      name: 'a file error without specific advice',
      code: 'EBADF',
      syscall: 'write',
      message: /^The action failed unexpectedly: /,
    },
  ])('$name', ({ code, syscall, message }) => {
    const error = Object.assign(new Error(`${code}: ${syscall} failed`), { code, syscall })
    expect(toActionError(error).message).toMatch(message)
  })

  test('returns an ActionError unchanged', () => {
    const original = jobCancelled()
    expect(toActionError(original)).toBe(original)
  })
})

describe('settleAll', () => {
  test('returns the values in order', async () => {
    expect(
      await settleAll([
        Promise.resolve(1),
        new Promise<string>((resolve) => setImmediate(() => resolve('two'))),
      ]),
    ).toEqual([1, 'two'])
  })

  test('waits for the slowest rejection too', async () => {
    const slowRejection = new Promise<never>((_, reject) =>
      setImmediate(() => reject(createError('input-missing'))),
    )
    const failure = await captureActionError(() =>
      settleAll([Promise.reject(createError('helm-too-old')), Promise.resolve(1), slowRejection]),
    )
    expect(listCodes(failure)).toEqual(['input-missing', 'helm-too-old'])
  })

  test('reports an unexpected error together with a known problem', async () => {
    expect(
      listCodes(
        await captureActionError(() =>
          settleAll([Promise.reject(new Error('x')), Promise.reject(createError('input-invalid'))]),
        ),
      ),
    ).toEqual(['input-invalid', 'internal-error'])
  })
})
