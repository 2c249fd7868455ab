import { expect, test } from '@jest/globals'
import { runConcurrently } from '../../src/util/concurrency.ts'

test.each([
  { count: 0, limit: 3, maxRunning: 0 },
  { count: 2, limit: 3, maxRunning: 2 },
  { count: 7, limit: 3, maxRunning: 3 },
  { count: 3, limit: 1, maxRunning: 1 },
])(
  '$count items with a limit of $limit: at most $maxRunning run at a time, and each runs once',
  async ({ count, limit, maxRunning }) => {
    const items = Array.from({ length: count }, (_, index) => index)
    let running = 0
    let mostRunning = 0
    const started: number[] = []
    const results = await Promise.all(
      runConcurrently(items, limit, async (item) => {
        started.push(item)
        running += 1
        mostRunning = Math.max(mostRunning, running)
        // Later items end first.
        for (let turn = item; turn < count; turn += 1) await Promise.resolve()
        running -= 1
        return `result ${item}`
      }),
    )
    expect(results).toEqual(items.map((item) => `result ${item}`))
    expect(started).toEqual(items)
    expect(mostRunning).toBe(maxRunning)
  },
)

test('an item that fails does not stop the others', async () => {
  const results = await Promise.allSettled(
    runConcurrently(['a', 'b', 'c'], 1, (item) =>
      item === 'a' ? Promise.reject(new Error('a failed')) : Promise.resolve(item),
    ),
  )
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
})
