/** Warnings about what a change of the Ingress does to its existing ALB. */
import {
  isDnsNameOf,
  nameFromDnsName,
  schemeFromDnsName,
} from '../../clients/aws/load-balancers.ts'
import type { Context } from '../step.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { getLiveGroup } from '../ingress/group.ts'
import { getIngressHostname } from '../ingress/manifest.ts'
import {
  effectiveParams,
  findGroupName,
  getLegacyClass,
  legacyClassAnnotation,
  type ClassParams,
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
  const classParams = effectiveParams(ownClass, live)
  const replacementReasons = findReplacementReasons(settings, { live, address, classParams })
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

/** The live Ingress, and what decides about its ALB. */
interface LiveAlb {
  readonly live: Ingress
  readonly address: string
  readonly classParams: ClassParams
}

/** Source: ELB cannot change the scheme of a load balancer, nor the controller its group. */
function findReplacementReasons(
  { ingress: desired }: EndpointSettings,
  { live, address, classParams }: LiveAlb,
): string[] {
  const fields = [
    {
      input: 'scheme',
      // The annotation may be absent, or overridden by the class.
      before: schemeFromDnsName(address),
      after: desired.scheme,
    },
    {
      input: 'group-name',
      before: getLiveGroup(live) ?? '',
      after: findGroupName(desired, classParams) ?? '',
    },
  ]
  return fields
    .filter(({ before, after }) => before !== after)
    .map(
      ({ input, before, after }) =>
        `${input} changes from ${before || 'none'} to ${after || 'none'}`,
    )
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
