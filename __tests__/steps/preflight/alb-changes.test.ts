/** Warnings about a change of an Ingress that has an ALB. */
import { expect, test } from '@jest/globals'
import { warnAlbChanges } from '../../../src/steps/preflight/alb-changes.ts'
import type { IngressClassInfo } from '../../../src/steps/preflight/ingress-class.ts'
import type { Context } from '../../../src/steps/step.ts'
import { createSettings, ingress } from '../fixtures.ts'

const controller = 'ingress.k8s.aws/alb'
const sharedGroup: IngressClassInfo['params'] = {
  readable: true,
  spec: { group: { name: 'shared' } },
}

const noParams: IngressClassInfo['params'] = { readable: true, spec: {} }
const publicHostname = 'k8s-1.us-east-2.elb.amazonaws.com'

interface Case {
  readonly name: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly hostname?: string
  readonly finalizer: string
  readonly ownClass: IngressClassInfo
  /** Part of each warning. */
  readonly expected: readonly string[]
}

const cases: readonly Case[] = [
  {
    name: 'the class moves the Ingress into a group',
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: sharedGroup },
    expected: ['group-name changes from none to shared'],
  },
  {
    name: 'the legacy annotation disables the group of the class',
    annotations: { 'kubernetes.io/ingress.class': 'alb' },
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: sharedGroup },
    expected: ['which overrides ingress-class'],
  },
  {
    name: 'Auto Mode does not know the legacy annotation',
    annotations: { 'kubernetes.io/ingress.class': 'nginx' },
    finalizer: 'group.ingress.eks.amazonaws.com/shared',
    ownClass: { controller: 'eks.amazonaws.com/alb', params: sharedGroup },
    expected: [],
  },
  {
    name: 'the class overrode the annotation with the requested scheme',
    annotations: { 'alb.ingress.kubernetes.io/scheme': 'internal' },
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: noParams },
    expected: [],
  },
  {
    name: 'the class overrode the annotation with another scheme',
    annotations: { 'alb.ingress.kubernetes.io/scheme': 'internet-facing' },
    hostname: 'internal-k8s-1.us-east-2.elb.amazonaws.com',
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: noParams },
    expected: ['scheme changes from internal to internet-facing'],
  },
  {
    name: 'the class has another controller',
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller: 'eks.amazonaws.com/alb', params: noParams },
    expected: [
      'the controller of ingress-class changes from ingress.k8s.aws/alb to eks.amazonaws.com/alb: ' +
        'another ALB',
    ],
  },
  {
    name: 'the class cannot be read',
    finalizer: 'ingress.eks.amazonaws.com/resources',
    ownClass: { controller: undefined, params: { readable: false } },
    expected: [],
  },
]

test.each(cases)('$name', ({ annotations, hostname, finalizer, ownClass, expected }) => {
  const warnings: string[] = []
  const context = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Context
  const created = ingress({ ...annotations }, { hostname: hostname ?? publicHostname })
  const live = { ...created, metadata: { ...created.metadata, finalizers: [finalizer] } }
  warnAlbChanges(context, createSettings(), live, ownClass)
  expect(warnings).toEqual(expected.map((text): unknown => expect.stringContaining(text)))
})
