import { expect, test } from '@jest/globals'
import { FaultInjector, recordRequest, type Fault } from '../../testing/fault-injector.ts'
import { RequestLog, type ReceivedRequest } from '../../testing/request-log.ts'

const request: ReceivedRequest = {
  service: 'acm',
  operation: 'ImportCertificate',
  isMutating: true,
  userAgent: 'aws-sdk-js/3',
  query: '',
  body: '',
}
const importFault: Fault = { service: 'acm', operation: 'ImportCertificate', reset: 'before' }

test.each<readonly [string, Partial<Fault>, boolean]>([
  ['the operation', {}, true],
  ['a pattern of operations', { operation: /^Import/ }, true],
  ['the User-Agent', { userAgent: /aws-sdk/ }, true],
  ['another operation', { operation: 'Import' }, false],
  ['a pattern of other operations', { operation: /^Delete/ }, false],
  ['another service', { service: 'sts' }, false],
  ['another User-Agent', { userAgent: /Helm/ }, false],
])('a fault for %s', async (_, changes, applies) => {
  const faults = new FaultInjector()
  faults.inject({ ...importFault, ...changes })
  expect((await faults.apply(request)) !== undefined).toBe(applies)
})

test('the newest fault applies until it is used up or removed', async () => {
  const faults = new FaultInjector()
  const [oldest, middle] = [importFault, { ...importFault, reset: 'after' as const }]
  faults.inject(oldest)
  const removeMiddle = faults.inject(middle)
  faults.inject({ ...importFault, error: { status: 500, code: 'a', message: 'b' }, times: 1 })
  expect(await faults.apply(request)).toMatchObject({ error: { code: 'a' } })
  expect(await faults.apply(request)).toMatchObject(middle)
  removeMiddle()
  expect(await faults.apply(request)).toMatchObject(oldest)
})

test('a gate delays a request, which then continues normally', async () => {
  const faults = new FaultInjector()
  let openGate: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (openGate = resolve))
  faults.inject({ service: 'acm', operation: 'ImportCertificate', gate })
  let isApplied = false
  const applied = faults.apply(request).then((fault) => {
    isApplied = true
    return fault
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(isApplied).toBe(false)
  openGate()
  expect(await applied).toBeUndefined()
})

test('a request is recorded before its fault applies, and also without an injector', async () => {
  const requestLog = new RequestLog()
  const faults = new FaultInjector()
  faults.inject(importFault)
  const recorded = requestLog.nextRequest(({ operation }) => operation === 'ImportCertificate')
  expect(await recordRequest({ requestLog, faults }, request)).toMatchObject(importFault)
  expect(await recorded).toMatchObject(request)
  expect(await recordRequest({ requestLog }, request)).toBeUndefined()
  expect(requestLog.requests).toHaveLength(2)
})
