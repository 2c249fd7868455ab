import { describe, expect, test } from '@jest/globals'
import { formatGoError } from '../../simulator/alb-controller/aws-clients.ts'
import { EventCorrelator } from '../../simulator/alb-controller/event-correlator.ts'
import { computeBackoff, WorkQueue } from '../../simulator/alb-controller/work-queue.ts'

describe('events', () => {
  const createEvent = (
    message: string,
  ): { uid: string; type: 'Warning'; reason: string; message: string } => ({
    uid: 'u',
    type: 'Warning',
    reason: 'FailedDeployModel',
    message,
  })

  test('a repeated message increments the count of its event', () => {
    const correlator = new EventCorrelator()
    expect([1, 2, 3].map(() => correlator.correlate(createEvent('x'), 0)?.count)).toEqual([1, 2, 3])
  })

  test('ten different messages are combined into one event, which continues after a success', () => {
    const correlator = new EventCorrelator()
    const updates = Array.from({ length: 12 }, (_, index) =>
      correlator.correlate(createEvent(`id ${index}`), 0),
    )
    expect(updates.slice(0, 9).map((each) => each?.count)).toEqual(Array(9).fill(1))
    expect(updates.slice(9).map((each) => [each?.message, each?.count])).toEqual(
      [9, 10, 11].map((id) => [`(combined from similar events): id ${id}`, id - 8]),
    )
    expect(
      correlator.correlate(
        {
          uid: 'u',
          type: 'Normal',
          reason: 'SuccessfullyReconciled',
          message: 'Successfully reconciled',
        },
        0,
      )?.count,
    ).toBe(1)
    expect(correlator.correlate(createEvent('later'), 1000)).toMatchObject({
      message: '(combined from similar events): later',
      count: 4,
    })
    expect(correlator.correlate(createEvent('much later'), 700_000)).toMatchObject({
      message: 'much later',
      count: 1,
    })
  })

  test('drops the events of an object after 25, except one every five minutes', () => {
    const correlator = new EventCorrelator()
    const updates = Array.from({ length: 26 }, () => correlator.correlate(createEvent('x'), 0))
    expect(updates.map((each) => each !== undefined)).toEqual([
      ...Array<boolean>(25).fill(true),
      false,
    ])
    expect(correlator.correlate(createEvent('x'), 300_000)?.count).toBe(27)
  })
})

describe('the work queue', () => {
  test('backs off 5 ms × 2^n, up to 1000 s', () => {
    expect([0, 1, 2, 10, 17, 18, 40].map(computeBackoff)).toEqual([
      5, 10, 20, 5120, 655_360, 1_000_000, 1_000_000,
    ])
  })

  test('deduplicates keys, processes them sequentially, and retries failures', async () => {
    const handled: string[] = []
    let done: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (done = resolve))
    const queue = new WorkQueue((key) => {
      handled.push(key)
      if (handled.length === 4) done()
      return handled.length < 3 ? Promise.reject(new Error('no')) : Promise.resolve(undefined)
    })
    queue.add('a')
    queue.add('a')
    queue.add('b')
    await finished
    await queue.stop()
    expect(handled).toEqual(['a', 'b', 'a', 'b'])
  })
})

test('formats errors as the AWS SDK for Go does', () => {
  class CertificateNotFoundException extends Error {
    override name = 'CertificateNotFoundException'
    $metadata = { httpStatusCode: 400, requestId: 'r', attempts: 1 }
  }
  expect(
    formatGoError(
      'Elastic Load Balancing v2',
      'CreateListener',
      new CertificateNotFoundException('not found'),
    ),
  ).toBe(
    'operation error Elastic Load Balancing v2: CreateListener, https response error StatusCode: 400, RequestID: r, CertificateNotFound: not found',
  )
})
