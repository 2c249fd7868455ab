/** Parameters of a class that override what only input annotations can set. Pure. */
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { compareField, type ClassParamsSpec, type Override } from './class-override.ts'

/** A warning where the inputs set the annotation to something else, otherwise a note. */
export function annotationOverrides(
  spec: ClassParamsSpec,
  { annotations, listenPort }: EndpointSettings['ingress'],
): Override[] {
  const listener = spec.listeners?.find(({ port }) => port === listenPort)
  const capacity = spec.minimumLoadBalancerCapacity?.capacityUnits
  const fields = [
    { field: 'ipAddressType', value: spec.ipAddressType, annotation: 'ip-address-type' },
    { field: 'wafv2AclArn', value: spec.wafv2AclArn, annotation: 'wafv2-acl-arn' },
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
      value: listener?.listenerAttributes?.map(({ key, value }) => `${key}=${value}`).join(','),
      annotation: `listener-attributes.HTTPS-${listenPort}`,
    },
  ]
  return fields.flatMap(({ field, value, annotation }) => {
    const inputValue = normalize(annotations[annotationPrefix + annotation] ?? '')
    const severity = inputValue === '' ? 'note' : 'warning'
    return compareField({ severity, field, value, input: annotation, inputValue })
  })
}

/** Without the spaces that the controller ignores in a map. */
const normalize = (value: string): string =>
  value.includes('=')
    ? (parseAttributes(value) ?? []).map(([key, part]) => `${key}=${part}`).join(',')
    : value.trim()
