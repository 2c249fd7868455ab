/**
 * load-balancer: waits until the controller has reconciled the Ingress and the ALB is active, and
 * fixes drift in AWS. The hostname in the Ingress' status alone proves nothing.
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
import { detectDrift } from './drift.ts'
import {
  describeLoadBalancer,
  describeUnreadable,
  isActive,
  readLoadBalancer,
  type LoadBalancerSnapshot,
} from './snapshot.ts'
import { findTargetGroupArn } from './target-health.ts'
import {
  waitForActive,
  waitForController,
  type LoadBalancerStepInput,
  type LoadBalancerStepClients,
} from './wait.ts'
import type { Target } from '../preflight/preflight.ts'

/** @returns undefined when the Ingress has no load balancer, or ELB cannot be read */
export async function observe(
  context: Context,
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  { ingress }: Target,
): Promise<LoadBalancerSnapshot | undefined> {
  const address = getIngressHostname(ingress)
  if (address === undefined) return undefined
  const read = await readLoadBalancer(settings, loadBalancers, address)
  if (!read.allowed) {
    const reason = read.failure.message.replace(/\.$/, '')
    context.recordUnreadable(`the load balancer in AWS: ${reason}`)
    return undefined
  }
  const unreadable = describeUnreadable(read.value, settings.ingress.listenPort)
  if (unreadable !== undefined) context.recordUnreadable(unreadable)
  recordAwsNames(context, settings, read.value)
  return read.value
}

/** Records the names in AWS for the summary. */
function recordAwsNames(
  context: Context,
  settings: Settings,
  snapshot: LoadBalancerSnapshot | undefined,
): void {
  const arn = findTargetGroupArn(snapshot, settings)
  const targetGroup = snapshot?.configuration.targetGroups?.find((each) => each.arn === arn)
  context.recordTopology({
    ...(snapshot?.loadBalancer && { loadBalancerName: snapshot.loadBalancer.name }),
    ...(targetGroup && { targetGroup: targetGroup.name }),
  })
}

const reconcileRequestPath = `metadata.annotations.${reconcileRequestAnnotation}`

/** Whether a change only makes the controller reconcile. */
export const isReconcileRequest = ({ path }: Change): boolean => path === reconcileRequestPath

/** Whether changes contain more than a reconcile request. */
export const hasDrift = (changes: readonly Change[]): boolean =>
  changes.some((change) => !isReconcileRequest(change))

/** What the plan of this step depends on, besides the target. */
export interface PlanInput {
  /** The result of the ingress step. */
  readonly applied: AppliedIngress
  readonly observed: LoadBalancerSnapshot | undefined
  readonly now: Date
}

/**
 * Drift in AWS, and a reconcile request when the controller has to reconcile and nothing else makes
 * it: for drift, after a failed reconciliation (the next attempt may be 17 minutes away), or when
 * there is no address. Pure.
 */
export function plan(
  target: Target,
  settings: Settings,
  { applied, observed, now }: PlanInput,
): Change[] {
  if (applied.eventCursor !== undefined) return []
  const latestEvent = latestStatusEvent(target.events)
  const lastReconcileFailed =
    latestEvent !== undefined && classifyEvent(latestEvent, false).kind !== 'reconciled'
  // After a failed reconciliation, AWS differs from the Ingress although nobody changed it.
  const driftChanges =
    lastReconcileFailed || !observed
      ? []
      : detectDrift(observed, applied.ingress, settings, target.classParams)
  const reasons = [
    {
      applies: lastReconcileFailed,
      why: 'the last reconciliation failed, and the next attempt may be minutes away',
    },
    {
      applies: getIngressHostname(applied.ingress) === undefined,
      why: 'the Ingress has no address',
    },
    {
      applies: driftChanges.length > 0,
      why: 'makes the controller reconcile, which otherwise requires a change of the Ingress',
    },
  ]
  const why = reasons.find(({ applies }) => applies)?.why
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
 * @returns the ALB's DNS name
 * @throws ActionError `controller-refused`, `load-balancer-failed`, `load-balancer-timeout`
 */
export async function apply(
  context: Context,
  settings: Settings,
  clients: LoadBalancerStepClients,
  { changes, ...input }: LoadBalancerStepInput & { readonly changes: readonly Change[] },
): Promise<string> {
  const deadline = context.clock.now() + settings.timeouts.loadBalancer * 1000
  const applied =
    changes.length > 0
      ? { ...input, ...(await requestReconcile(context, settings, clients, { changes, ...input })) }
      : input
  const currentAddress = getIngressHostname(applied.ingress)
  const isReconciled = applied.eventCursor === undefined && currentAddress !== undefined
  const address = isReconciled
    ? currentAddress
    : await waitForController(context, settings, clients, { ...applied, deadline })
  context.setOutput('alb-address', address)
  context.setOutput('endpoint', `https://${settings.host}:${settings.ingress.listenPort}`)
  const loadBalancer = input.observed?.loadBalancer
  if (!isReconciled || !loadBalancer || !isActive(loadBalancer))
    await waitForActive(context, settings, clients, { address, deadline })
  if (!isReconciled) await recordCreatedNames(context, settings, clients, address)
  if (hasDrift(changes)) await warnRemainingDrift(context, settings, clients, { applied, address })
  return address
}

/** Records names that only the summary shows: a failure to read them is ignored. */
async function recordCreatedNames(
  context: Context,
  settings: Settings,
  { loadBalancers }: LoadBalancerStepClients,
  address: string,
): Promise<void> {
  const snapshot = await describeLoadBalancer(settings, loadBalancers, address).catch(
    () => undefined,
  )
  recordAwsNames(context, settings, snapshot)
}

async function requestReconcile(
  context: Context,
  settings: Settings,
  { kubernetes }: LoadBalancerStepClients,
  { target, certificate, changes }: LoadBalancerStepInput & { readonly changes: readonly Change[] },
): Promise<AppliedIngress> {
  for (const change of changes) context.recordChange(change)
  const manifest = buildDesiredManifest(settings, target, certificate.arn)
  const annotations = {
    ...manifest.metadata.annotations,
    [reconcileRequestAnnotation]: changes.find(isReconcileRequest)?.after ?? '',
  }
  const eventCursor = await getEventCursor(kubernetes, settings.namespace)
  const ingress = await applyIngress(settings, kubernetes, target, {
    ...manifest,
    metadata: { ...manifest.metadata, annotations },
  })
  return { ingress, eventCursor }
}

/** Warns of drift that remains after a reconciliation: the controller cannot fix it. */
async function warnRemainingDrift(
  context: Context,
  settings: Settings,
  { loadBalancers }: LoadBalancerStepClients,
  { applied, address }: { readonly applied: LoadBalancerStepInput; readonly address: string },
): Promise<void> {
  const { ingress, target } = applied
  const snapshot = await describeLoadBalancer(settings, loadBalancers, address)
  const drift = snapshot ? detectDrift(snapshot, ingress, settings, target.classParams) : []
  for (const { object, path, before = 'absent', after = '' } of drift)
    context.log.warn(
      `The controller has reconciled the Ingress, but ${object} still differs: ${path} is ` +
        `${before}, and the Ingress requires ${after}. See the controller's log, and find out ` +
        'what else changes it in AWS.',
    )
  if (address !== getIngressHostname(target.ingress))
    context.log.warn(
      `The ALB was replaced and has another name: point the DNS record of ${settings.host} at ` +
        `${address}.`,
    )
}
