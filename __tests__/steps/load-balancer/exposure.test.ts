/** Who can connect to the ALB: for the probe, and for the warning about open access. */
import { expect, test } from '@jest/globals'
import type { IngressClassParams } from '../../../src/clients/kubernetes/types.ts'
import type { IngressSettings } from '../../../src/inputs/types.ts'
import { describeExposure } from '../../../src/steps/load-balancer/exposure.ts'
import { createSettings } from '../fixtures.ts'

const prefixLists = { 'alb.ingress.kubernetes.io/security-group-prefix-lists': 'pl-1, pl-2' }

const dualstack = { 'alb.ingress.kubernetes.io/ip-address-type': 'dualstack' }

interface Case {
  readonly name: string
  readonly ingress?: Partial<IngressSettings>
  /** Parameters of the class; undefined when they cannot be read. */
  readonly spec?: IngressClassParams['spec']
  readonly isUnreadable?: true
  readonly restrictedBy?: string
  readonly isPublic: boolean
  readonly group?: string
}

const cases: readonly Case[] = [
  { name: 'nothing restricts', isPublic: true },
  { name: 'an internal ALB', ingress: { scheme: 'internal' }, isPublic: false },
  {
    name: 'inbound-cidrs',
    ingress: { inboundCidrs: ['10.0.0.0/8'] },
    restrictedBy: 'inbound-cidrs (10.0.0.0/8)',
    isPublic: false,
  },
  {
    name: 'inbound-cidrs that contain everyone',
    ingress: { inboundCidrs: ['10.0.0.0/8', '0.0.0.0/0'], annotations: prefixLists },
    isPublic: true,
  },
  {
    name: 'inbound-cidrs that contain everyone with IPv6',
    ingress: { inboundCidrs: ['10.0.0.0/8', '::/0'], annotations: dualstack },
    restrictedBy: 'inbound-cidrs (10.0.0.0/8, ::/0)',
    isPublic: true,
  },
  {
    name: 'inbound-cidrs that contain everyone with IPv6, for an ALB of a class that has IPv6',
    ingress: { inboundCidrs: ['::/0'] },
    spec: { ipAddressType: 'dualstack-without-public-ipv4' },
    restrictedBy: 'inbound-cidrs (::/0)',
    isPublic: true,
  },
  {
    name: 'inbound-cidrs that contain everyone with IPv6, for an ALB that has none',
    ingress: { inboundCidrs: ['::/0'] },
    restrictedBy: 'inbound-cidrs (::/0)',
    isPublic: false,
  },
  {
    name: 'security groups, with which ::/0 is ignored',
    ingress: { securityGroups: ['sg-1'], inboundCidrs: ['::/0'], annotations: dualstack },
    restrictedBy: 'security-groups (sg-1)',
    isPublic: false,
  },
  {
    name: 'prefix lists',
    ingress: { annotations: prefixLists },
    restrictedBy: 'security-group-prefix-lists in annotations (pl-1, pl-2)',
    isPublic: false,
  },
  {
    name: 'prefix lists beside inbound-cidrs',
    ingress: { inboundCidrs: ['10.0.0.0/8'], annotations: prefixLists },
    restrictedBy:
      'inbound-cidrs (10.0.0.0/8) and security-group-prefix-lists in annotations (pl-1, pl-2)',
    isPublic: false,
  },
  {
    name: 'security groups, with which the rest is ignored',
    ingress: { securityGroups: ['sg-1'], inboundCidrs: ['0.0.0.0/0'], annotations: prefixLists },
    restrictedBy: 'security-groups (sg-1)',
    isPublic: false,
  },
  {
    name: 'prefix lists of the class instead of the annotation',
    ingress: { annotations: prefixLists },
    spec: { prefixListsIDs: ['pl-9'] },
    restrictedBy: 'prefixListsIDs of the class (pl-9)',
    isPublic: false,
  },
  {
    name: 'prefix lists of the class, as v2.13 of the controller spells them',
    spec: { PrefixListsIDs: ['pl-9'] },
    restrictedBy: 'prefixListsIDs of the class (pl-9)',
    isPublic: false,
  },
  {
    name: 'CIDR blocks of the class instead of the input',
    ingress: { inboundCidrs: ['10.0.0.0/8'] },
    spec: { inboundCIDRs: ['0.0.0.0/0'] },
    isPublic: true,
  },
  {
    name: 'an empty list of the class, which overrides nothing',
    ingress: { inboundCidrs: ['10.0.0.0/8'] },
    spec: { inboundCIDRs: [] },
    restrictedBy: 'inbound-cidrs (10.0.0.0/8)',
    isPublic: false,
  },
  { name: 'a class that may restrict and cannot be read', isUnreadable: true, isPublic: false },
  {
    name: 'the group of the class',
    spec: { group: { name: 'shared' } },
    isPublic: true,
    group: 'shared',
  },
]

test.each(cases)(
  'describeExposure: $name',
  ({ ingress = {}, spec = {}, isUnreadable, restrictedBy, isPublic, group }) => {
    const classParams = isUnreadable
      ? { readable: false as const }
      : { readable: true as const, spec }
    expect(
      describeExposure(createSettings({ ingress }), { classParams, ingress: undefined }),
    ).toEqual({
      restrictedBy,
      isPublic,
      group,
    })
  },
)
