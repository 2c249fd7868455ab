import { expect, test } from '@jest/globals'
import { UncaughtErrors } from '../../src/util/uncaught-errors.ts'
import { captureError } from '../capture-error.ts'

const errors = new UncaughtErrors()
const injected = new Error('injected')
const waitForever = (): Promise<never> => new Promise(() => undefined)
const emitUncaught = (): boolean => process.emit('uncaughtException', injected)

test('the innermost work fails, and what follows it continues', async () => {
  const steps: unknown[] = []
  await errors.guard(async () => {
    const step = captureError(() => errors.guard(waitForever))
    emitUncaught()
    steps.push(await step)
    steps.push(await errors.guard(() => Promise.resolve('rolled back')))
  })
  expect(steps).toEqual([injected, 'rolled back'])
})

test('work without steps fails itself', async () => {
  const work = captureError(() => errors.guard(waitForever))
  emitUncaught()
  expect(await work).toBe(injected)
})

test('work that nothing can continue fails', async () => {
  const work = captureError(() => errors.guard(waitForever))
  process.emit('beforeExit', 0)
  expect(String(await work)).toContain('nothing was left to wait for')
})

test('an error after the work changes nothing', async () => {
  expect(await errors.guard(() => Promise.resolve('done'))).toBe('done')
  expect(emitUncaught()).toBe(true)
})
