import { describe, expect, test } from '@jest/globals'
import type { IngressClassParams } from '../../../src/clients/kubernetes/types.ts'
import { annotationPrefix } from '../../../src/controller/annotations.ts'
import { findOverrides } from '../../../src/steps/preflight/class-overrides.ts'
import { certificateArn, createSettings } from '../fixtures.ts'

const namespace = { name: 'milvus', uid: 'u', resourceVersion: '1', labels: { team: 'search' } }

describe('findOverrides: class parameters that override inputs', () => {
  test.each<{
    name: string
    spec: NonNullable<IngressClassParams['spec']>
    settingsOverrides: Parameters<typeof createSettings>[0]
    expected: string[]
  }>([
    { name: 'no parameters', spec: {}, settingsOverrides: {}, expected: [] },
    {
      name: 'parameters equal to the inputs',
      spec: {
        scheme: 'internet-facing',
        targetType: 'ip',
        sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
        namespaceSelector: { matchLabels: { team: 'search' } },
        sslRedirectPort: '443',
      },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'the certificate of this run',
      spec: { certificateArn: [certificateArn] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'the certificate of this run, in Auto Mode',
      spec: { certificateARNs: [certificateArn] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'another certificate, in Auto Mode',
      spec: { certificateARNs: ['arn:other'] },
      settingsOverrides: {},
      expected: ['error set certificateArn arn:other, which overrides the certificate of this run'],
    },
    {
      name: 'a group',
      spec: { group: { name: 'shared' } },
      settingsOverrides: {},
      expected: ['note set group shared, so the Ingress shares the ALB of that group'],
    },
    {
      name: 'another group',
      spec: { group: { name: 'shared' } },
      settingsOverrides: { ingress: { groupName: 'ours' } },
      expected: ['error set group shared, which overrides group-name ours'],
    },
    {
      name: 'the requested group',
      spec: { group: { name: 'shared' } },
      settingsOverrides: { ingress: { groupName: 'shared' } },
      expected: [],
    },
    {
      name: 'a redirect to a port that no other Ingress can listen on',
      spec: { sslRedirectPort: '8443' },
      settingsOverrides: {},
      expected: [
        'error redirect to port 8443 (sslRedirectPort), but listen-port 443 is the only port',
      ],
    },
    {
      name: 'a redirect to a port that another Ingress of the group may listen on',
      spec: { sslRedirectPort: '8443' },
      settingsOverrides: { ingress: { groupName: 'shared' } },
      expected: [
        'warning redirect to port 8443 (sslRedirectPort), and listen-port is 443: the controller rejects that unless another Ingress of the group listens on that port',
      ],
    },
    {
      name: 'a load balancer name',
      spec: { loadBalancerName: 'platform' },
      settingsOverrides: {},
      expected: ['note set loadBalancerName platform, which overrides load-balancer-name'],
    },
    {
      name: 'another load balancer name',
      spec: { loadBalancerName: 'platform' },
      settingsOverrides: { ingress: { loadBalancerName: 'mine' } },
      expected: ['warning set loadBalancerName platform, which overrides load-balancer-name mine'],
    },
    {
      name: 'subnets by id',
      spec: { subnets: { ids: ['subnet-1'] } },
      settingsOverrides: { ingress: { subnets: ['subnet-2'] } },
      expected: ['warning set subnets subnet-1, which overrides subnets subnet-2'],
    },
    {
      name: 'subnets by tags, in Auto Mode',
      spec: { subnets: { matchTags: [{ key: 'role', values: ['alb'] }] } },
      settingsOverrides: {},
      expected: ['note set subnets [{"key":"role","values":["alb"]}], which overrides subnets'],
    },
    {
      name: 'the requested idle timeout',
      spec: { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '600' }] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'another attribute',
      spec: { loadBalancerAttributes: [{ key: 'deletion_protection.enabled', value: 'true' }] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'prefix lists',
      spec: { prefixListsIDs: ['pl-1'] },
      settingsOverrides: {},
      expected: ['note set prefixListsIDs pl-1, which overrides inbound-cidrs'],
    },
    {
      name: 'prefix lists beside CIDR blocks, as v2.13 spells the field',
      spec: { PrefixListsIDs: ['pl-1'] },
      settingsOverrides: { ingress: { inboundCidrs: ['10.0.0.0/8'] } },
      expected: [
        'warning set prefixListsIDs pl-1, which is allowed to connect in addition to 10.0.0.0/8',
      ],
    },
    {
      name: 'prefix lists instead of those of the annotation',
      spec: { prefixListsIDs: ['pl-1'] },
      settingsOverrides: {
        ingress: { annotations: { [`${annotationPrefix}security-group-prefix-lists`]: 'pl-2' } },
      },
      expected: [
        'warning set prefixListsIDs pl-1, which overrides security-group-prefix-lists pl-2',
      ],
    },
    {
      name: 'fields beside annotations that the inputs do not set',
      spec: {
        ipAddressType: 'dualstack',
        wafv2AclArn: 'arn:acl',
        minimumLoadBalancerCapacity: { capacityUnits: 100 },
        ipamConfiguration: { ipv4IPAMPoolId: 'ipam-pool-1' },
        listeners: [
          { protocol: 'HTTPS', port: 443, listenerAttributes: [{ key: 'a', value: 'b' }] },
          { protocol: 'HTTPS', port: 8443, listenerAttributes: [{ key: 'c', value: 'd' }] },
        ],
      },
      settingsOverrides: {},
      expected: [
        'note set ipAddressType dualstack, which overrides ip-address-type',
        'note set wafv2AclArn arn:acl, which overrides wafv2-acl-arn',
        'note set minimumLoadBalancerCapacity CapacityUnits=100, which overrides minimum-load-balancer-capacity',
        'note set ipamConfiguration ipam-pool-1, which overrides ipam-ipv4-pool-id',
        'note set listeners a=b, which overrides listener-attributes.HTTPS-443',
      ],
    },
    {
      name: 'fields beside annotations that the inputs set, one of them to the same value',
      spec: {
        wafv2AclName: 'platform',
        minimumLoadBalancerCapacity: { capacityUnits: 100 },
      },
      settingsOverrides: {
        ingress: {
          annotations: {
            [`${annotationPrefix}wafv2-acl-name`]: 'ours',
            [`${annotationPrefix}minimum-load-balancer-capacity`]: 'CapacityUnits = 100',
          },
        },
      },
      expected: ['warning set wafv2AclName platform, which overrides wafv2-acl-name ours'],
    },
    {
      name: 'another web ACL than that of annotations',
      spec: { wafv2AclArn: 'arn:acl-a' },
      settingsOverrides: {
        ingress: { annotations: { [`${annotationPrefix}wafv2-acl-arn`]: 'arn:acl-b' } },
      },
      expected: [
        'error set wafv2AclArn arn:acl-a beside wafv2-acl-arn arn:acl-b of input annotations, and the controller rejects two web ACLs',
      ],
    },
    {
      name: 'a web ACL, where annotations want none',
      spec: { wafv2AclArn: 'arn:acl-a' },
      settingsOverrides: {
        ingress: { annotations: { [`${annotationPrefix}wafv2-acl-arn`]: 'none' } },
      },
      expected: [
        'error set wafv2AclArn arn:acl-a beside wafv2-acl-arn none of input annotations, and the controller rejects two web ACLs',
      ],
    },
    {
      name: 'the web ACL of annotations',
      spec: { wafv2AclArn: 'arn:acl-a' },
      settingsOverrides: {
        ingress: { annotations: { [`${annotationPrefix}wafv2-acl-arn`]: 'arn:acl-a' } },
      },
      expected: [],
    },
    {
      name: 'the listener attributes of annotations in another order',
      spec: {
        listeners: [
          {
            protocol: 'HTTPS',
            port: 443,
            listenerAttributes: [
              { key: 'b', value: '2,3' },
              { key: 'a', value: '1' },
            ],
          },
        ],
      },
      settingsOverrides: {
        ingress: {
          annotations: { [`${annotationPrefix}listener-attributes.HTTPS-443`]: 'a=1, b=2\\,3' },
        },
      },
      expected: [],
    },
    {
      name: 'other listener attributes than annotations',
      spec: {
        listeners: [
          {
            protocol: 'HTTPS',
            port: 443,
            listenerAttributes: [
              { key: 'b', value: '2' },
              { key: 'a', value: '1' },
            ],
          },
        ],
      },
      settingsOverrides: {
        ingress: {
          annotations: { [`${annotationPrefix}listener-attributes.HTTPS-443`]: 'b=3,a=1' },
        },
      },
      expected: [
        'warning set listeners a=1,b=2, which overrides listener-attributes.HTTPS-443 a=1,b=3',
      ],
    },
    {
      name: 'a tag that was not requested',
      spec: { tags: [{ key: 'team', value: 'platform' }] },
      settingsOverrides: {},
      expected: [],
    },
  ])('$name', ({ spec, settingsOverrides, expected }) => {
    expect(
      findOverrides(spec, createSettings(settingsOverrides), namespace).map(
        ({ severity, text }) => `${severity} ${text}`,
      ),
    ).toEqual(expected)
  })
})
