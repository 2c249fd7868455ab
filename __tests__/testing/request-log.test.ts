import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { RequestLog, type ReceivedRequest } from '../../testing/request-log.ts'

const createRequest = (operation: string): ReceivedRequest => ({
  service: 'kubernetes',
  operation,
  isMutating: false,
  userAgent: 'kubectl/v1.35.2',
  query: '',
  body: '',
})

test('observers see a request when it is received and when it is answered, until they stop', () => {
  const log = new RequestLog()
  const events: string[] = []
  const stop = log.observe({
    received: ({ operation }) => events.push(`received ${operation}`),
    answered: ({ operation }) => events.push(`answered ${operation}`),
  })
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  log.record(createRequest('GET /a'), response)
  expect(events).toEqual(['received GET /a'])
  response.emit('finish')
  stop()
  log.record(createRequest('GET /b'))
  expect(events).toEqual(['received GET /a', 'answered GET /a'])
  expect(log.requests.map(({ operation }) => operation)).toEqual(['GET /a', 'GET /b'])
})

test('the next request is the first one that matches after the call', async () => {
  const log = new RequestLog()
  log.record(createRequest('GET /a'))
  const next = log.nextRequest(({ operation }) => operation.startsWith('GET /a'))
  log.record(createRequest('GET /b'))
  log.record(createRequest('GET /a/1'))
  log.record(createRequest('GET /a/2'))
  expect(await next).toMatchObject({ operation: 'GET /a/1' })
})

test('the log is idle when all tracked work has ended, even work that fails or begins meanwhile', async () => {
  const log = new RequestLog()
  const finished: string[] = []
  const work = async (name: string, next?: () => void): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve))
    finished.push(name)
    next?.()
    throw new Error(name)
  }
  log.trackWork(work('first', () => log.trackWork(work('second'))))
  await log.waitUntilIdle()
  expect(finished).toEqual(['first', 'second'])
})
