/** IPv6: of the Service, of the CIDR blocks, and whether the ALB has it. */
import { serviceIpv6Unsupported } from '../../failures/service.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import type { Context } from '../step.ts'
import { findGroupName, type ClassParams } from './ingress-class.ts'

const annotation = `${annotationPrefix}ip-address-type`

/**
 * The controller rejects every Service with IPv6 behind an ALB without, also one with both.
 * Source: model_build_target_group.go, buildTargetGroupIPAddressType.
 * @throws ActionError `service-unsupported`
 */
export function checkIpFamilies(
  context: Context,
  { ingress }: EndpointSettings,
  service: Service,
  classParams: ClassParams,
): void {
  const { ipFamilies = [] } = service.spec
  const support = findIpv6Support(ingress, classParams)
  if (!ipFamilies.includes('IPv6') || support === 'yes') return
  const failure = serviceIpv6Unsupported(service.metadata.name, ipFamilies, annotation)
  if (support === 'no') throw failure
  context.log.warn(`${failure.message} ${failure.remedy}`)
}

/** Warns of IPv6 blocks in inbound-cidrs that no client can use. */
export function warnIpv6Cidrs(
  context: Context,
  { ingress }: EndpointSettings,
  classParams: ClassParams,
): void {
  const ipv6Cidrs = ingress.inboundCidrs.filter((cidr) => cidr.includes(':'))
  if (ipv6Cidrs.length === 0 || findIpv6Support(ingress, classParams) !== 'no') return
  context.log.warn(
    `Input inbound-cidrs contains IPv6 blocks (${ipv6Cidrs.join(', ')}), which admit no ` +
      `client: an ALB has IPv6 addresses only with annotation ${annotation}: dualstack.`,
  )
}

/**
 * Whether the ALB has IPv6 addresses. Unknown when the class cannot be read, and in a group, where
 * another member may set the type of their ALB. Pure.
 */
export function findIpv6Support(
  ingress: EndpointSettings['ingress'],
  classParams: ClassParams,
): 'yes' | 'no' | 'unknown' {
  const addressType = getAddressType(ingress, classParams)
  if (!classParams.readable) return 'unknown'
  if (addressType?.startsWith('dualstack')) return 'yes'
  const isInGroup = findGroupName(ingress, classParams) !== undefined
  return addressType === undefined && isInGroup ? 'unknown' : 'no'
}

/** The class wins; undefined for the default, which is IPv4. */
function getAddressType(
  { annotations }: EndpointSettings['ingress'],
  classParams: ClassParams,
): string | undefined {
  const classType = classParams.readable ? classParams.spec.ipAddressType : undefined
  return classType ?? annotations[annotation]
}
