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
    /** That the Ingress gets. */
    groupName?: string
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
      settingsOverrides: {},
      groupName: 'shared',
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
      name: 'another scheme and target type',
      spec: { scheme: 'internal', targetType: 'instance' },
      settingsOverrides: {},
      expected: [
        'error set scheme internal, which overrides scheme internet-facing',
        'error set targetType instance, which overrides the required target type ip',
      ],
    },
    {
      name: 'a selector that the namespace does not match',
      spec: { namespaceSelector: { matchLabels: { team: 'payments' } } },
      settingsOverrides: {},
      expected: ['error have a namespaceSelector that namespace milvus does not match'],
    },
    {
      name: 'CIDR blocks instead of everyone',
      spec: { inboundCIDRs: ['10.0.0.0/8', '192.168.0.0/16'] },
      settingsOverrides: {},
      expected: [
        'warning set inboundCIDRs 10.0.0.0/8,192.168.0.0/16, which overrides inbound-cidrs (everyone)',
      ],
    },
    {
      name: 'CIDR blocks that EC2 stores in another form',
      spec: { inboundCIDRs: ['10.0.0.0/8', '10.0.0.1/8', '2001:DB8::/32', 'none'] },
      settingsOverrides: {
        ingress: { inboundCidrs: ['10.0.0.0/8', '10.0.0.1/8', '2001:DB8::/32', 'none'] },
      },
      expected: [
        'warning set inboundCIDRs 10.0.0.1/8, which EC2 stores as 10.0.0.0/8: the controller fails when it does not find its rule again, so the class should set 10.0.0.0/8',
        'warning set inboundCIDRs 2001:DB8::/32, which EC2 stores as 2001:db8::/32: the controller fails when it does not find its rule again, so the class should set 2001:db8::/32',
      ],
    },
    {
      name: 'CIDR blocks that the controller ignores, because security groups are given',
      spec: { inboundCIDRs: ['10.0.0.1/8'] },
      settingsOverrides: {
        ingress: { inboundCidrs: ['10.0.0.1/8'], securityGroups: ['sg-1'] },
      },
      expected: [],
    },
    {
      name: 'another policy than the default one',
      spec: { sslPolicy: 'ELBSecurityPolicy-FS-1-2-2019-08' },
      settingsOverrides: { ingress: { isDefaultSslPolicy: true } },
      expected: [
        'note set sslPolicy ELBSecurityPolicy-FS-1-2-2019-08, which overrides ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06',
      ],
    },
    {
      name: 'another policy than the requested one',
      spec: { sslPolicy: 'ELBSecurityPolicy-FS-1-2-2019-08' },
      settingsOverrides: { ingress: { isDefaultSslPolicy: false } },
      expected: [
        'warning set sslPolicy ELBSecurityPolicy-FS-1-2-2019-08, which overrides ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06',
      ],
    },
    {
      name: 'an attribute without which gRPC is impossible',
      spec: { loadBalancerAttributes: [{ key: 'routing.http2.enabled', value: 'false' }] },
      settingsOverrides: {},
      expected: ['error set routing.http2.enabled=false, but gRPC requires HTTP/2'],
    },
    {
      name: 'another value of a requested tag',
      spec: { tags: [{ key: 'team', value: 'platform' }] },
      settingsOverrides: { ingress: { tags: { team: 'search' } } },
      expected: ['warning set tag team platform, which overrides tags search'],
    },
    {
      name: 'a tag that was not requested',
      spec: { tags: [{ key: 'team', value: 'platform' }] },
      settingsOverrides: {},
      expected: [],
    },
  ])('$name', ({ spec, settingsOverrides, groupName, expected }) => {
    expect(
      findOverrides(spec, createSettings(settingsOverrides), namespace, groupName).map(
        ({ severity, text }) => `${severity} ${text}`,
      ),
    ).toEqual(expected)
  })
})
