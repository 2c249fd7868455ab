/** IPv6 of the Service, behind ALBs with and without IPv6. */
import { expect, test } from '@jest/globals'
import type { IngressClassParams } from '../../../src/clients/kubernetes/types.ts'
import type { IngressSettings } from '../../../src/inputs/types.ts'
import { checkIpFamilies, findIpv6Support } from '../../../src/steps/preflight/ip-families.ts'
import type { Context } from '../../../src/steps/step.ts'
import { captureActionError } from '../../capture-error.ts'
import { createSettings, ingress as createIngress } from '../fixtures.ts'

const addressType = 'alb.ingress.kubernetes.io/ip-address-type'
const dualStack = { [addressType]: 'dualstack' }

interface Case {
  readonly name: string
  readonly ingress?: Partial<IngressSettings>
  /** Parameters of the class; undefined when they cannot be read. */
  readonly spec?: IngressClassParams['spec'] | 'unreadable'
  /** Of the live Ingress. */
  readonly liveAnnotations?: Readonly<Record<string, string>>
  /** Those of them that this action has set. */
  readonly ownedAnnotations?: readonly string[]
  readonly expected: ReturnType<typeof findIpv6Support>
}

const cases: readonly Case[] = [
  { name: 'the default, IPv4', expected: 'no' },
  { name: 'the annotation', ingress: { annotations: dualStack }, expected: 'yes' },
  {
    name: 'the class makes the ALB dual-stack',
    spec: { ipAddressType: 'dualstack-without-public-ipv4' },
    expected: 'yes',
  },
  {
    name: 'the class makes the ALB IPv4, against the annotation',
    ingress: { annotations: dualStack },
    spec: { ipAddressType: 'ipv4' },
    expected: 'no',
  },
  {
    name: 'a group, where another member may make the ALB dual-stack',
    ingress: { groupName: 'shared' },
    expected: 'unknown',
  },
  {
    name: 'a group of the class',
    spec: { group: { name: 'shared' } },
    expected: 'unknown',
  },
  {
    name: 'a group of the annotation of another field manager, which stays',
    liveAnnotations: { 'alb.ingress.kubernetes.io/group.name': 'shared' },
    expected: 'unknown',
  },
  {
    name: 'a class that cannot be read',
    spec: 'unreadable',
    expected: 'unknown',
  },
  {
    name: 'the annotation, and a class that cannot be read',
    ingress: { annotations: dualStack },
    spec: 'unreadable',
    expected: 'yes',
  },
  {
    name: 'the annotation of another field manager, which stays',
    liveAnnotations: dualStack,
    expected: 'yes',
  },
  {
    name: 'the annotation of another field manager, and a class that cannot be read',
    liveAnnotations: dualStack,
    spec: 'unreadable',
    expected: 'yes',
  },
  {
    name: 'the annotation of this action, which it removes',
    liveAnnotations: dualStack,
    ownedAnnotations: Object.keys(dualStack),
    expected: 'no',
  },
  {
    name: 'the annotation of another field manager, which the inputs replace',
    ingress: { annotations: { [addressType]: 'ipv4' } },
    liveAnnotations: dualStack,
    expected: 'no',
  },
  {
    name: 'the annotation of another field manager, against the class',
    liveAnnotations: dualStack,
    spec: { ipAddressType: 'ipv4' },
    expected: 'no',
  },
]

test.each(cases)('findIpv6Support: $name', ({ ingress = {}, spec = {}, expected, ...live }) => {
  const classParams =
    spec === 'unreadable' ? { readable: false as const } : { readable: true as const, spec }
  const { liveAnnotations, ownedAnnotations = [] } = live
  const liveIngress = liveAnnotations && createIngress({ ...liveAnnotations }, { ownedAnnotations })
  expect(
    findIpv6Support(createSettings({ ingress }).ingress, { classParams, ingress: liveIngress }),
  ).toBe(expected)
})

/** A run's context that only has a log. */
function checkService(ipFamilies: readonly string[], ingress: Partial<IngressSettings>): string[] {
  const warnings: string[] = []
  const context = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Context
  const service = {
    metadata: { name: 'milvus-demo', uid: 'u', resourceVersion: '1' },
    spec: { ipFamilies },
  }
  checkIpFamilies(context, createSettings({ ingress }), service, {
    classParams: { readable: true, spec: {} },
    ingress: undefined,
  })
  return warnings
}

test('checkIpFamilies rejects a Service with IPv6, also beside IPv4, behind an IPv4 ALB', async () => {
  for (const ipFamilies of [['IPv6'], ['IPv4', 'IPv6']]) {
    const failure = await captureActionError(() => checkService(ipFamilies, {}))
    expect(failure.code).toBe('service-unsupported')
    expect(failure.message).toContain(`IP families ${ipFamilies.join(', ')}, and the controller`)
  }
  expect(checkService(['IPv4'], {})).toEqual([])
  expect(checkService(['IPv6'], { annotations: dualStack })).toEqual([])
  expect(checkService(['IPv6'], { groupName: 'shared' })).toEqual([
    expect.stringMatching(/IP families IPv6.*dualstack/),
  ])
})
