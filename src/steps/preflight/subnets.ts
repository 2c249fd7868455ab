/** The subnets of an ALB: what the controller or ELB would reject. */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { readOptional } from '../../failures/optional-read.ts'
import { subnetNotFound, subnetRepeated, subnetsInOneZone } from '../../failures/subnets.ts'
import type { Context } from '../step.ts'
import type { Subnet } from '../../clients/aws/subnets.ts'
import { getClusterName } from '../../inputs/cluster-access.ts'
import type { Settings } from '../../inputs/types.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import { getIngressHostname } from '../ingress/manifest.ts'
import { findReplacementReasons, getDesiredAlb } from '../ingress/replacement.ts'
import type { Target } from './target.ts'

/**
 * Source: Elastic Load Balancing user guide, "Subnets for your load balancer": eight free addresses
 * in each.
 */
const minAvailableAddresses = 8

/** What is wrong with subnets before the controller sees them. */
export interface SubnetValidation {
  readonly errors: readonly ActionError[]
  readonly warnings: readonly string[]
}

/**
 * Checks the subnets of the cluster's VPC, if these credentials can read them.
 * @param subnets undefined when the VPC is not known, as with a kubeconfig
 * @throws ActionError `subnets-unsuitable`
 */
export async function checkSubnets(
  context: Context,
  settings: Settings,
  subnets: Promise<readonly Subnet[] | undefined>,
): Promise<void> {
  const read = await readOptional(subnets, ['aws-request-failed'])
  if (!read.available) {
    context.log.info(
      'The subnets of the ALB were not checked: these credentials cannot describe subnets.',
    )
    return
  }
  if (!read.value) return
  const { errors, warnings } = validateSubnets(read.value, {
    cluster: getClusterName(settings),
    scheme: settings.ingress.scheme,
    requested: settings.ingress.subnets,
  })
  for (const warning of warnings) context.log.warn(warning)
  if (errors.length > 0) throw combineErrors(errors)
}

/**
 * Whether the controller is going to look for subnets: for a new ALB, unless the class names them,
 * also for one that replaces another, and for an ALB whose subnets the inputs change. Pure.
 */
export function needsSubnets(
  { ingress: desired }: Pick<Settings, 'ingress'>,
  target: Pick<Target, 'ingress' | 'classParams' | 'classController'>,
): boolean {
  const { ingress: live, classParams } = target
  if (classParams.readable && classParams.spec.subnets) return false
  if (getIngressHostname(live) === undefined) return true
  if (findReplacementReasons(live, getDesiredAlb(desired, target)).length > 0) return true
  const liveSubnets = live?.metadata.annotations?.[`${annotationPrefix}subnets`]
  return desired.subnets.length > 0 && desired.subnets.join(',') !== liveSubnets
}

/** What the ALB needs subnets for. */
export interface SubnetRequirements {
  /** Undefined when the inputs do not name the cluster. */
  readonly cluster: string | undefined
  readonly scheme: Settings['ingress']['scheme']
  /** Input subnets: ids or Name tags; empty when the controller chooses by tags. */
  readonly requested: readonly string[]
}

/** Pure. */
export function validateSubnets(
  subnets: readonly Subnet[],
  { cluster, scheme, requested }: SubnetRequirements,
): SubnetValidation {
  if (requested.length > 0) return validateRequestedSubnets(subnets, requested)
  const roleTag =
    scheme === 'internal' ? 'kubernetes.io/role/internal-elb' : 'kubernetes.io/role/elb'
  return { errors: [], warnings: validateTaggedSubnets(subnets, cluster, roleTag) }
}

const isExhausted = ({ availableAddresses }: Subnet): boolean =>
  availableAddresses < minAvailableAddresses

const describeExhaustedSubnets = (subnets: readonly Subnet[]): string[] =>
  subnets
    .filter(isExhausted)
    .map(
      ({ id, availableAddresses }) =>
        `Subnet ${id} has ${availableAddresses} free addresses, but an ALB needs ` +
        `${minAvailableAddresses} in each subnet.`,
    )

function validateRequestedSubnets(
  subnets: readonly Subnet[],
  requested: readonly string[],
): SubnetValidation {
  const selected: Subnet[] = []
  const errors: ActionError[] = []
  const warnings: string[] = []
  for (const name of new Set(requested)) {
    const matches = subnets.filter((subnet) => hasIdOrName(subnet, name))
    const mentions = requested.filter((each) => each === name).length
    if (matches.length === 0) errors.push(subnetNotFound(name))
    else if (mentions > matches.length) errors.push(subnetRepeated(name, mentions, matches.length))
    else if (mentions < matches.length) warnings.push(describeAmbiguousName(name, matches))
    else selected.push(...matches)
  }
  return {
    errors: [...errors, ...findSharedZones(selected)],
    warnings: [...warnings, ...describeExhaustedSubnets(selected)],
  }
}

/** Source: the controller's subnet_resolver.go, which reads what begins with `subnet-` as an ID. */
const hasIdOrName = ({ id, tags }: Subnet, name: string): boolean =>
  id === name || (!name.startsWith('subnet-') && tags['Name'] === name)

/**
 * The controller takes one subnet for each mention of a name, in the order in which EC2 lists them.
 * Source: subnet_resolver.go, listSubnetsByNames.
 */
const describeAmbiguousName = (name: string, matches: readonly Subnet[]): string =>
  `Input subnets contains ${name}, the Name tag of ${matches.length} subnets ` +
  `(${matches.map(({ id }) => id).join(', ')}): the controller takes any of them, or, in older ` +
  'versions, rejects the name. Use IDs.'

/** One error for each subnet after the first in its zone. */
function findSharedZones(subnets: readonly Subnet[]): ActionError[] {
  const firstByZone = new Map<string, Subnet>()
  const errors: ActionError[] = []
  for (const subnet of subnets) {
    const first = firstByZone.get(subnet.availabilityZone)
    if (first) errors.push(subnetsInOneZone([subnet.id, first.id], subnet.availabilityZone))
    else firstByZone.set(subnet.availabilityZone, subnet)
  }
  return errors
}

/** The clusters that a subnet is tagged for. */
const taggedClusters = ({ tags }: Subnet): string[] =>
  Object.keys(tags).flatMap((key) => /^kubernetes\.io\/cluster\/(.+)$/.exec(key)?.[1] ?? [])

const countZones = (subnets: readonly Subnet[]): number =>
  new Set(subnets.map(({ availabilityZone }) => availabilityZone)).size

/**
 * The subnets that the controller finds by tags. Only warnings, because since v2.12 it falls back
 * to others. Source: subnet_resolver.go.
 */
function validateTaggedSubnets(
  subnets: readonly Subnet[],
  cluster: string | undefined,
  roleTag: string,
): string[] {
  const tagged = subnets.filter(({ tags }) => ['', '1'].includes(tags[roleTag] ?? 'no'))
  const usable = tagged.filter((subnet) => {
    const clusters = taggedClusters(subnet)
    return clusters.length === 0 || (cluster !== undefined && clusters.includes(cluster))
  })
  if (countZones(usable.filter((subnet) => !isExhausted(subnet))) >= 2) return []
  const zoneCount = countZones(usable)
  const otherClusterCount = tagged.length - usable.length
  const others = otherClusterCount > 0 ? ` (and ${otherClusterCount} for other clusters)` : ''
  return [
    `Too few of the ${subnets.length} subnets in the VPC are tagged ${roleTag}=1 for the ` +
      `controller: ${usable.length} in ${zoneCount} ${zoneCount === 1 ? 'zone' : 'zones'}` +
      `${others}. An ALB needs two zones with ${minAvailableAddresses} free addresses each: tag ` +
      'more subnets, or set subnets.',
    ...describeExhaustedSubnets(usable),
  ]
}
