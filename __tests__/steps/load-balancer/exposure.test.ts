/** Who can connect to the ALB: for the probe, and for the warning about open access. */
import { expect, test } from '@jest/globals'
import type { IngressClassParams } from '../../../src/clients/kubernetes/types.ts'
import type { IngressSettings } from '../../../src/inputs/types.ts'
import { describeExposure } from '../../../src/steps/load-balancer/exposure.ts'
import { createSettings, ingress as createIngress } from '../fixtures.ts'

const prefixLists = { 'alb.ingress.kubernetes.io/security-group-prefix-lists': 'pl-1, pl-2' }

const dualstack = { 'alb.ingress.kubernetes.io/ip-address-type': 'dualstack' }

interface Case {
  readonly name: string
  readonly ingress?: Partial<IngressSettings>
  /** Parameters of the class; undefined when they cannot be read. */
  readonly spec?: IngressClassParams['spec']
  readonly isUnreadable?: true
  /** Of the live Ingress, by name without prefix, set by another field manager. */
  readonly foreignAnnotations?: Readonly<Record<string, string>>
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
  {
    name: 'the group of an annotation that stays on the Ingress',
    foreignAnnotations: { 'group.name': 'shared' },
    isPublic: true,
    group: 'shared',
  },
  {
    name: 'CIDR blocks and prefix lists that stay on the Ingress',
    foreignAnnotations: {
      'inbound-cidrs': '10.0.0.0/8, 192.168.0.0/16',
      'security-group-prefix-lists': 'pl-1',
    },
    restrictedBy:
      'inbound-cidrs of the Ingress (10.0.0.0/8, 192.168.0.0/16) and ' +
      'security-group-prefix-lists of the Ingress (pl-1)',
    isPublic: false,
  },
  {
    name: 'CIDR blocks that stay on the Ingress and contain everyone',
    ingress: { annotations: prefixLists },
    foreignAnnotations: { 'inbound-cidrs': '0.0.0.0/0' },
    isPublic: true,
  },
  {
    name: 'CIDR blocks that the inputs replace',
    ingress: { inboundCidrs: ['0.0.0.0/0'] },
    foreignAnnotations: { 'inbound-cidrs': '10.0.0.0/8' },
    isPublic: true,
  },
  {
    name: 'security groups that stay on the Ingress, with which the rest is ignored',
    ingress: { inboundCidrs: ['0.0.0.0/0', '::/0'], annotations: dualstack },
    foreignAnnotations: { 'security-groups': 'sg-1' },
    restrictedBy: 'security-groups of the Ingress (sg-1)',
    isPublic: false,
  },
]

test.each(cases)('describeExposure: $name', (testCase) => {
  const { ingress = {}, spec = {}, isUnreadable, foreignAnnotations = {}, ...expected } = testCase
  const classParams = isUnreadable
    ? { readable: false as const }
    : { readable: true as const, spec }
  const annotations: Record<string, string> = {}
  for (const [name, value] of Object.entries(foreignAnnotations))
    annotations[`alb.ingress.kubernetes.io/${name}`] = value
  const target = { classParams, ingress: createIngress(annotations) }
  const { restrictedBy, isPublic, group } = expected
  expect(describeExposure(createSettings({ ingress }), target)).toEqual({
    restrictedBy,
    isPublic,
    group,
  })
})
