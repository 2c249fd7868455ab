/** Warnings about what a change of the Ingress does to its existing ALB. */
import { isDnsNameOf, nameFromDnsName } from '../../clients/aws/load-balancers.ts'
import type { Context } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { getIngressHostname } from '../ingress/manifest.ts'
import { findReplacementReasons, getDesiredAlb } from '../ingress/replacement.ts'
import {
  effectiveParams,
  getLegacyClass,
  legacyClassAnnotation,
  type IngressClassInfo,
} from './ingress-class.ts'

/** Warns of changes that replace the ALB, and of inputs that do not affect an existing one. */
export function warnAlbChanges(
  context: Context,
  settings: EndpointSettings,
  live: Ingress | undefined,
  ownClass: IngressClassInfo,
): void {
  if (!live) return
  warnLegacyClass(context, settings, {
    live,
    legacyClass: getLegacyClass(live, ownClass.controller),
  })
  const address = getIngressHostname(live)
  if (address === undefined) return
  const desiredAlb = getDesiredAlb(settings.ingress, {
    classParams: effectiveParams(ownClass, live),
    classController: ownClass.controller,
    ingress: live,
  })
  const replacementReasons = findReplacementReasons(live, desiredAlb)
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
}

/** The class comes first: without one, the controller deletes the ALB. */
function warnLegacyClass(
  context: Context,
  { namespace, ingress: { className } }: EndpointSettings,
  { live, legacyClass }: { readonly live: Ingress; readonly legacyClass: string | undefined },
): void {
  if (legacyClass === undefined) return
  const { name } = live.metadata
  const patch = JSON.stringify({ spec: { ingressClassName: className } })
  const setClass = `"kubectl -n ${namespace} patch ingress ${name} --type=merge -p '${patch}'"`
  const removal = `"kubectl -n ${namespace} annotate ingress ${name} ${legacyClassAnnotation}-"`
  const commands = live.spec.ingressClassName === undefined ? [setClass, removal] : [removal]
  context.log.warn(
    `Ingress ${name} sets annotation ${legacyClassAnnotation}: ${legacyClass}, which overrides ` +
      'ingress-class, so the parameters of the class are ignored. To convert it: ' +
      `${commands.join(', then ')}.`,
  )
}
