import { expect, test } from '@jest/globals'
import { waitUntil } from '../../testing/wait.ts'

test('returns the value of the condition once it is true', async () => {
  const values = [undefined, false, 'ready'] as const
  let checks = 0
  const value: string = await waitUntil(() => values[checks++], { interval: 1 })
  expect([value, checks]).toEqual(['ready', 3])
})

test('an error of the condition counts as false', async () => {
  let checks = 0
  await waitUntil(
    () => {
      checks += 1
      return checks > 1 ? true : Promise.reject(new Error('not yet'))
    },
    { interval: 1 },
  )
  expect(checks).toBe(2)
})

test('a timeout throws the error of the caller, or quotes the condition', async () => {
  const fail = (): never => {
    throw new Error('down')
  }
  const options = { timeout: 5, interval: 1 }
  await expect(waitUntil(fail, options)).rejects.toMatchObject({
    message: expect.stringMatching(/^Not true within 5 ms: .*'down'/s) as unknown,
    cause: new Error('down'),
  })
  const createError = (last: unknown): Error => new Error(`not ready: ${String(last)}`)
  await expect(waitUntil(fail, { ...options, createError })).rejects.toThrow(
    'not ready: Error: down',
  )
})
