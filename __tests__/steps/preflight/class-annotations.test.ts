import { describe, expect, test } from '@jest/globals'
import type { IngressClassParams } from '../../../src/clients/kubernetes/types.ts'
import { annotationPrefix } from '../../../src/controller/annotations.ts'
import { annotationOverrides } from '../../../src/steps/preflight/class-annotations.ts'
import { createSettings } from '../fixtures.ts'

describe('annotationOverrides: class parameters that override annotations', () => {
  test.each<{
    name: string
    spec: NonNullable<IngressClassParams['spec']>
    settingsOverrides: Parameters<typeof createSettings>[0]
    expected: string[]
  }>([
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
  ])('$name', ({ spec, settingsOverrides, expected }) => {
    expect(
      annotationOverrides(spec, createSettings(settingsOverrides).ingress).map(
        ({ severity, text }) => `${severity} ${text}`,
      ),
    ).toEqual(expected)
  })
})
