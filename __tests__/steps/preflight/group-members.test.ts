/** Which Ingresses of the namespace are compared as members of the group. */
import { expect, test } from '@jest/globals'
import type { Ingress } from '../../../src/clients/kubernetes/types.ts'
import { ActionError } from '../../../src/failures/action-error.ts'
import type { IngressSettings } from '../../../src/inputs/types.ts'
import type { IngressClassInfo } from '../../../src/steps/preflight/ingress-class.ts'
import { checkIngressGroup, trimAnnotations } from '../../../src/steps/preflight/ingress-group.ts'
import type { Context } from '../../../src/steps/step.ts'
import { createSettings, ingress } from '../fixtures.ts'

const prefix = 'alb.ingress.kubernetes.io'
const controller = 'ingress.k8s.aws/alb'
const legacyClass = { 'kubernetes.io/ingress.class': 'alb' }
const withoutParams: IngressClassInfo = { controller, params: { readable: true, spec: {} } }
const withGroup: IngressClassInfo = {
  controller,
  params: { readable: true, spec: { group: { name: 'shared' } } },
}

interface Case {
  readonly name: string
  readonly ingress?: Partial<IngressSettings>
  /** Of class alb, which the Ingress of the run has. */
  readonly ownClass: IngressClassInfo
  /** Of the Ingress of the run. */
  readonly liveAnnotations?: Readonly<Record<string, string>>
  /** Of the other Ingress, whose scheme differs. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly className?: string
  readonly otherClass?: IngressClassInfo | 'denied'
  readonly conflict?: true
  readonly notes?: readonly string[]
}

const denialNote =
  'Ingress other was not compared with this Ingress, although its annotation names the same group ' +
  '(shared): reading its IngressClass internal requires permission get for ingressclasses in the ' +
  'API group networking.k8s.io.'

const cases: readonly Case[] = [
  { name: 'a member by the group of the class', ownClass: withGroup, conflict: true },
  {
    name: 'none, because the legacy annotation of this Ingress disables the group of the class',
    ownClass: withGroup,
    liveAnnotations: legacyClass,
  },
  {
    name: 'a member by group-name, with the legacy annotation on this Ingress',
    ingress: { groupName: 'shared' },
    ownClass: { controller, params: { readable: true, spec: { group: { name: 'other' } } } },
    liveAnnotations: legacyClass,
    annotations: { ...legacyClass, [`${prefix}/group.name`]: 'shared' },
    conflict: true,
  },
  {
    name: 'a class that this identity must not read',
    ownClass: withGroup,
    annotations: { [`${prefix}/group.name`]: 'shared' },
    className: 'internal',
    otherClass: 'denied',
    notes: [denialNote],
  },
  {
    name: 'a class that this identity must not read, and another group',
    ownClass: withGroup,
    annotations: { [`${prefix}/group.name`]: 'other' },
    className: 'internal',
    otherClass: 'denied',
  },
  {
    name: 'a class that this identity must not read, and no group',
    ownClass: withGroup,
    className: 'internal',
    otherClass: 'denied',
  },
  {
    name: 'a class of another controller',
    ingress: { groupName: 'shared' },
    ownClass: withoutParams,
    annotations: { [`${prefix}/group.name`]: 'shared' },
    className: 'nginx',
    otherClass: { controller: 'k8s.io/ingress-nginx', params: withoutParams.params },
  },
  {
    name: 'a member by the annotation that another field manager set on this Ingress',
    ownClass: withoutParams,
    liveAnnotations: { [`${prefix}/group.name`]: 'shared' },
    annotations: { [`${prefix}/group.name`]: 'shared' },
    conflict: true,
  },
  {
    name: 'a member that only disagrees with an annotation of another field manager',
    ingress: { groupName: 'shared', scheme: 'internal' },
    ownClass: withoutParams,
    liveAnnotations: { [`${prefix}/ip-address-type`]: 'dualstack' },
    annotations: {
      [`${prefix}/group.name`]: 'shared',
      [`${prefix}/ip-address-type`]: 'ipv4',
    },
    conflict: true,
  },
  {
    name: 'none in Auto Mode, which ignores the annotation of another field manager',
    ownClass: { controller: 'eks.amazonaws.com/alb', params: withoutParams.params },
    liveAnnotations: { [`${prefix}/group.name`]: 'shared' },
    annotations: { [`${prefix}/group.name`]: 'shared' },
  },
]

test.each(cases)('$name', (testCase) => {
  const { className = 'alb', otherClass, ownClass, conflict = false, notes = [] } = testCase
  const logged: string[] = []
  const context = { log: { note: (text: string) => logged.push(text) } } as unknown as Context
  const other = ingress(
    { [`${prefix}/scheme`]: 'internal', ...testCase.annotations },
    { spec: { ingressClassName: className } },
  )
  const ingresses: Ingress[] = [
    ingress({ ...testCase.liveAnnotations }, { spec: { ingressClassName: 'alb' } }),
    { ...other, metadata: { ...other.metadata, name: 'other' } },
  ]
  const check = (): void => {
    checkIngressGroup(context, createSettings({ ingress: { ...testCase.ingress } }), {
      ingressName: 'milvus-demo',
      ingresses,
      ownClass,
      otherClasses: new Map(otherClass && [[className, otherClass]]),
    })
  }
  if (conflict) expect(check).toThrow(ActionError)
  else check()
  expect(logged).toEqual(notes)
})

interface TrimCase {
  readonly name: string
  readonly annotation: string
  readonly className?: string
  readonly ownedAnnotations?: readonly string[]
  readonly isKept: boolean
}

const trimCases: readonly TrimCase[] = [
  { name: "someone else's", annotation: 'example.com/notes', isKept: false },
  {
    name: "someone else's, on an Ingress of the class of the run",
    annotation: 'example.com/notes',
    className: 'alb',
    isKept: true,
  },
  {
    name: 'one of the controller, which a group compares',
    annotation: `${prefix}/inbound-cidrs`,
    isKept: true,
  },
  {
    name: 'one on an Ingress of this action, which a rollback restores',
    annotation: 'example.com/notes',
    ownedAnnotations: ['example.com/notes'],
    isKept: true,
  },
  {
    name: 'an annotation of the inputs, on an adopted Ingress',
    annotation: 'example.com/input',
    isKept: true,
  },
]

test.each(trimCases)('a long annotation of an Ingress in the list: $name', (testCase) => {
  const { annotation, className = 'other', ownedAnnotations = [], isKept } = testCase
  const settings = createSettings({ ingress: { annotations: { 'example.com/input': 'x' } } })
  const annotations = { [annotation]: 'x'.repeat(2_000), 'example.com/short': 'x' }
  const live = ingress(annotations, { spec: { ingressClassName: className }, ownedAnnotations })
  const [trimmed] = trimAnnotations(settings)([live])
  const keys = Object.keys(trimmed?.metadata.annotations ?? {})
  expect(keys).toEqual(isKept ? [annotation, 'example.com/short'] : ['example.com/short'])
})
