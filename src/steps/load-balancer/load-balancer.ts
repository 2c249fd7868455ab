/**
 * load-balancer: waits until the controller has reconciled the Ingress and the ALB is active, and
 * fixes drift in AWS. The hostname in the Ingress' status alone means nothing.
 */
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { latestStatusEvent, classifyEvent } from '../../controller/events.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import type { Deferred } from '../deferred.ts'
import { buildDesiredIngress, diffDesiredIngress, toManifest } from '../ingress/desired.ts'
import { applyManifest, getEventCursor, type AppliedIngress } from '../ingress/ingress.ts'
import {
  getAddresses,
  getIngressHostname,
  type Addresses,
  reconcileRequestAnnotation,
  withAnnotations,
} from '../ingress/manifest.ts'
import { planRestService } from '../ingress/rest-service-operations.ts'
import type { Target } from '../preflight/preflight.ts'
import type { ClusterRun, EndpointRun } from '../run.ts'
import type { Context } from '../step.ts'
import { detectDrift, type Drift } from './drift.ts'
import { toChanges, type LoadBalancerOperation } from './operations.ts'
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
  type AwaitedIngress,
  type LoadBalancerRun,
} from './wait.ts'

export { resolveCertificate, toChanges, toDifferences } from './operations.ts'

/** What ELB reports, and when it was read. */
export interface ObservedLoadBalancer {
  /** Undefined when the Ingress has no load balancer, or ELB cannot be read. */
  readonly snapshot: LoadBalancerSnapshot | undefined
  readonly observedAt: Date
}

/** @param ingress which names the load balancer */
export async function observe(
  run: EndpointRun,
  ingress: Promise<Ingress | undefined>,
): Promise<ObservedLoadBalancer> {
  const snapshot = await observeSnapshot(run, await ingress)
  return { snapshot, observedAt: new Date(run.context.clock.now()) }
}

async function observeSnapshot(
  { context, settings, clients }: EndpointRun,
  ingress: Ingress | undefined,
): Promise<LoadBalancerSnapshot | undefined> {
  const address = getIngressHostname(ingress)
  if (address === undefined) return undefined
  const read = await readLoadBalancer(settings, clients.loadBalancers, address)
  if (!read.available) {
    const reason = read.failure.message.replace(/\.$/, '')
    context.recordUnreadable(`the load balancer in AWS: ${reason}`)
    return undefined
  }
  const unreadable = describeUnreadable(read.value, settings.ingress.listenPort)
  if (unreadable !== undefined) context.recordUnreadable(unreadable)
  recordAwsNames(context, settings, read.value)
  return read.value
}

/**
 * Records the names in AWS for the summary.
 * @returns ARN of the target group; undefined when it is not known
 */
function recordAwsNames(
  context: Context,
  settings: EndpointSettings,
  snapshot: LoadBalancerSnapshot | undefined,
): string | undefined {
  const arn = findTargetGroupArn(snapshot, settings)
  const restArn = settings.ingress.rest ? findTargetGroupArn(snapshot, settings, 'rest') : undefined
  const findName = (wanted: string | undefined): string | undefined =>
    snapshot?.configuration.targetGroups?.find((each) => each.arn === wanted)?.name
  const [targetGroup, restTargetGroup] = [findName(arn), findName(restArn)]
  context.recordTopology({
    ...(snapshot?.loadBalancer && { loadBalancerName: snapshot.loadBalancer.name }),
    ...(targetGroup !== undefined && { targetGroup }),
    ...(restTargetGroup !== undefined && { restTargetGroup }),
  })
  return arn
}

/** What the plan of this step depends on. */
export interface LoadBalancerPlanInput {
  readonly target: Target
  readonly certificateArn: Deferred<string>
  readonly observed: ObservedLoadBalancer
}

/**
 * A reconcile request when the controller has to reconcile: for drift in AWS, after a failed
 * reconciliation (the next attempt may be 17 minutes away), when there is no address, or when only
 * the Service of the RESTful API changes: no event tells which version of it a reconcile has read.
 * It is not needed when the apply of the Ingress makes the controller reconcile. Pure.
 */
export function plan(
  { settings }: Pick<EndpointRun, 'settings'>,
  { target, certificateArn, observed }: LoadBalancerPlanInput,
): LoadBalancerOperation[] {
  const { ingress } = target
  if (!ingress) return []
  const isFailed = hasLastReconcileFailed(target)
  // After a failed reconciliation, AWS differs from the Ingress although nobody changed it.
  const drift = isFailed ? [] : findDrift(settings, target, observed.snapshot)
  const desired = buildDesiredIngress(settings, target, certificateArn)
  const isServiceChanged = planRestService({ settings }, target).length > 0
  const serviceReason = {
    applies: isServiceChanged && diffDesiredIngress(desired, ingress).length === 0,
    why: 'shows when the controller has reconciled the Service of the RESTful API',
  }
  const reasons = [
    {
      applies: isFailed,
      why: 'the last reconciliation failed, and the next attempt may be minutes away',
    },
    {
      applies: getIngressHostname(ingress) === undefined,
      why: 'the Ingress has no address',
    },
    {
      applies: drift.length > 0,
      why: 'makes the controller reconcile, which otherwise requires a change of the Ingress',
    },
    serviceReason,
  ]
  const reason = reasons.find(({ applies }) => applies)
  if (reason === undefined) return []
  return [
    {
      action: 'request-reconcile',
      desired,
      requestedAt: observed.observedAt.toISOString(),
      previouslyRequestedAt: ingress.metadata.annotations?.[reconcileRequestAnnotation],
      drift,
      followsService: reason === serviceReason,
      why: reason.why,
    },
  ]
}

function hasLastReconcileFailed({ events }: Target): boolean {
  const latestEvent = latestStatusEvent(events)
  return latestEvent !== undefined && classifyEvent(latestEvent, {}).kind !== 'reconciled'
}

const findDrift = (
  settings: EndpointSettings,
  { ingress, classParams }: Target,
  snapshot: LoadBalancerSnapshot | undefined,
): Drift[] => (ingress && snapshot ? detectDrift(snapshot, ingress, settings, classParams) : [])

/**
 * @returns undefined without operations
 * @throws ActionError as the apply of the Ingress
 */
export async function apply(
  run: ClusterRun,
  operations: readonly LoadBalancerOperation[],
): Promise<AppliedIngress | undefined> {
  let applied: AppliedIngress | undefined
  for (const operation of operations) {
    for (const change of toChanges([operation])) run.context.recordChange(change)
    const manifest = withAnnotations(toManifest(operation.desired), {
      [reconcileRequestAnnotation]: operation.requestedAt,
    })
    const eventCursor = await getEventCursor(run)
    applied = { ingress: await applyManifest(run, manifest), eventCursor }
  }
  return applied
}

/** An ALB that is active. */
export interface ActiveLoadBalancer {
  readonly addresses: Addresses
  /** Undefined when it is not known. */
  readonly targetGroupArn: string | undefined
}

/**
 * Waits until the controller has reconciled what was applied, and the ALB is active.
 * @throws ActionError `controller-refused`, `load-balancer-failed`, `load-balancer-timeout`
 */
export async function waitUntilActive(
  run: LoadBalancerRun,
  input: AwaitedIngress,
): Promise<ActiveLoadBalancer> {
  const { context, settings } = run
  const deadline = context.clock.now() + settings.timeouts.loadBalancer * 1000
  const currentAddresses = getAddresses(input.ingress)
  const isReconciled = input.eventCursor === undefined && currentAddresses !== undefined
  const addresses = isReconciled
    ? currentAddresses
    : await waitForController(run, { ...input, deadline })
  setEndpointOutputs(context, settings, addresses)
  const loadBalancer = input.snapshot?.loadBalancer
  if (!isReconciled || !loadBalancer || !isActive(loadBalancer))
    await waitForActive(run, { address: addresses.alb, deadline })
  const targetGroupArn = isReconciled
    ? findTargetGroupArn(input.snapshot, settings)
    : await recordCreatedNames(run, addresses.alb)
  return { addresses, targetGroupArn }
}

/**
 * Records names that the summary shows: a failure to read them is ignored.
 * @returns ARN of the target group; undefined when it is not known
 */
async function recordCreatedNames(
  { context, settings, clients }: LoadBalancerRun,
  address: string,
): Promise<string | undefined> {
  const snapshot = await describeLoadBalancer(settings, clients.loadBalancers, address).catch(
    () => undefined,
  )
  return recordAwsNames(context, settings, snapshot)
}

/** Sets the addresses of the load balancer, and the URLs that clients connect to. */
export function setEndpointOutputs(
  context: Context,
  { host, ingress: { listenPort, rest } }: EndpointSettings,
  { alb, nlb }: Addresses,
): void {
  context.setOutput('alb-address', alb)
  if (nlb !== undefined) context.setOutput('nlb-address', nlb)
  const endpoint = `https://${host}:${listenPort}`
  context.setOutput('endpoint', endpoint)
  if (rest) context.setOutput('rest-endpoint', `${endpoint}/v2/vectordb`)
}

/**
 * Warns of drift that remains after a reconciliation: the controller cannot fix it. A failure to
 * read it is ignored.
 */
export async function warnRemainingDrift(
  { context, settings, clients }: LoadBalancerRun,
  { ingress, target }: AwaitedIngress,
  address: string,
): Promise<void> {
  const snapshot = await describeLoadBalancer(settings, clients.loadBalancers, address).catch(
    () => undefined,
  )
  const drift = findDrift(settings, { ...target, ingress }, snapshot)
  for (const { object, path, before = 'absent', after } of drift)
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
