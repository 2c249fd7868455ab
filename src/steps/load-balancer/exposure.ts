/** Who can connect to the ALB, according to the inputs and the parameters of the class. Pure. */
import { annotationPrefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { getPrefixLists } from '../preflight/class-overrides.ts'
import { findGroupName, type ClassParams } from '../preflight/ingress-class.ts'
import { findIpv6Support, type AlbTarget } from '../preflight/ip-families.ts'

/** What explains that an ALB does not answer, or that it answers everyone. */
export interface Exposure {
  /** What allows only some clients, with its value; undefined when all with IPv4 are allowed. */
  readonly restrictedBy: string | undefined
  /** Whether everyone with IPv4 or with IPv6 is allowed; false also when that is not known. */
  readonly isPublic: boolean
  /** The IngressGroup, whose other Ingresses also configure the ALB. */
  readonly group: string | undefined
}

export function describeExposure({ ingress }: EndpointSettings, target: AlbTarget): Exposure {
  const { classParams } = target
  const restrictedBy = describeRestriction(ingress, classParams)
  const isOpen = restrictedBy === undefined || isOpenToIpv6(ingress, target)
  return {
    restrictedBy,
    isPublic: classParams.readable && ingress.scheme === 'internet-facing' && isOpen,
    group: findGroupName(ingress, classParams),
  }
}

/**
 * CIDR blocks and prefix lists add up, the controller ignores both when security-groups is set, and
 * a class overrides each by itself. Source: the controller's model_build_listener.go,
 * mergeListenPortConfigs.
 */
function describeRestriction(
  ingress: EndpointSettings['ingress'],
  classParams: ClassParams,
): string | undefined {
  const { securityGroups, inboundCidrs, annotations } = ingress
  if (securityGroups.length > 0) return `security-groups (${securityGroups.join(', ')})`
  const cidrs = chooseCidrs(inboundCidrs, classParams)
  const prefixLists = choose(
    {
      name: 'prefixListsIDs of the class',
      values: classParams.readable ? getPrefixLists(classParams.spec) : undefined,
    },
    {
      name: 'security-group-prefix-lists in annotations',
      values: splitList(annotations[`${annotationPrefix}security-group-prefix-lists`]),
    },
  )
  if (cidrs.values.includes('0.0.0.0/0')) return undefined
  const restrictions = [cidrs, prefixLists].filter(({ values }) => values.length > 0)
  if (restrictions.length === 0) return undefined
  return restrictions.map(({ name, values }) => `${name} (${values.join(', ')})`).join(' and ')
}

/** Everyone with IPv6, while those with IPv4 may be restricted. */
const isOpenToIpv6 = (ingress: EndpointSettings['ingress'], target: AlbTarget): boolean =>
  ingress.securityGroups.length === 0 &&
  findIpv6Support(ingress, target) === 'yes' &&
  chooseCidrs(ingress.inboundCidrs, target.classParams).values.includes('::/0')

const chooseCidrs = (inboundCidrs: readonly string[], classParams: ClassParams): AllowedClients =>
  choose(
    {
      name: 'inboundCIDRs of the class',
      values: classParams.readable ? classParams.spec.inboundCIDRs : undefined,
    },
    { name: 'inbound-cidrs', values: inboundCidrs },
  )

interface AllowedClients {
  readonly name: string
  readonly values: readonly string[]
}

/** An empty list of a class does not override. */
const choose = (
  { name, values = [] }: { readonly name: string; readonly values: readonly string[] | undefined },
  input: AllowedClients,
): AllowedClients => (values.length > 0 ? { name, values } : input)

const splitList = (value = ''): string[] =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
