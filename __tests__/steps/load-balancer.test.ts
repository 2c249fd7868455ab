import { describe, expect, test } from '@jest/globals'
import { nudgeAnnotation } from '../../src/steps/ingress-object.ts'
import type { LoadBalancerParts } from '../../src/aws/load-balancer-parts.ts'
import { plan } from '../../src/steps/load-balancer.ts'
import { drift, isComplete, type Observed } from '../../src/steps/load-balancer/drift.ts'
import type { Target } from '../../src/steps/preflight.ts'
import type { ClassParams } from '../../src/steps/preflight/ingress-class.ts'
import { arn, event, host, ingress, settings, target } from './fixtures.ts'

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
    const changes = plan(target(found), settings(), { ingress: found.ingress ?? ingress({}), wordsSince }, undefined, now)
    expect(changes).toEqual(why === undefined ? [] : [{ step: 'load-balancer', object: 'Ingress milvus/milvus-demo', path: `metadata.annotations.${nudgeAnnotation}`, after: '2026-01-02T03:04:05.678Z', why: expect.stringMatching(why) as unknown }])
  })

  test('says what the nudge was before', () => {
    expect(plan(target({ ingress: ingress({ [nudgeAnnotation]: 'then' }) }), settings(), { ingress: ingress({ [nudgeAnnotation]: 'then' }), wordsSince: undefined }, undefined, now)).toMatchObject([{ before: 'then', after: now.toISOString() }])
  })
})

const prefix = 'alb.ingress.kubernetes.io'
const policy = 'ELBSecurityPolicy-TLS13-1-2-2021-06'
const said = ingress({ [`${prefix}/certificate-arn`]: arn, [`${prefix}/ssl-policy`]: policy, [`${prefix}/load-balancer-attributes`]: 'idle_timeout.timeout_seconds=600,waf.fail_open.enabled=True' }, { hostname: 'k8s-1-2.us-east-2.elb.amazonaws.com' })
const group = { arn: 'tg', name: 'k8s-milvus', protocolVersion: 'GRPC', targetType: 'ip' }
const rule = { hosts: [host], paths: ['/*'], targetGroup: 'tg' }
const listener = { port: 443, protocol: 'HTTPS', certificate: arn, sslPolicy: policy, rules: [rule] }
const good: LoadBalancerParts = { listeners: [listener, { ...listener, port: 80, rules: undefined }], targetGroups: [group], attributes: { 'idle_timeout.timeout_seconds': '600', 'waf.fail_open.enabled': 'true', 'routing.http2.enabled': 'false' } }
const balancer = { arn: 'lb', name: 'k8s-1', state: 'active', reason: '' }
const observed = (parts: Partial<LoadBalancerParts> = {}): Observed => ({ address: 'k8s-1-2.us-east-2.elb.amazonaws.com', balancer, parts: { ...good, ...parts } })
const withListener = (more: Partial<typeof listener>): Observed => observed({ listeners: [{ ...listener, ...more }] })

describe('drift: AWS is not as the Ingress says', () => {
  test.each<[string, Observed, string[], Parameters<typeof settings>[0], ClassParams]>([
    ['as it should be', observed(), [], {}, {}],
    ['nothing may be read', observed({ listeners: undefined, targetGroups: undefined, attributes: undefined }), [], {}, {}],
    ['no load balancer any more', { ...observed(), balancer: undefined }, ['load balancer k8s-1: DNS name -> k8s-1-2.us-east-2.elb.amazonaws.com'], {}, {}],
    ['no listener', observed({ listeners: [] }), ['listener 443 of k8s-1: protocol -> HTTPS'], {}, {}],
    ['a listener of another protocol', withListener({ protocol: 'HTTP' }), ['listener 443 of k8s-1: protocol HTTP -> HTTPS'], {}, {}],
    ['another certificate', withListener({ certificate: 'arn:other' }), [`listener 443 of k8s-1: default certificate arn:other -> ${arn}`], {}, {}],
    ['another certificate, which the class sets', withListener({ certificate: 'arn:other' }), [], {}, { certificateArn: ['arn:other'] }],
    ['another certificate, which the class may set', withListener({ certificate: 'arn:other', sslPolicy: 'x' }), [], {}, 'unreadable'],
    ['another certificate, of the first member of the group', withListener({ certificate: 'arn:other' }), [], { ingress: { groupName: 'shared' } }, {}],
    ['another policy', withListener({ sslPolicy: 'ELBSecurityPolicy-2016-08' }), [`listener 443 of k8s-1: ssl-policy ELBSecurityPolicy-2016-08 -> ${policy}`], {}, {}],
    ['another policy, which the class sets', withListener({ sslPolicy: 'ELBSecurityPolicy-2016-08' }), [], {}, { sslPolicy: 'ELBSecurityPolicy-2016-08' }],
    ['no rule', withListener({ rules: [] }), [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`], {}, {}],
    ['a rule for another host', withListener({ rules: [{ ...rule, hosts: ['other.example.com'] }] }), [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`], {}, {}],
    ['a rule for another path', withListener({ rules: [{ ...rule, paths: ['/x'] }] }), [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`], {}, {}],
    ['a rule in upper case, for every path', withListener({ rules: [{ ...rule, hosts: [host.toUpperCase()], paths: [] }] }), [], {}, {}],
    ['a rule that answers itself', observed({ listeners: [{ ...listener, rules: [{ hosts: [host], paths: ['/*'], targetGroup: undefined }] }] }), [`listener 443 of k8s-1: rule for ${host} no forwarding -> forward to Milvus`], {}, {}],
    ['a target group of another kind', observed({ targetGroups: [{ ...group, protocolVersion: 'HTTP1', targetType: 'instance' }] }), ['target group k8s-milvus: protocol version HTTP1 -> GRPC', 'target group k8s-milvus: target type instance -> ip'], {}, {}],
    ['a target group that may not be read', observed({ targetGroups: undefined }), [], {}, {}],
    ['an attribute', observed({ attributes: { 'idle_timeout.timeout_seconds': '60' } }), ['load balancer k8s-1: attribute idle_timeout.timeout_seconds 60 -> 600'], {}, {}],
    ['an attribute that the class sets', observed({ attributes: { 'idle_timeout.timeout_seconds': '60' } }), [], {}, { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '60' }] }],
  ])('%s', (_, found, expected, more, params) => {
    expect(drift(found, said, settings(more), params).map(({ object, path, before, after }) => `${object}: ${path}${before === undefined ? '' : ` ${before}`} -> ${after ?? ''}`)).toEqual(expected)
  })

  test('is planned with a nudge, unless the controller hears of a change or has said no', () => {
    const drifted = withListener({ rules: [] })
    const found = target({ ingress: said })
    const planned = plan(found, settings(), { ingress: said, wordsSince: undefined }, drifted, now)
    expect(planned.map(({ object, why }) => `${object}: ${why}`)).toEqual([
      'listener 443 of k8s-1: changed by hand in AWS; the controller puts it back when it looks again',
      'Ingress milvus/milvus-demo: makes the controller look at AWS, which it else does only when the Ingress changes',
    ])
    expect(plan(found, settings(), { ingress: said, wordsSince: 7n }, drifted, now)).toEqual([])
    expect(plan(target({ ingress: said, events: [failed] }), settings(), { ingress: said, wordsSince: undefined }, drifted, now)).toHaveLength(1)
  })

  test.each<[string, LoadBalancerParts, boolean]>([
    ['everything', good, true], ['no listeners', { ...good, listeners: undefined }, false], ['no rules', { ...good, listeners: [{ ...listener, rules: undefined }] }, false], ['no target groups', { ...good, targetGroups: undefined }, false],
  ])('isComplete: %s may be read', (_, parts, expected) => {
    expect(isComplete(parts, 443)).toBe(expected)
  })
})
