/** Who can connect to the ALB, according to the inputs and the parameters of the class. Pure. */
import { annotationPrefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { getPrefixLists } from '../preflight/class-overrides.ts'
import { findGroupName, type ClassParams } from '../preflight/ingress-class.ts'

/** What explains that an ALB does not answer, or that it answers everyone. */
export interface Exposure {
  /** What allows only some clients, with its value; undefined when everyone is allowed. */
  readonly restrictedBy: string | undefined
  /** Whether everyone on the internet is allowed; false also when that is not known. */
  readonly isPublic: boolean
  /** The IngressGroup, whose other Ingresses also configure the ALB. */
  readonly group: string | undefined
}

export function describeExposure(
  { ingress }: EndpointSettings,
  classParams: ClassParams,
): Exposure {
  const restrictedBy = describeRestriction(ingress, classParams)
  return {
    restrictedBy,
    isPublic:
      classParams.readable && ingress.scheme === 'internet-facing' && restrictedBy === undefined,
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
  const spec = classParams.readable ? classParams.spec : {}
  const cidrs = choose(
    { name: 'inboundCIDRs of the class', values: spec.inboundCIDRs },
    { name: 'inbound-cidrs', values: inboundCidrs },
  )
  const prefixLists = choose(
    { name: 'prefixListsIDs of the class', values: getPrefixLists(spec) },
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
