/**
 * Who can connect to the ALB, according to the inputs, the parameters of the class and annotations
 * of other field managers, which stay on the Ingress. Pure.
 */
import { annotationPrefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { buildAnnotations, effectiveAnnotations } from '../ingress/manifest.ts'
import { getPrefixLists } from '../preflight/class-overrides.ts'
import { findGroupName } from '../preflight/ingress-class.ts'
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

export function describeExposure(settings: EndpointSettings, target: AlbTarget): Exposure {
  const { ingress } = settings
  const { classParams, ingress: live } = target
  const clients = findAllowedClients(settings, target)
  const restrictedBy = describeRestriction(clients)
  const isOpen = restrictedBy === undefined || isOpenToIpv6(clients, ingress, target)
  return {
    restrictedBy,
    isPublic: classParams.readable && ingress.scheme === 'internet-facing' && isOpen,
    group: findGroupName(ingress, classParams, live),
  }
}

/** Some clients, and what allows them. */
interface AllowedClients {
  readonly name: string
  readonly values: readonly string[]
}

/** All of them: empty lists allow everyone with IPv4. */
interface AllAllowedClients {
  readonly securityGroups: AllowedClients
  readonly cidrs: AllowedClients
  readonly prefixLists: AllowedClients
}

/** A class overrides each list by itself. */
function findAllowedClients(
  settings: EndpointSettings,
  { classParams, ingress: live }: AlbTarget,
): AllAllowedClients {
  const spec = classParams.readable ? classParams.spec : {}
  const requested = buildAnnotations(settings)
  const annotations = effectiveAnnotations(settings, live)
  const read = (annotation: string, input = annotation): AllowedClients => {
    const key = annotationPrefix + annotation
    const name = key in requested ? input : `${annotation} of the Ingress`
    return { name, values: splitList(annotations[key]) }
  }
  const prefixLists = 'security-group-prefix-lists'
  return {
    securityGroups: read('security-groups'),
    cidrs: choose('inboundCIDRs of the class', spec.inboundCIDRs, read('inbound-cidrs')),
    prefixLists: choose(
      'prefixListsIDs of the class',
      getPrefixLists(spec),
      read(prefixLists, `${prefixLists} in annotations`),
    ),
  }
}

/** An empty list of a class does not override. */
const choose = (
  name: string,
  values: readonly string[] = [],
  otherwise: AllowedClients,
): AllowedClients => (values.length > 0 ? { name, values } : otherwise)

/**
 * CIDR blocks and prefix lists add up, and the controller ignores both when security-groups is set.
 * Source: the controller's model_build_listener.go, mergeListenPortConfigs.
 */
function describeRestriction(clients: AllAllowedClients): string | undefined {
  const { securityGroups, cidrs, prefixLists } = clients
  if (securityGroups.values.length > 0) return describeClients(securityGroups)
  if (cidrs.values.includes('0.0.0.0/0')) return undefined
  const restrictions = [cidrs, prefixLists].filter(({ values }) => values.length > 0)
  if (restrictions.length === 0) return undefined
  return restrictions.map(describeClients).join(' and ')
}

const describeClients = ({ name, values }: AllowedClients): string =>
  `${name} (${values.join(', ')})`

/** Everyone with IPv6, while those with IPv4 may be restricted. */
const isOpenToIpv6 = (
  { securityGroups, cidrs }: AllAllowedClients,
  ingress: EndpointSettings['ingress'],
  target: AlbTarget,
): boolean =>
  securityGroups.values.length === 0 &&
  cidrs.values.includes('::/0') &&
  findIpv6Support(ingress, target) === 'yes'

const splitList = (value = ''): string[] =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
