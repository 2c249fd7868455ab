/**
 * load-balancer: the controller took up this Ingress, AWS is as it says, and the ALB is active. A
 * hostname alone proves nothing.
 */
import type { LoadBalancerClient } from '../../clients/aws/load-balancers.ts'
import type { Change, Context } from '../step.ts'
import type { Settings } from '../../inputs/types.ts'
import { latestStatusEvent, classifyEvent } from '../../controller/events.ts'
import { getIngressHostname, reconcileRequestAnnotation } from '../ingress/manifest.ts'
import {
  applyIngress,
  buildDesiredManifest,
  getEventCursor,
  type AppliedIngress,
} from '../ingress/ingress.ts'
import { detectDrift, describeUnreadable, type LoadBalancerSnapshot } from './drift.ts'
import { findTargetGroupArn } from './target-health.ts'
import {
  isActive,
  describeLoadBalancer,
  waitForActive,
  waitForController,
  type LoadBalancerStepInput,
  type LoadBalancerStepClients,
} from './wait.ts'
import type { Target } from '../preflight/preflight.ts'

/**
 * @returns what ELBv2 says of the load balancer of the Ingress; undefined when it has none, or
 *   nobody may ask
 */
export async function observe(
  context: Context,
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  { ingress }: Target,
): Promise<LoadBalancerSnapshot | undefined> {
  const address = getIngressHostname(ingress)
  if (address === undefined) return undefined
  let reason = ''
  const observed = await describeLoadBalancer(settings, loadBalancers, address, ({ message }) => {
    reason = message
  })
  const unreadable = observed
    ? describeUnreadable(observed, settings.ingress.listenPort)
    : `the load balancer in AWS: ${reason.replace(/\.$/, '')}`
  if (unreadable !== undefined) context.recordUnreadable(unreadable)
  recordAwsNames(context, settings, observed)
  return observed
}

/** The names in AWS, for the summary. */
function recordAwsNames(
  context: Context,
  settings: Settings,
  observed: LoadBalancerSnapshot | undefined,
): void {
  const arn = findTargetGroupArn(observed, settings)
  const targetGroup = observed?.configuration.targetGroups?.find((each) => each.arn === arn)
  context.recordTopology({
    ...(observed?.loadBalancer && { loadBalancerName: observed.loadBalancer.name }),
    ...(targetGroup && { targetGroup: targetGroup.name }),
  })
}

/** Where the nudge is. */
export const reconcileRequestPath = `metadata.annotations.${reconcileRequestAnnotation}`

/**
 * What somebody changed in AWS, and a nudge, when nothing else makes the controller look again
 * though it has to: for that, when it last said no (its next try may be 17 minutes away), or when
 * there is no address. Pure.
 * @param applied what the ingress step did
 */
export function plan(
  target: Target,
  settings: Settings,
  applied: AppliedIngress,
  observed: LoadBalancerSnapshot | undefined,
  now: Date,
): Change[] {
  if (applied.eventCursor !== undefined) return []
  const latestEvent = latestStatusEvent(target.events)
  const lastReconcileFailed =
    latestEvent !== undefined && classifyEvent(latestEvent, false).kind !== 'reconciled'
  // After a refusal AWS is not as the Ingress says, and nobody's hand did it.
  const driftChanges =
    lastReconcileFailed || !observed
      ? []
      : detectDrift(observed, applied.ingress, settings, target.classParams)
  const reasons: readonly [boolean, string][] = [
    [lastReconcileFailed, 'the controller last said no, and may not look again for minutes'],
    [getIngressHostname(applied.ingress) === undefined, 'the Ingress has no address'],
    [
      driftChanges.length > 0,
      'makes the controller look at AWS, which it else does only when the Ingress changes',
    ],
  ]
  const why = reasons.find(([isApplicable]) => isApplicable)?.[1]
  if (why === undefined) return []
  const before = target.ingress?.metadata.annotations?.[reconcileRequestAnnotation]
  return [
    ...driftChanges,
    {
      step: 'load-balancer',
      object: `Ingress ${settings.namespace}/${target.ingressName}`,
      path: reconcileRequestPath,
      ...(before !== undefined && { before }),
      after: now.toISOString(),
      why,
    },
  ]
}

/**
 * @returns the ALB's DNS name.
 * @throws ActionError `controller-refused`, `load-balancer-failed`, `load-balancer-timeout`
 */
export async function apply(
  context: Context,
  settings: Settings,
  clients: LoadBalancerStepClients,
  target: Target,
  input: LoadBalancerStepInput,
  changes: readonly Change[],
): Promise<string> {
  const deadline = context.clock.now() + settings.timeouts.loadBalancer * 1000
  const applied =
    changes.length > 0
      ? await requestReconcile(context, settings, clients, target, input, changes)
      : input
  const currentAddress = getIngressHostname(applied.ingress)
  const isSettled = applied.eventCursor === undefined && currentAddress !== undefined
  const address = isSettled
    ? currentAddress
    : await waitForController(
        context,
        settings,
        clients,
        target,
        { ...input, ...applied },
        deadline,
      )
  context.setOutput('alb-address', address)
  context.setOutput('endpoint', `https://${settings.host}:${settings.ingress.listenPort}`)
  const { loadBalancer: balancer } = input.observed ?? {}
  if (!isSettled || !balancer || !isActive(balancer))
    await waitForActive(context, settings, clients, address, deadline)
  // What only the summary shows fails nothing.
  if (!isSettled)
    recordAwsNames(
      context,
      settings,
      await describeLoadBalancer(settings, clients.loadBalancers, address).catch(() => undefined),
    )
  if (changes.length > 1)
    await warnRemainingDrift(context, settings, clients, target, applied, address)
  return address
}

async function requestReconcile(
  context: Context,
  settings: Settings,
  { kubernetes }: LoadBalancerStepClients,
  target: Target,
  { certificate }: LoadBalancerStepInput,
  changes: readonly Change[],
): Promise<AppliedIngress> {
  changes.forEach((change) => context.recordChange(change))
  const manifest = buildDesiredManifest(settings, target, certificate.arn)
  const annotations = {
    ...manifest.metadata.annotations,
    [reconcileRequestAnnotation]:
      changes.find(({ path }) => path === reconcileRequestPath)?.after ?? '',
  }
  const eventCursor = await getEventCursor(kubernetes, settings.namespace)
  return {
    ingress: await applyIngress(settings, kubernetes, target, {
      ...manifest,
      metadata: { ...manifest.metadata, annotations },
    }),
    eventCursor,
  }
}

/** What still differs after the controller has looked is not for it to mend. */
async function warnRemainingDrift(
  context: Context,
  settings: Settings,
  { loadBalancers }: LoadBalancerStepClients,
  target: Target,
  { ingress }: AppliedIngress,
  address: string,
): Promise<void> {
  const snapshot = await describeLoadBalancer(settings, loadBalancers, address)
  for (const { object, path, before, after } of snapshot
    ? detectDrift(snapshot, ingress, settings, target.classParams)
    : []) {
    context.log.warn(
      `The controller has looked, and ${object} still differs: ${path} is ${before ?? 'not there'}, and the Ingress says ${after ?? ''}. See its log, and who else changes it in AWS.`,
    )
  }
  if (address !== getIngressHostname(target.ingress))
    context.log.warn(
      `The ALB was made anew and has another name: point the DNS record of ${settings.host} at ${address}.`,
    )
}
