import { expect, test } from '@jest/globals'
import { TestQueue } from '../../testing/test-queue.ts'

test('tests of a queue run once, two at a time, and each gets its own result', async () => {
  const queue = new TestQueue(2)
  const started: string[] = []
  const add = (name: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const run = queue.add(async () => {
      started.push(name)
      await promise
    })
    return { run, resolve: () => resolve(undefined), reject }
  }
  const [first, second, third] = [add('first'), add('second'), add('third')]
  const firstResult = first.run()
  expect(started).toEqual(['first', 'second'])
  second.reject(new Error('second failed'))
  first.resolve()
  await firstResult
  await expect(second.run()).rejects.toThrow('second failed')
  third.resolve()
  await third.run()
  expect(started).toEqual(['first', 'second', 'third'])
})
