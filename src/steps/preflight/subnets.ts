/** The subnets of a first ALB: what the controller or ELB would refuse of them. */
import { ActionError, combine } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import type { Subnet } from '../../aws/subnets.ts'
import type { Settings } from '../../settings/types.ts'

/** Source: Elastic Load Balancing user guide, "Subnets for your load balancer": eight free addresses in each. */
const addressesNeeded = 8

/** What is known of subnets before the controller is asked. */
export interface SubnetFindings {
  readonly refusals: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Looks at the subnets of the cluster's VPC where these credentials may.
 * @param subnets undefined when the VPC is not known, as with a kubeconfig
 * @throws ActionError `subnets-unsuitable`
 */
export async function checkSubnets(context: Context, settings: Settings, subnets: Promise<readonly Subnet[] | undefined>): Promise<void> {
  const found = await subnets.catch((thrown: unknown) => {
    if (!(thrown instanceof ActionError) || !['aws-access-denied', 'aws-request-failed'].includes(thrown.code)) throw thrown
    context.log.info('These credentials may not describe subnets, so that the subnets of the ALB were not checked.')
    return undefined
  })
  if (!found) return
  const cluster = settings.access.kind === 'eks' ? settings.access.cluster : ''
  const { refusals, warnings } = judgeSubnets(found, { cluster, scheme: settings.ingress.scheme, wanted: settings.ingress.subnets })
  warnings.forEach((text) => context.log.warn(text))
  if (refusals.length > 0) throw combine(refusals.map((problem) => new ActionError({ code: 'subnets-unsuitable', problem, remedy: 'Set subnets to ids or Name tags of subnets of the VPC of the cluster, one a zone, in two zones at least.' })))
}

/** Pure. @param wanted the input subnets: ids or Name tags; empty for the controller's own choice by tags */
export function judgeSubnets(subnets: readonly Subnet[], { cluster, scheme, wanted }: { cluster: string; scheme: 'internet-facing' | 'internal'; wanted: readonly string[] }): SubnetFindings {
  return wanted.length > 0 ? judgeWanted(subnets, wanted) : { refusals: [], warnings: judgeTagged(subnets, cluster, scheme === 'internal' ? 'kubernetes.io/role/internal-elb' : 'kubernetes.io/role/elb') }
}

const full = (subnets: readonly Subnet[]): string[] =>
  subnets.filter(({ freeAddresses }) => freeAddresses < addressesNeeded).map(({ id, freeAddresses }) => `Subnet ${id} has ${freeAddresses} free addresses, and an ALB needs ${addressesNeeded} in each.`)

function judgeWanted(subnets: readonly Subnet[], wanted: readonly string[]): SubnetFindings {
  const isNamed = (subnet: Subnet, name: string): boolean => subnet.id === name || subnet.tags['Name'] === name
  const unknown = wanted.filter((name) => !subnets.some((subnet) => isNamed(subnet, name)))
  const chosen = subnets.filter((subnet) => wanted.some((name) => isNamed(subnet, name)))
  const twice = chosen.filter(({ zone }, index) => chosen.findIndex((other) => other.zone === zone) !== index)
  return {
    refusals: [
      ...unknown.map((name) => `subnets names ${name}, which the VPC of the cluster does not have, neither as an id nor as a Name tag.`),
      ...twice.map(({ id, zone }) => `subnets names ${id} and ${chosen.find((other) => other.zone === zone)?.id ?? ''}, both in zone ${zone}, and an ALB takes one a zone.`),
    ],
    warnings: full(chosen),
  }
}

/** What the controller finds by tags. It falls back on others since v2.12, so that none of this is final. Source: subnet_resolver.go. */
function judgeTagged(subnets: readonly Subnet[], cluster: string, role: string): string[] {
  const tagged = subnets.filter(({ tags }) => ['', '1'].includes(tags[role] ?? 'no'))
  const owners = (subnet: Subnet): string[] => Object.keys(subnet.tags).flatMap((key) => /^kubernetes\.io\/cluster\/(.+)$/.exec(key)?.[1] ?? [])
  const usable = tagged.filter((subnet) => owners(subnet).length === 0 || owners(subnet).includes(cluster))
  const zones = new Set(usable.filter(({ freeAddresses }) => freeAddresses >= addressesNeeded).map(({ zone }) => zone))
  if (zones.size >= 2) return []
  const others = tagged.length - usable.length
  const about = `${usable.length} in ${new Set(usable.map(({ zone }) => zone)).size} zones${others > 0 ? `, ${others} more for other clusters` : ''}`
  return [`Of the ${subnets.length} subnets of the VPC few are tagged ${role}=1 for the controller to find (${about}), and an ALB takes two zones with ${addressesNeeded} free addresses: tag them, or set subnets.`, ...full(usable)]
}
