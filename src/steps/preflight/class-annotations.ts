/** Parameters of a class that override what only input annotations can set. Pure. */
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { compareField, type ClassParamsSpec, type Override } from './class-override.ts'

/**
 * A warning where the inputs set the annotation to something else, otherwise a note. Two web ACLs
 * are an error.
 */
export function annotationOverrides(
  spec: ClassParamsSpec,
  { annotations, listenPort }: EndpointSettings['ingress'],
): Override[] {
  const listener = spec.listeners?.find(({ port }) => port === listenPort)
  const capacity = spec.minimumLoadBalancerCapacity?.capacityUnits
  const inputWebAcl = annotations[`${annotationPrefix}wafv2-acl-arn`] ?? ''
  const webAclConflicts = findWebAclConflicts(spec, inputWebAcl.trim())
  const fields = [
    { field: 'ipAddressType', value: spec.ipAddressType, annotation: 'ip-address-type' },
    {
      field: 'wafv2AclArn',
      value: webAclConflicts.length > 0 ? undefined : spec.wafv2AclArn,
      annotation: 'wafv2-acl-arn',
    },
    { field: 'wafv2AclName', value: spec.wafv2AclName, annotation: 'wafv2-acl-name' },
    {
      field: 'minimumLoadBalancerCapacity',
      value: capacity === undefined ? undefined : `CapacityUnits=${capacity}`,
      annotation: 'minimum-load-balancer-capacity',
    },
    {
      field: 'ipamConfiguration',
      value: spec.ipamConfiguration?.ipv4IPAMPoolId,
      annotation: 'ipam-ipv4-pool-id',
    },
    {
      field: 'listeners',
      value: formatMap(
        (listener?.listenerAttributes ?? []).map(({ key, value }) => [key, value] as const),
      ),
      annotation: `listener-attributes.HTTPS-${listenPort}`,
    },
  ]
  const overrides = fields.flatMap(({ field, value, annotation }) => {
    const inputValue = normalize(annotations[annotationPrefix + annotation] ?? '')
    const severity = inputValue === '' ? 'note' : 'warning'
    return compareField({ severity, field, value, input: annotation, inputValue })
  })
  return [...overrides, ...webAclConflicts]
}

/**
 * The web ACL of the annotation does not give way to that of the class. Source: the controller's
 * model_build_load_balancer_addons.go, "conflicting WAFv2 WebACL ARNs".
 */
function findWebAclConflicts({ wafv2AclArn }: ClassParamsSpec, inputArn: string): Override[] {
  if (!wafv2AclArn || inputArn === '' || inputArn === wafv2AclArn) return []
  return [
    {
      severity: 'error',
      text:
        `set wafv2AclArn ${wafv2AclArn} beside wafv2-acl-arn ${inputArn} of input annotations, ` +
        'and the controller rejects two web ACLs',
    },
  ]
}

/** A map in the order of its keys, without the spaces that the controller ignores. */
const normalize = (value: string): string =>
  value.includes('=')
    ? formatMap(
        (parseAttributes(value) ?? []).map(([key, part]) => [key, part.replaceAll('\\,', ',')]),
      )
    : value.trim()

const formatMap = (entries: readonly (readonly [key: string, value: string])[]): string =>
  [...new Map(entries)]
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',')
