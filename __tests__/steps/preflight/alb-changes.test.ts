/** Warnings about a change of an Ingress that has an ALB. */
import { expect, test } from '@jest/globals'
import { warnAlbChanges } from '../../../src/steps/preflight/alb-changes.ts'
import type { IngressClassInfo } from '../../../src/steps/preflight/ingress-class.ts'
import type { Context } from '../../../src/steps/step.ts'
import { createSettings, ingress } from '../fixtures.ts'

const controller = 'ingress.k8s.aws/alb'
const autoMode = 'eks.amazonaws.com/alb'
const withoutParams: IngressClassInfo['params'] = { readable: true, spec: {} }
const groupName = 'alb.ingress.kubernetes.io/group.name'
const sharedGroup: IngressClassInfo['params'] = {
  readable: true,
  spec: { group: { name: 'shared' } },
}

const publicHostname = 'k8s-1.us-east-2.elb.amazonaws.com'

interface Case {
  readonly name: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly hostname?: string
  /** Those of them that this action has set. */
  readonly ownedAnnotations?: readonly string[]
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
    ownClass: { controller: autoMode, params: sharedGroup },
    expected: [],
  },
  {
    name: 'the annotation of another field manager keeps the Ingress in its group',
    annotations: { [groupName]: 'shared' },
    finalizer: 'group.ingress.k8s.aws/shared',
    ownClass: { controller, params: withoutParams },
    expected: [],
  },
  {
    name: 'the annotation of another field manager moves the Ingress into a group',
    annotations: { [groupName]: 'shared' },
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: withoutParams },
    expected: ['group-name changes from none to shared'],
  },
  {
    name: 'the annotation of this action, which it removes',
    annotations: { [groupName]: 'shared' },
    ownedAnnotations: [groupName],
    finalizer: 'group.ingress.k8s.aws/shared',
    ownClass: { controller, params: withoutParams },
    expected: ['group-name changes from shared to none'],
  },
  {
    name: 'Auto Mode ignores the annotation of another field manager',
    annotations: { [groupName]: 'shared' },
    finalizer: 'ingress.eks.amazonaws.com/resources',
    ownClass: { controller: autoMode, params: withoutParams },
    expected: [],
  },
  {
    name: 'the class overrode the annotation with the requested scheme',
    annotations: { 'alb.ingress.kubernetes.io/scheme': 'internal' },
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: withoutParams },
    expected: [],
  },
  {
    name: 'the class overrode the annotation with another scheme',
    annotations: { 'alb.ingress.kubernetes.io/scheme': 'internet-facing' },
    hostname: 'internal-k8s-1.us-east-2.elb.amazonaws.com',
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller, params: withoutParams },
    expected: ['scheme changes from internal to internet-facing'],
  },
  {
    name: 'the class has another controller',
    finalizer: 'ingress.k8s.aws/resources',
    ownClass: { controller: autoMode, params: withoutParams },
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
  {
    name: 'the parameters of the class that assigned the group cannot be read',
    finalizer: 'group.ingress.k8s.aws/shared',
    ownClass: { controller, params: { readable: false } },
    expected: [],
  },
  {
    name: 'the parameters cannot be read, and this action removes its own annotation',
    annotations: { [groupName]: 'shared' },
    ownedAnnotations: [groupName],
    finalizer: 'group.ingress.k8s.aws/shared',
    ownClass: { controller, params: { readable: false } },
    expected: ['group-name changes from shared to none'],
  },
]

test.each(cases)(
  '$name',
  ({
    annotations,
    hostname = publicHostname,
    finalizer,
    ownClass,
    expected,
    ownedAnnotations = [],
  }) => {
    const warnings: string[] = []
    const context = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Context
    const created = ingress({ ...annotations }, { hostname, ownedAnnotations })
    const live = { ...created, metadata: { ...created.metadata, finalizers: [finalizer] } }
    warnAlbChanges(context, createSettings(), live, ownClass)
    expect(warnings).toEqual(expected.map((text): unknown => expect.stringContaining(text)))
  },
)
