import { describe, expect, test } from '@jest/globals'
import { certificateArns, desiredIngress, differences, nudgeAnnotation } from '../../src/steps/ingress-object.ts'
import type { IngressSettings } from '../../src/settings/types.ts'
import { arn, host, ingress, settings } from './fixtures.ts'

const alb = (name: string): string => `alb.ingress.kubernetes.io/${name}`
const backend = { name: 'milvus-demo', service: 'milvus-svc', port: 19530, certificateArn: arn }
const make = (more: Partial<IngressSettings> = {}, nudge?: string): ReturnType<typeof desiredIngress> => desiredIngress(settings({ ingress: more }), backend, nudge)

const guide = {
  [alb('scheme')]: 'internet-facing', [alb('backend-protocol-version')]: 'GRPC', [alb('target-type')]: 'ip', [alb('listen-ports')]: '[{"HTTPS":443}]', [alb('certificate-arn')]: arn,
  [alb('ssl-policy')]: 'ELBSecurityPolicy-TLS13-1-2-2021-06', [alb('load-balancer-attributes')]: 'idle_timeout.timeout_seconds=600',
}

test('the Ingress of the guide', () => {
  expect(make()).toEqual({
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'milvus-demo', namespace: 'milvus', annotations: guide },
    spec: { ingressClassName: 'alb', rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'milvus-svc', port: { number: 19530 } } } }] } }] },
  })
})

describe('what each setting changes', () => {
  const attributes = alb('load-balancer-attributes')
  test.each<[string, Partial<IngressSettings>, Record<string, string>]>([
    ['scheme', { scheme: 'internal' }, { [alb('scheme')]: 'internal' }],
    ['listen port', { listenPort: 19530 }, { [alb('listen-ports')]: '[{"HTTPS":19530}]' }],
    ['ssl policy', { sslPolicy: 'ELBSecurityPolicy-X' }, { [alb('ssl-policy')]: 'ELBSecurityPolicy-X' }],
    ['idle timeout', { idleTimeout: 4000 }, { [attributes]: 'idle_timeout.timeout_seconds=4000' }],
    ['CIDR blocks', { inboundCidrs: ['10.0.0.0/8', '::/0'] }, { [alb('inbound-cidrs')]: '10.0.0.0/8,::/0' }],
    ['subnets', { subnets: ['subnet-1', 'subnet-2'] }, { [alb('subnets')]: 'subnet-1,subnet-2' }],
    ['security groups', { securityGroups: ['sg-1'] }, { [alb('security-groups')]: 'sg-1' }],
    ['name of the load balancer', { loadBalancerName: 'front' }, { [alb('load-balancer-name')]: 'front' }],
    ['group', { groupName: 'shared' }, { [alb('group.name')]: 'shared' }],
    ['tags, with the comma escaped as the controller wants it', { tags: { team: 'search', note: 'a,b=c' } }, { [alb('tags')]: 'team=search,note=a\\,b=c' }],
    ['an annotation of the user', { annotations: { 'example.com/owner': 'me' } }, { 'example.com/owner': 'me' }],
    ['attributes of the user, beside the idle timeout', { annotations: { [attributes]: 'deletion_protection.enabled=true' } }, { [attributes]: 'idle_timeout.timeout_seconds=600,deletion_protection.enabled=true' }],
    ['empty attributes of the user', { annotations: { [attributes]: '' } }, { [attributes]: 'idle_timeout.timeout_seconds=600' }],
  ])('%s', (_, more, changed) => {
    expect(make(more).metadata.annotations).toEqual({ ...guide, ...changed })
  })

  test('class', () => {
    expect(make({ className: 'alb.internal' }).spec.ingressClassName).toBe('alb.internal')
  })

  test('a nudge is kept as it is', () => {
    expect(make({}, '2026-01-01T00:00:00Z').metadata.annotations).toEqual({ ...guide, [nudgeAnnotation]: '2026-01-01T00:00:00Z' })
  })
})

describe('differences', () => {
  const desired = make()
  const [rule] = desired.spec.rules ?? []
  const same = { spec: desired.spec, owned: Object.keys(guide) }
  const path = (name: string): string => `metadata.annotations.${alb(name)}`

  test.each<[string, Parameters<typeof ingress> | undefined, { path: string; before?: unknown; after?: unknown }[]]>([
    ['none', [guide, same], []],
    ['none, though others have annotations too', [{ ...guide, 'kubectl.kubernetes.io/last-applied-configuration': '{}' }, same], []],
    ['none, though the keys of the rule are in another order', [guide, { ...same, spec: { rules: [{ http: { paths: [{ pathType: 'Prefix', backend: { service: { port: { number: 19530 }, name: 'milvus-svc' } }, path: '/' }] }, host }], ingressClassName: 'alb' } }], []],
    ['another value', [{ ...guide, [alb('scheme')]: 'internal' }, same], [{ path: path('scheme'), before: 'internal', after: 'internet-facing' }]],
    ['an annotation that is missing', [{ ...guide, [alb('ssl-policy')]: undefined } as unknown as Record<string, string>, same], [{ path: path('ssl-policy'), after: 'ELBSecurityPolicy-TLS13-1-2-2021-06' }]],
    ['one of ours that is no longer wanted', [{ ...guide, [alb('subnets')]: 'a,b' }, { ...same, owned: [...Object.keys(guide), alb('subnets')] }], [{ path: path('subnets'), before: 'a,b' }]],
    ['one of somebody else that nobody asked for', [{ ...guide, [alb('subnets')]: 'a,b' }, same], []],
    ['one of ours that is gone already', [guide, { ...same, owned: [...Object.keys(guide), alb('subnets')] }], []],
    ['an empty value is a value', [{ ...guide, [alb('scheme')]: '' }, same], [{ path: path('scheme'), before: '', after: 'internet-facing' }]],
    ['another class', [guide, { ...same, spec: { ...desired.spec, ingressClassName: 'nginx' } }], [{ path: 'spec.ingressClassName', before: 'nginx', after: 'alb' }]],
    ['a second rule', [guide, { ...same, spec: { ...desired.spec, rules: [...(rule ? [rule] : []), { host: 'other.example.com' }] } }], [{ path: 'spec.rules', before: expect.stringContaining('other.example.com'), after: expect.stringContaining(host) }]],
    ['no rules', [guide, { ...same, spec: { ingressClassName: 'alb' } }], [{ path: 'spec.rules', after: expect.stringContaining(host) }]],
  ])('%s', (_, live, expected) => {
    expect(differences(desired, live && ingress(...live))).toEqual(expected)
  })

  test('an annotation with a name that every object of JavaScript has', () => {
    const own = make({ annotations: { constructor: 'x' } })
    expect(differences(own, ingress(guide, same))).toEqual([{ path: 'metadata.annotations.constructor', after: 'x' }])
  })

  test('of an Ingress that is not there: everything', () => {
    const found = differences(desired, undefined)
    expect(found.map((difference) => difference.path)).toEqual([...Object.keys(guide).map((key) => `metadata.annotations.${key}`), 'spec.ingressClassName', 'spec.rules'])
    expect(found.every((difference) => !('before' in difference))).toBe(true)
  })
})

test.each([[undefined, []], ['', []], [arn, [arn]], [`${arn}, ${arn}2 ,`, [arn, `${arn}2`]]])('certificateArns of %j', (annotation, expected) => {
  expect(certificateArns(ingress(annotation === undefined ? {} : { [alb('certificate-arn')]: annotation }))).toEqual(expected)
})
