/** The operations of step release, and the changes that show them to people. Pure. */
import type { ServiceType } from '../../inputs/types.ts'
import type { Release, Target } from '../preflight/preflight.ts'
import type { Run } from '../run.ts'
import type { Change } from '../step.ts'
import type { ReleaseDifference } from './differences.ts'
import type { OrphanedObject } from './orphans.ts'
import type { ReviewedUpgrade } from './preview.ts'

/** Runs `helm upgrade`, after it has removed what failed revisions left behind. */
export interface UpgradeRelease {
  readonly action: 'upgrade'
  readonly namespace: string
  readonly release: Release
  /** Name of the Service of Milvus' API. */
  readonly service: string
  readonly differences: readonly ReleaseDifference[]
  readonly review: ReviewedUpgrade
}

/**
 * Gives up the ownership of a Service's fields, which a killed run left behind, and with which Helm
 * 4 would be in conflict. It changes no field, so there is no change to show.
 */
export interface RelinquishOwnership {
  readonly action: 'relinquish-ownership'
  readonly namespace: string
  readonly service: string
}

/** Sets the class of a Service together with type LoadBalancer, which Helm cannot. */
export interface RestoreLoadBalancerClass {
  readonly action: 'restore-load-balancer-class'
  readonly namespace: string
  readonly service: string
  readonly loadBalancerClass: string
  readonly why: string
}

export type ReleaseOperation = UpgradeRelease | RelinquishOwnership | RestoreLoadBalancerClass

/** The changes of operations, in order. */
export const toChanges = (operations: readonly ReleaseOperation[]): Change[] =>
  operations.flatMap(describeOperation)

function describeOperation(operation: ReleaseOperation): Change[] {
  const { namespace } = operation
  switch (operation.action) {
    case 'upgrade': {
      const { release, differences, review } = operation
      return [
        ...toDifferences(namespace, release.latestRevision.name, differences),
        ...toOrphanChanges(namespace, review.orphanedObjects),
      ]
    }
    case 'relinquish-ownership':
      return []
    case 'restore-load-balancer-class':
      return [
        {
          step: 'release',
          object: `Service ${namespace}/${operation.service}`,
          path: 'spec.loadBalancerClass',
          after: operation.loadBalancerClass,
          why: operation.why,
        },
      ]
  }
}

/** The changes that an upgrade has to make, which a check reports without rendering it. */
export const toDifferences = (
  namespace: string,
  release: string,
  differences: readonly ReleaseDifference[],
): Change[] =>
  differences.map((difference) => ({
    step: 'release',
    object: `release ${namespace}/${release}`,
    ...describeDifference(difference),
  }))

/**
 * What an identity that may not read the release sees of its changes: those of its Service. None
 * of a release that it can read, whose upgrade is an operation.
 */
export const listVisibleChanges = (
  { settings }: Pick<Run, 'settings'>,
  { unreadableReleaseName }: Pick<Target, 'unreadableReleaseName'>,
  differences: readonly ReleaseDifference[],
): Change[] =>
  unreadableReleaseName === undefined
    ? []
    : toDifferences(settings.namespace, unreadableReleaseName, differences)

function describeDifference(difference: ReleaseDifference): Omit<Change, 'step' | 'object'> {
  switch (difference.field) {
    case 'service-type': {
      const { path, before, after } = difference
      return { path: path.join('.'), why: explainServiceType(difference), before, after }
    }
    case 'chart-version':
      return {
        path: 'chart version',
        why: 'requested by input chart-version, or by the tag in chart',
        before: difference.before,
        after: difference.after,
      }
    case 'value':
      return {
        path: `values.${difference.path}`,
        why: 'requested by input values',
        after: '(not shown)',
      }
    case 'status':
      return {
        path: 'status',
        why: 'an earlier upgrade did not succeed',
        before: difference.before,
        after: 'deployed',
      }
  }
}

const typeChangeReasons: Readonly<Record<ServiceType, string>> = {
  ClusterIP: 'an ALB with ip targets needs no load balancer of the Service',
  LoadBalancer: 'requested by input restore-service-type',
  NodePort: 'requested by input restore-service-type',
}

function explainServiceType({
  before,
  after,
  isOnlyStored,
}: Extract<ReleaseDifference, { readonly field: 'service-type' }>): string {
  if (!isOnlyStored) return typeChangeReasons[after]
  return (
    `the Service is of type ${after}, but the release is not: ` +
    `the next Helm upgrade would make it ${before} again`
  )
}

/** The removal of what failed revisions left behind. */
export function toOrphanChanges(
  namespace: string,
  orphanedObjects: readonly OrphanedObject[],
): Change[] {
  const why = 'only a failed revision contains it, and Helm would not remove it'
  return orphanedObjects.flatMap(({ kind, name, fields }) => {
    const paths = fields ? fields.map(({ path }) => path.join('.')) : ['object']
    const object = `${kind} ${namespace}/${name}`
    return paths.map((path) => ({
      step: 'release' as const,
      object,
      path,
      before: '(not shown)',
      why,
    }))
  })
}
