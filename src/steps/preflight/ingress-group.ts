/** The other Ingresses that share the ALB: whether they agree with this one. */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { groupOrderInvalid, ingressGroupConflict } from '../../failures/ingress-ownership.ts'
import type { Context } from '../step.ts'
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix, groupAnnotation } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { effectiveAnnotations, fieldManager } from '../ingress/manifest.ts'
import { findMemberConflicts, type GroupMember } from './group-conflicts.ts'
import {
  autoModeController,
  effectiveParams,
  findGroupName,
  getLegacyClass,
  type IngressClassInfo,
} from './ingress-class.ts'

/** Characters. Longer annotations, such as kubectl's last applied configuration, may be dropped. */
const maxAnnotationLength = 1_000

/**
 * A filter for lists: drops long annotations from Ingresses of other classes, to save memory. Those
 * of the controller stay, because a group compares them. So do those of this action: the Ingress of
 * the run may have another class until it is applied, and a rollback restores its annotations.
 */
export const trimAnnotations =
  ({ ingress: { className, annotations: requested } }: EndpointSettings) =>
  (ingresses: readonly Ingress[]): Ingress[] =>
    ingresses.map((ingress) => {
      const { ingressClassName = className } = ingress.spec
      return ingressClassName === className ? ingress : withoutLongAnnotations(ingress, requested)
    })

/** @param requested by the inputs */
function withoutLongAnnotations(
  ingress: Ingress,
  requested: Readonly<Record<string, string>>,
): Ingress {
  const ownedKeys = ownedAnnotations(ingress, fieldManager)
  const isNeeded = (key: string): boolean =>
    key.startsWith(prefix) || ownedKeys.has(key) || Object.hasOwn(requested, key)
  const annotations = Object.entries(ingress.metadata.annotations ?? {})
  const remaining = annotations.filter(
    ([key, value]) => value.length <= maxAnnotationLength || isNeeded(key),
  )
  if (remaining.length === annotations.length) return ingress
  const metadata = { ...ingress.metadata, annotations: Object.fromEntries(remaining) }
  return { ...ingress, metadata }
}

/** The Ingress of this run among the others of its namespace. */
export interface NamespaceIngresses {
  readonly ingressName: string
  readonly ingresses: readonly Ingress[]
  /** That of this run. */
  readonly ownClass: IngressClassInfo
  /** Those of the other Ingresses by name; `denied` is one that this identity may not read. */
  readonly otherClasses: ReadonlyMap<string, IngressClassInfo | 'denied'>
}

/** The names of the classes that other Ingresses of the namespace have. */
export const listOtherClasses = (ingresses: readonly Ingress[], className: string): string[] => [
  ...new Set(
    ingresses.flatMap(({ spec: { ingressClassName } }) =>
      ingressClassName === undefined || ingressClassName === className ? [] : [ingressClassName],
    ),
  ),
]

/**
 * Compares the inputs with the other members of the group in this namespace. Members in other
 * namespaces are not visible.
 * @throws ActionError `ingress-group-conflict`
 */
export function checkIngressGroup(
  context: Context,
  settings: EndpointSettings,
  { ingressName, ingresses, ownClass, otherClasses }: NamespaceIngresses,
): void {
  const live = ingresses.find(({ metadata }) => metadata.name === ingressName)
  const classParams = effectiveParams(ownClass, live)
  const groupName = findGroupName(settings.ingress, classParams, live)
  if (groupName === undefined) return
  const ownMember = { annotations: effectiveAnnotations(settings, live), classParams }
  const classes = new Map([...otherClasses, [settings.ingress.className, ownClass]])
  const problems: ActionError[] = []
  for (const ingress of ingresses) {
    const { name, deletionTimestamp } = ingress.metadata
    if (name === ingressName || deletionTimestamp !== undefined) continue
    const info = classOf(ingress, ownClass, classes)
    if (info === 'denied') {
      noteDeniedClass(context, ingress, { ownClass, groupName })
      continue
    }
    if (!info || groupOf(ingress, info) !== groupName) continue
    const member = { annotations: ingress.metadata.annotations ?? {}, classParams: info.params }
    if (ingress.spec.rules?.some(({ host }) => host === settings.host))
      context.log.warn(
        `Ingress ${name} of group ${groupName} also serves host ${settings.host}. The ` +
          'first of the two receives its calls: by annotation group.order, then by name.',
      )
    problems.push(...checkMember(ownMember, member, { name, groupName }))
  }
  if (problems.length > 0) throw combineErrors(problems)
}

/**
 * The class by which the controller of this run manages another Ingress; undefined when it does
 * not.
 */
function classOf(
  ingress: Ingress,
  own: IngressClassInfo,
  classes: NamespaceIngresses['otherClasses'],
): IngressClassInfo | 'denied' | undefined {
  const legacyClass = getLegacyClass(ingress, own.controller)
  if (legacyClass !== undefined)
    return legacyClass === 'alb' || classes.get(legacyClass) === own
      ? { controller: own.controller, params: { readable: true, spec: {} } }
      : undefined
  const info = classes.get(ingress.spec.ingressClassName ?? '')
  if (info === 'denied') return info
  return info === own || info?.controller === own.controller ? info : undefined
}

/** Notes an Ingress that is in the group by its annotation, unless its class says otherwise. */
function noteDeniedClass(
  context: Context,
  ingress: Ingress,
  { ownClass, groupName }: { readonly ownClass: IngressClassInfo; readonly groupName: string },
): void {
  const { controller } = ownClass
  if (groupOf(ingress, { controller, params: { readable: false } }) !== groupName) return
  context.log.note(
    `Ingress ${ingress.metadata.name} was not compared with this Ingress, although its ` +
      `annotation names the same group (${groupName}): reading its IngressClass ` +
      `${ingress.spec.ingressClassName ?? ''} requires permission get for ingressclasses in the ` +
      'API group networking.k8s.io.',
  )
}

/** The group of a member. In Auto Mode, only classes assign groups. */
function groupOf(ingress: Ingress, { controller, params }: IngressClassInfo): string | undefined {
  const annotation = ingress.metadata.annotations?.[groupAnnotation]
  const groupName = controller === autoModeController ? undefined : annotation
  return findGroupName({ groupName }, params, undefined)
}

function checkMember(
  ownMember: GroupMember,
  member: GroupMember,
  { name, groupName }: { readonly name: string; readonly groupName: string },
): ActionError[] {
  const problems: ActionError[] = []
  const order = member.annotations[`${prefix}group.order`]
  if (order !== undefined && !isGroupOrder(order))
    problems.push(groupOrderInvalid(name, groupName, order))
  const disagreements = findMemberConflicts(ownMember, member)
  if (disagreements.length > 0) problems.push(ingressGroupConflict(name, groupName, disagreements))
  return problems
}

/** Source: the controller's group_loader.go, and Go's strconv.ParseInt. */
const isGroupOrder = (value: string): boolean =>
  /^[+-]?\d+$/.test(value) && Math.abs(Number(value)) <= 1000
