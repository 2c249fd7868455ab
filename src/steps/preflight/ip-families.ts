/** IPv6: of the Service, of the CIDR blocks, and whether the ALB has it. */
import { serviceIpv6Unsupported } from '../../failures/service.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import type { Context } from '../step.ts'
import { effectiveAnnotations } from '../ingress/manifest.ts'
import { findGroupName } from './ingress-class.ts'
import type { Target } from './target.ts'

/** What decides about the ALB beside the inputs. */
export type AlbTarget = Pick<Target, 'classParams' | 'ingress'>

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
  target: AlbTarget,
): void {
  const { ipFamilies = [] } = service.spec
  const support = findIpv6Support(ingress, target)
  if (!ipFamilies.includes('IPv6') || support === 'yes') return
  const failure = serviceIpv6Unsupported(service.metadata.name, ipFamilies, annotation)
  if (support === 'no') throw failure
  context.log.warn(`${failure.message} ${failure.remedy}`)
}

/** Warns of IPv6 blocks in inbound-cidrs that no client can use. */
export function warnIpv6Cidrs(
  context: Context,
  { ingress }: EndpointSettings,
  target: AlbTarget,
): void {
  const ipv6Cidrs = ingress.inboundCidrs.filter((cidr) => cidr.includes(':'))
  if (ipv6Cidrs.length === 0 || findIpv6Support(ingress, target) !== 'no') return
  context.log.warn(
    `Input inbound-cidrs contains IPv6 blocks (${ipv6Cidrs.join(', ')}), which admit no ` +
      `client: an ALB has IPv6 addresses only with annotation ${annotation}: dualstack.`,
  )
}

/**
 * Whether the ALB has IPv6 addresses. Unknown when neither the class can be read nor an annotation
 * says so, and in a group, where another member may set the type of their ALB. Pure.
 */
export function findIpv6Support(
  ingress: EndpointSettings['ingress'],
  target: AlbTarget,
): 'yes' | 'no' | 'unknown' {
  const { classParams } = target
  const addressType = getAddressType(ingress, target)
  if (addressType?.startsWith('dualstack')) return 'yes'
  if (!classParams.readable) return 'unknown'
  const isInGroup = findGroupName(ingress, classParams, target.ingress) !== undefined
  return addressType === undefined && isInGroup ? 'unknown' : 'no'
}

/** The class wins; undefined for the default, which is IPv4. */
function getAddressType(
  ingress: EndpointSettings['ingress'],
  { classParams, ingress: live }: AlbTarget,
): string | undefined {
  const classType = classParams.readable ? classParams.spec.ipAddressType : undefined
  return classType ?? effectiveAnnotations({ ingress }, live)[annotation]
}
