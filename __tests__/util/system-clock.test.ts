import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../src/util/polling.ts'

describe('systemClock', () => {
  test('sleeps for the given time', async () => {
    const startedAt = performance.now()
    await systemClock.sleep(30, new AbortController().signal)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(28)
  })

  test.each(['before', 'during'])(
    'an abort %s the sleep ends it without an error',
    async (when) => {
      const controller = new AbortController()
      if (when === 'before') controller.abort()
      else setImmediate(() => controller.abort())
      const startedAt = performance.now()
      await systemClock.sleep(60_000, controller.signal)
      expect(performance.now() - startedAt).toBeLessThan(5_000)
    },
  )
})
