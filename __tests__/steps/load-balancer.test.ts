import { describe, expect, test } from '@jest/globals'
import { nudgeAnnotation } from '../../src/steps/ingress-object.ts'
import { plan } from '../../src/steps/load-balancer.ts'
import type { Target } from '../../src/steps/preflight.ts'
import { event, ingress, settings, target } from './fixtures.ts'

const now = new Date('2026-01-02T03:04:05.678Z')
const failed = event('FailedDeployModel', 'Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, https response error StatusCode: 400, RequestID: a, CertificateNotFound: x', '20')
const succeeded = event('SuccessfullyReconciled', 'Successfully reconciled', '30')
const throttled = event('FailedDeployModel', 'Failed deploy model due to operation error X: Y, https response error StatusCode: 400, RequestID: a, api error Throttling: Rate exceeded', '40')
const withAddress = ingress({}, { hostname: 'k8s-1.us-east-2.elb.amazonaws.com' })

describe('plan: a nudge, when nothing else makes the controller look again', () => {
  test.each<[string, Partial<Target>, wordsSince: bigint | undefined, why: RegExp | undefined]>([
    ['reconciled and an address', { ingress: withAddress, events: [succeeded] }, undefined, undefined],
    ['an address, and events that are gone after an hour', { ingress: withAddress, events: [] }, undefined, undefined],
    ['a failure before the success', { ingress: withAddress, events: [failed, succeeded] }, undefined, undefined],
    ['a failure after the success, with the old address', { ingress: withAddress, events: [succeeded, { ...failed, metadata: { ...failed.metadata, resourceVersion: '31' } }] }, undefined, /last said no/],
    ['trouble that may heal: its next look may be minutes away too', { ingress: withAddress, events: [throttled] }, undefined, /last said no/],
    ['no address and no word', { ingress: ingress({}), events: [] }, undefined, /no address/],
    ['no address, though reconciled', { ingress: ingress({}), events: [succeeded] }, undefined, /no address/],
    ['events of others', { ingress: withAddress, events: [event('FailedToUpdateEndpointSlices', 'x', '99')] }, undefined, undefined],
    ['the Ingress changes anyway', { ingress: ingress({}), events: [failed] }, 7n, undefined],
  ])('%s', (_, found, wordsSince, why) => {
    const changes = plan(target(found), settings(), { ingress: found.ingress ?? ingress({}), wordsSince }, now)
    expect(changes).toEqual(why === undefined ? [] : [{ step: 'load-balancer', object: 'Ingress milvus/milvus-demo', path: `metadata.annotations.${nudgeAnnotation}`, after: '2026-01-02T03:04:05.678Z', why: expect.stringMatching(why) as unknown }])
  })

  test('says what the nudge was before', () => {
    expect(plan(target({ ingress: ingress({ [nudgeAnnotation]: 'then' }) }), settings(), { ingress: ingress({ [nudgeAnnotation]: 'then' }), wordsSince: undefined }, now)).toMatchObject([{ before: 'then', after: now.toISOString() }])
  })
})
