/** What makes the controller replace the ALB of an Ingress. Pure. */
import { schemeFromDnsName } from '../../clients/aws/load-balancers.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { groupAnnotation } from '../../controller/annotations.ts'
import type { IngressSettings } from '../../inputs/types.ts'
import { findGroupName } from '../preflight/ingress-class.ts'
import type { Target } from '../preflight/target.ts'
import { getLiveController, getLiveGroup } from './group.ts'
import { getIngressHostname } from './manifest.ts'

/** What an ALB keeps as long as it exists. */
export interface AlbIdentity {
  readonly scheme: string
  /** Undefined for an ALB of its own. */
  readonly groupName: string | undefined
  /** Undefined when it is not known. */
  readonly controller: string | undefined
}

/** The ALB that the inputs and the class describe. */
export const getDesiredAlb = (
  ingress: Pick<IngressSettings, 'scheme' | 'groupName'>,
  target: Pick<Target, 'classParams' | 'classController' | 'ingress'>,
): AlbIdentity => ({
  scheme: ingress.scheme,
  groupName: findDesiredGroup(ingress, target),
  controller: target.classController,
})

function findDesiredGroup(
  ingress: Pick<IngressSettings, 'groupName'>,
  { classParams, ingress: live }: Pick<Target, 'classParams' | 'ingress'>,
): string | undefined {
  const groupName = findGroupName(ingress, classParams, live)
  if (groupName !== undefined || classParams.readable || !live) return groupName
  // Only the class, which cannot be read, can have assigned a group that no annotation names.
  const liveGroup = getLiveGroup(live)
  return live.metadata.annotations?.[groupAnnotation] === liveGroup ? undefined : liveGroup
}

/**
 * Compares with the ALB that exists, because a class may override the annotations of the Ingress.
 * Source: ELB cannot change the scheme of a load balancer, nor the controller its group; and an
 * Ingress whose class belongs to another controller leaves its group, as if it were deleted
 * (group_loader.go, LoadGroupIDIfAny).
 * @returns clauses; empty when the Ingress keeps its ALB, or has none
 */
export function findReplacementReasons(live: Ingress | undefined, desired: AlbIdentity): string[] {
  const address = getIngressHostname(live)
  if (!live || address === undefined) return []
  const liveController = getLiveController(live) ?? desired.controller ?? ''
  const fields = [
    { name: 'scheme', before: schemeFromDnsName(address), after: desired.scheme },
    { name: 'group-name', before: getLiveGroup(live) ?? '', after: desired.groupName ?? '' },
    {
      name: 'the controller of ingress-class',
      before: liveController,
      after: desired.controller ?? liveController,
    },
  ]
  return fields
    .filter(({ before, after }) => before !== after)
    .map(
      ({ name, before, after }) => `${name} changes from ${before || 'none'} to ${after || 'none'}`,
    )
}
