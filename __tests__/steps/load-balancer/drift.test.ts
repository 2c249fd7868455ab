import { describe, expect, test } from '@jest/globals'
import type { LoadBalancerConfiguration } from '../../../src/clients/aws/load-balancer-configuration.ts'
import type { Ingress } from '../../../src/clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../../src/controller/annotations.ts'
import { buildIngressManifest, restPaths } from '../../../src/steps/ingress/manifest.ts'
import { detectDrift, type Drift } from '../../../src/steps/load-balancer/drift.ts'
import { isComplete, type LoadBalancerSnapshot } from '../../../src/steps/load-balancer/snapshot.ts'
import { findTargetGroupArn } from '../../../src/steps/load-balancer/target-health.ts'
import type { ClassParams } from '../../../src/steps/preflight/ingress-class.ts'
import { certificateArn, createSettings, host } from '../fixtures.ts'
import {
  annotatedIngress,
  completeConfiguration,
  createListenerSnapshot,
  createSnapshot,
  forwardRule,
  listener,
  sslPolicy,
  targetGroup,
} from './snapshot-fixture.ts'

const withAnnotations = (annotations: Readonly<Record<string, string>>): Ingress => {
  const { metadata } = annotatedIngress
  const changed: Record<string, string> = { ...metadata.annotations }
  for (const [name, value] of Object.entries(annotations)) changed[prefix + name] = value
  return { ...annotatedIngress, metadata: { ...metadata, annotations: changed } }
}

const describeDrift = ({ object, path, before, after }: Drift): string =>
  `${object}: ${path}${before === undefined ? '' : ` ${before}`} -> ${after}`

describe('drift: AWS differs from the Ingress', () => {
  interface DriftCase {
    readonly name: string
    readonly snapshot: LoadBalancerSnapshot
    readonly differences?: readonly string[]
    readonly settings?: Parameters<typeof createSettings>[0]
    readonly classParams?: ClassParams
    /** Of the Ingress, instead of those that match the load balancer. */
    readonly annotations?: Readonly<Record<string, string>>
  }
  const noClassParams: ClassParams = { readable: true, spec: {} }
  const driftCases: readonly DriftCase[] = [
    { name: 'no difference', snapshot: createSnapshot() },
    {
      name: 'an unreadable configuration',
      snapshot: createSnapshot({
        listeners: undefined,
        targetGroups: undefined,
        attributes: undefined,
      }),
    },
    {
      name: 'a deleted load balancer',
      snapshot: { ...createSnapshot(), loadBalancer: undefined },
      differences: ['load balancer k8s-1: DNS name -> k8s-1-2.us-east-2.elb.amazonaws.com'],
    },
    {
      name: 'a missing listener',
      snapshot: createSnapshot({ listeners: [] }),
      differences: ['listener 443 of k8s-1: protocol -> HTTPS'],
    },
    {
      name: 'the listener of an Ingress with another port',
      snapshot: createSnapshot(),
      settings: { ingress: { listenPort: 8443 } },
    },
    {
      name: 'the rule of an Ingress with another host',
      snapshot: createSnapshot(),
      settings: { host: 'new.example.com' },
    },
    {
      name: 'a listener of another protocol',
      snapshot: createListenerSnapshot({ protocol: 'HTTP' }),
      differences: ['listener 443 of k8s-1: protocol HTTP -> HTTPS'],
    },
    {
      name: 'another certificate',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      differences: [`listener 443 of k8s-1: default certificate arn:other -> ${certificateArn}`],
    },
    {
      name: 'another certificate, which the class sets',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      classParams: { readable: true, spec: { certificateArn: ['arn:other'] } },
    },
    {
      name: 'another certificate, which the class may set',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other', sslPolicy: 'x' }),
      classParams: { readable: false },
    },
    {
      name: 'another certificate, of the first member of the group',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      settings: { ingress: { groupName: 'shared' } },
    },
    {
      name: 'another certificate, of the first member of the group of the class',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      classParams: { readable: true, spec: { group: { name: 'shared' } } },
    },
    {
      name: 'another certificate, of the first member of the group of an annotation that stays',
      snapshot: createListenerSnapshot({ defaultCertificateArn: 'arn:other' }),
      annotations: { 'group.name': 'shared' },
    },
    {
      name: 'another policy',
      snapshot: createListenerSnapshot({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
      differences: [`listener 443 of k8s-1: ssl-policy ELBSecurityPolicy-2016-08 -> ${sslPolicy}`],
    },
    {
      name: 'another policy, which the class sets',
      snapshot: createListenerSnapshot({ sslPolicy: 'ELBSecurityPolicy-2016-08' }),
      classParams: { readable: true, spec: { sslPolicy: 'ELBSecurityPolicy-2016-08' } },
    },
    {
      name: 'a missing rule',
      snapshot: createListenerSnapshot({ rules: [] }),
      differences: [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
    },
    {
      name: 'a rule for another host',
      snapshot: createListenerSnapshot({
        rules: [{ ...forwardRule, hosts: ['other.example.com'] }],
      }),
      differences: [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
    },
    {
      name: 'a rule for another path',
      snapshot: createListenerSnapshot({ rules: [{ ...forwardRule, paths: ['/x'] }] }),
      differences: [`listener 443 of k8s-1: rule for ${host} -> forward to Milvus`],
    },
    {
      name: 'a rule in upper case, for every path',
      snapshot: createListenerSnapshot({
        rules: [{ ...forwardRule, hosts: [host.toUpperCase()], paths: [] }],
      }),
    },
    {
      name: 'a rule that does not forward',
      snapshot: createSnapshot({
        listeners: [
          { ...listener, rules: [{ hosts: [host], paths: ['/*'], targetGroupArn: undefined }] },
        ],
      }),
      differences: [`listener 443 of k8s-1: rule for ${host} no forwarding -> forward to Milvus`],
    },
    {
      name: 'a target group of another kind',
      snapshot: createSnapshot({
        targetGroups: [{ ...targetGroup, protocolVersion: 'HTTP1', targetType: 'instance' }],
      }),
      differences: [
        'target group k8s-milvus: protocol version HTTP1 -> GRPC',
        'target group k8s-milvus: target type instance -> ip',
      ],
    },
    {
      name: 'a target group of another kind, which the Ingress has, too',
      snapshot: createSnapshot({
        targetGroups: [{ ...targetGroup, protocolVersion: 'HTTP1', targetType: 'instance' }],
      }),
      annotations: { 'backend-protocol-version': 'HTTP1', 'target-type': 'instance' },
    },
    {
      name: 'a target type that the class sets',
      snapshot: createSnapshot(),
      annotations: { 'target-type': 'instance' },
      classParams: { readable: true, spec: { targetType: 'ip' } },
    },
    {
      name: 'a target type that the class may set',
      snapshot: createSnapshot({ targetGroups: [{ ...targetGroup, targetType: 'instance' }] }),
      classParams: { readable: false },
    },
    {
      name: 'a target group that may not be read',
      snapshot: createSnapshot({ targetGroups: undefined }),
    },
    {
      name: 'another attribute value',
      snapshot: createSnapshot({ attributes: { 'idle_timeout.timeout_seconds': '60' } }),
      differences: ['load balancer k8s-1: attribute idle_timeout.timeout_seconds 60 -> 600'],
    },
    {
      name: 'an attribute that the class sets',
      snapshot: createSnapshot({ attributes: { 'idle_timeout.timeout_seconds': '60' } }),
      classParams: {
        readable: true,
        spec: { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '60' }] },
      },
    },
  ]
  test.each(driftCases)(
    '$name',
    ({ snapshot, differences = [], settings, classParams = noClassParams, annotations = {} }) => {
      const live = withAnnotations(annotations)
      const changes = detectDrift(snapshot, live, createSettings(settings), classParams)
      expect(changes.map(describeDrift)).toEqual(differences)
    },
  )

  describe('of the RESTful API', () => {
    const restRules = restPaths.map((path) => ({
      hosts: [host],
      paths: [path, `${path}/*`],
      targetGroupArn: 'rest',
    }))
    const createRestSnapshot = (
      protocolVersion: string,
      rules = [...restRules, forwardRule],
    ): LoadBalancerSnapshot =>
      createSnapshot({
        listeners: [{ ...listener, rules }],
        targetGroups: [
          targetGroup,
          { ...targetGroup, arn: 'rest', name: 'k8s-rest', protocolVersion },
        ],
      })
    const servingIngress = {
      ...annotatedIngress,
      spec: buildIngressManifest(
        createSettings(),
        { name: 'demo', service: 'demo', port: 19530, restService: 'demo-rest' },
        undefined,
      ).spec,
    }
    const restCases: readonly (Omit<DriftCase, 'classParams'> & { readonly isServed: boolean })[] =
      [
        { name: 'served', isServed: true, snapshot: createRestSnapshot('HTTP1') },
        {
          name: 'another protocol version',
          isServed: true,
          snapshot: createRestSnapshot('GRPC'),
          differences: ['target group k8s-rest: protocol version GRPC -> HTTP1'],
        },
        {
          name: 'no rules',
          isServed: true,
          snapshot: createRestSnapshot('HTTP1', [forwardRule]),
          differences: restPaths.map(
            (path) => `listener 443 of k8s-1: rule for ${host}${path} -> forward to Milvus`,
          ),
        },
        {
          name: 'rules that remain',
          isServed: false,
          snapshot: createRestSnapshot('HTTP1'),
          differences: restPaths.map(
            (path) => `listener 443 of k8s-1: rule for ${host}${path} present -> none`,
          ),
        },
        {
          name: 'rules of another member of the group',
          isServed: false,
          snapshot: createRestSnapshot('HTTP1'),
          settings: { ingress: { groupName: 'shared' } },
        },
      ]
    test.each(restCases)('$name', ({ snapshot, isServed, settings = {}, differences = [] }) => {
      const live = isServed ? servingIngress : annotatedIngress
      const drift = detectDrift(snapshot, live, createSettings(settings), noClassParams)
      expect(drift.map(describeDrift)).toEqual(differences)
    })

    test('the targets of each API are those of its rule', () => {
      const snapshot = createRestSnapshot('HTTP1')
      expect(findTargetGroupArn(snapshot, createSettings())).toBe('tg')
      expect(findTargetGroupArn(snapshot, createSettings(), 'rest')).toBe('rest')
    })
  })

  test.each<[string, LoadBalancerConfiguration, boolean]>([
    ['a complete configuration', completeConfiguration, true],
    ['unreadable listeners', { ...completeConfiguration, listeners: undefined }, false],
    [
      'unreadable rules',
      { ...completeConfiguration, listeners: [{ ...listener, rules: undefined }] },
      false,
    ],
    ['unreadable target groups', { ...completeConfiguration, targetGroups: undefined }, false],
  ])('isComplete: %s', (_, configuration, expected) => {
    expect(isComplete(configuration, 443)).toBe(expected)
  })
})
