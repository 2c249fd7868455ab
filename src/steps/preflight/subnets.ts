/** The subnets of a first ALB: what the controller or ELB would refuse of them. */
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import type { Subnet } from '../../clients/aws/subnets.ts'
import type { Settings } from '../../inputs/types.ts'

/**
 * Source: Elastic Load Balancing user guide, "Subnets for your load balancer": eight free addresses
 * in each.
 */
const minAvailableAddresses = 8

/** What is known of subnets before the controller is asked. */
export interface SubnetValidation {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Looks at the subnets of the cluster's VPC where these credentials may.
 * @param subnets undefined when the VPC is not known, as with a kubeconfig
 * @throws ActionError `subnets-unsuitable`
 */
export async function checkSubnets(
  context: Context,
  settings: Settings,
  subnets: Promise<readonly Subnet[] | undefined>,
): Promise<void> {
  const readableSubnets = await subnets.catch((thrown: unknown) => {
    if (
      !(thrown instanceof ActionError) ||
      !['aws-access-denied', 'aws-request-failed'].includes(thrown.code)
    )
      throw thrown
    context.log.info(
      'These credentials may not describe subnets, so that the subnets of the ALB were not checked.',
    )
    return undefined
  })
  if (!readableSubnets) return
  const cluster = settings.clusterAccess.kind === 'eks' ? settings.clusterAccess.cluster : ''
  const { errors, warnings } = validateSubnets(readableSubnets, {
    cluster,
    scheme: settings.ingress.scheme,
    requested: settings.ingress.subnets,
  })
  warnings.forEach((text) => context.log.warn(text))
  if (errors.length > 0)
    throw combineErrors(
      errors.map(
        (problem) =>
          new ActionError({
            code: 'subnets-unsuitable',
            problem,
            remedy:
              'Set subnets to ids or Name tags of subnets of the VPC of the cluster, one a zone, in two zones at least.',
          }),
      ),
    )
}

/**
 * Pure.
 * @param wanted the input subnets: ids or Name tags; empty for the controller's own choice by
 *   tags
 */
export function validateSubnets(
  subnets: readonly Subnet[],
  {
    cluster,
    scheme,
    requested,
  }: { cluster: string; scheme: 'internet-facing' | 'internal'; requested: readonly string[] },
): SubnetValidation {
  return requested.length > 0
    ? validateRequestedSubnets(subnets, requested)
    : {
        errors: [],
        warnings: validateTaggedSubnets(
          subnets,
          cluster,
          scheme === 'internal' ? 'kubernetes.io/role/internal-elb' : 'kubernetes.io/role/elb',
        ),
      }
}

const describeExhaustedSubnets = (subnets: readonly Subnet[]): string[] =>
  subnets
    .filter(({ availableAddresses: freeAddresses }) => freeAddresses < minAvailableAddresses)
    .map(
      ({ id, availableAddresses: freeAddresses }) =>
        `Subnet ${id} has ${freeAddresses} free addresses, and an ALB needs ${minAvailableAddresses} in each.`,
    )

function validateRequestedSubnets(
  subnets: readonly Subnet[],
  requested: readonly string[],
): SubnetValidation {
  const hasIdOrName = (subnet: Subnet, name: string): boolean =>
    subnet.id === name || subnet.tags['Name'] === name
  const unknownNames = requested.filter(
    (name) => !subnets.some((subnet) => hasIdOrName(subnet, name)),
  )
  const selected = subnets.filter((subnet) => requested.some((name) => hasIdOrName(subnet, name)))
  const duplicates = selected.filter(
    ({ availabilityZone: zone }, index) =>
      selected.findIndex((other) => other.availabilityZone === zone) !== index,
  )
  return {
    errors: [
      ...unknownNames.map(
        (name) =>
          `subnets names ${name}, which the VPC of the cluster does not have, neither as an id nor as a Name tag.`,
      ),
      ...duplicates.map(
        ({ id, availabilityZone: zone }) =>
          `subnets names ${id} and ${selected.find((other) => other.availabilityZone === zone)?.id ?? ''}, both in zone ${zone}, and an ALB takes one a zone.`,
      ),
    ],
    warnings: describeExhaustedSubnets(selected),
  }
}

/**
 * What the controller finds by tags. It falls back on others since v2.12, so that none of this is
 * final. Source: subnet_resolver.go.
 */
function validateTaggedSubnets(
  subnets: readonly Subnet[],
  cluster: string,
  role: string,
): string[] {
  const tagged = subnets.filter(({ tags }) => ['', '1'].includes(tags[role] ?? 'no'))
  const clusterOwners = (subnet: Subnet): string[] =>
    Object.keys(subnet.tags).flatMap(
      (key) => /^kubernetes\.io\/cluster\/(.+)$/.exec(key)?.[1] ?? [],
    )
  const usable = tagged.filter(
    (subnet) => clusterOwners(subnet).length === 0 || clusterOwners(subnet).includes(cluster),
  )
  const zones = new Set(
    usable
      .filter(({ availableAddresses: freeAddresses }) => freeAddresses >= minAvailableAddresses)
      .map(({ availabilityZone: zone }) => zone),
  )
  if (zones.size >= 2) return []
  const otherClusterCount = tagged.length - usable.length
  const summary = `${usable.length} in ${new Set(usable.map(({ availabilityZone: zone }) => zone)).size} zones${otherClusterCount > 0 ? `, ${otherClusterCount} more for other clusters` : ''}`
  return [
    `Of the ${subnets.length} subnets of the VPC few are tagged ${role}=1 for the controller to find (${summary}), and an ALB takes two zones with ${minAvailableAddresses} free addresses: tag them, or set subnets.`,
    ...describeExhaustedSubnets(usable),
  ]
}
