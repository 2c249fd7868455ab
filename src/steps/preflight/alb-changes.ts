/** Warnings about what a change of the Ingress does to its existing ALB. */
import { isDnsNameOf, nameFromDnsName } from '../../clients/aws/load-balancers.ts'
import type { Context } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { getIngressHostname } from '../ingress/manifest.ts'

/** Warns of changes that replace the ALB, and of inputs that do not affect an existing one. */
export function warnAlbChanges(
  context: Context,
  settings: EndpointSettings,
  live: Ingress | undefined,
): void {
  const address = getIngressHostname(live)
  if (!live || address === undefined) return
  const replacementReasons = findReplacementReasons(settings, live, address)
  const { loadBalancerName } = settings.ingress
  if (replacementReasons.length > 0) {
    context.log.warn(
      `${replacementReasons.join(', and ')}: another ALB with a new name replaces ${address}. ` +
        `Point the DNS record of ${settings.host} at the new name (output alb-address) as soon ` +
        'as this run ends; until then, clients do not reach Milvus.',
    )
  } else if (loadBalancerName !== undefined && !isDnsNameOf(loadBalancerName, address)) {
    context.log.warn(
      `load-balancer-name ${loadBalancerName} does not rename the existing ALB ` +
        `(${nameFromDnsName(address)}): it is only effective at creation. To get that name, ` +
        `delete Ingress ${live.metadata.name} and run the job again; the DNS record has to follow.`,
    )
  }
  warnLegacyClass(context, settings, live)
}

/** Source: ELB cannot change the scheme of a load balancer, nor the controller its group. */
function findReplacementReasons(
  { ingress: desired }: EndpointSettings,
  { metadata: { annotations = {} } }: Ingress,
  address: string,
): string[] {
  // Without the annotation, the scheme is the controller's own default; the DNS name shows it.
  const schemeOfAddress = address.startsWith('internal-') ? 'internal' : 'internet-facing'
  const fields = [
    {
      input: 'scheme',
      before: annotations[`${prefix}scheme`] ?? schemeOfAddress,
      after: desired.scheme,
    },
    {
      input: 'group-name',
      before: annotations[`${prefix}group.name`] ?? '',
      after: desired.groupName ?? '',
    },
  ]
  return fields
    .filter(({ before, after }) => before !== after)
    .map(
      ({ input, before, after }) =>
        `${input} changes from ${before || 'none'} to ${after || 'none'}`,
    )
}

function warnLegacyClass(
  context: Context,
  { namespace }: EndpointSettings,
  { metadata }: Ingress,
): void {
  const legacyClass = metadata.annotations?.['kubernetes.io/ingress.class']
  if (legacyClass === undefined) return
  context.log.warn(
    `Ingress ${metadata.name} sets annotation kubernetes.io/ingress.class: ${legacyClass}, which ` +
      'overrides ingress-class, so the parameters of the class are ignored. Remove it: ' +
      `"kubectl -n ${namespace} annotate ingress ${metadata.name} kubernetes.io/ingress.class-".`,
  )
}
