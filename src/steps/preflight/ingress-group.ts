/** The other Ingresses that share the ALB: whether they agree with this one. */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { groupOrderInvalid, ingressGroupConflict } from '../../failures/ingress-ownership.ts'
import type { Context } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { buildAnnotations } from '../ingress/manifest.ts'
import { findConflicts, type GroupMember } from './group-conflicts.ts'
import {
  autoModeController,
  findGroupName,
  getLegacyClass,
  type IngressClassInfo,
} from './ingress-class.ts'

/** Characters. Longer annotations, such as kubectl's last applied configuration, are dropped. */
const maxAnnotationLength = 1_000

/** A filter for lists: drops long annotations from Ingresses of other classes, to save memory. */
export const trimAnnotations =
  ({ ingress: { className } }: EndpointSettings) =>
  (ingresses: readonly Ingress[]): Ingress[] =>
    ingresses.map((ingress) => {
      const { ingressClassName = className } = ingress.spec
      return ingressClassName === className ? ingress : withoutLongAnnotations(ingress)
    })

function withoutLongAnnotations(ingress: Ingress): Ingress {
  const annotations = Object.entries(ingress.metadata.annotations ?? {})
  const shortAnnotations = annotations.filter(([, value]) => value.length <= maxAnnotationLength)
  if (shortAnnotations.length === annotations.length) return ingress
  const metadata = { ...ingress.metadata, annotations: Object.fromEntries(shortAnnotations) }
  return { ...ingress, metadata }
}

/** The Ingress of this run among the others of its namespace. */
export interface NamespaceIngresses {
  readonly ingressName: string
  readonly ingresses: readonly Ingress[]
  /** The classes of the Ingresses, as far as they exist; that of this run is among them. */
  readonly classes: ReadonlyMap<string, IngressClassInfo>
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
  { ingressName, ingresses, classes }: NamespaceIngresses,
): void {
  const own = classes.get(settings.ingress.className)
  const groupName = own && findGroupName(settings.ingress, own.params)
  if (own === undefined || groupName === undefined) return
  const ownMember = { annotations: buildAnnotations(settings), classParams: own.params }
  const problems: ActionError[] = []
  for (const ingress of ingresses) {
    const { name, deletionTimestamp } = ingress.metadata
    if (name === ingressName || deletionTimestamp !== undefined) continue
    const info = classOf(ingress, own, classes)
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
 * not. The legacy annotation wins over the field, and disables the parameters of the class; Auto
 * Mode does not know it. Source: the controller's group_loader.go; EKS user guide,
 * auto-configure-alb.
 */
function classOf(
  ingress: Ingress,
  own: IngressClassInfo,
  classes: ReadonlyMap<string, IngressClassInfo>,
): IngressClassInfo | undefined {
  const legacyClass = getLegacyClass(ingress)
  if (legacyClass !== undefined && own.controller !== autoModeController)
    return legacyClass === 'alb' || classes.get(legacyClass) === own
      ? { controller: own.controller, params: { readable: true, spec: {} } }
      : undefined
  const info = classes.get(ingress.spec.ingressClassName ?? '')
  return info === own || info?.controller === own.controller ? info : undefined
}

/** The group of a member. In Auto Mode, only classes assign groups. */
function groupOf(ingress: Ingress, { controller, params }: IngressClassInfo): string | undefined {
  const annotation = ingress.metadata.annotations?.[`${prefix}group.name`]
  const groupName = controller === autoModeController ? undefined : annotation
  return findGroupName({ groupName }, params)
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
  const disagreements = findConflicts(ownMember, member)
  if (disagreements.length > 0) problems.push(ingressGroupConflict(name, groupName, disagreements))
  return problems
}

/** Source: the controller's group_loader.go, and Go's strconv.ParseInt. */
const isGroupOrder = (value: string): boolean =>
  /^[+-]?\d+$/.test(value) && Math.abs(Number(value)) <= 1000
