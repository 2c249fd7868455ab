/** load-balancer: the controller took up this Ingress, and the ALB is active. A hostname alone proves nothing. */
import { ActionError, type FailureCode } from '../core/errors.ts'
import { sayProgress, type Change, type Context } from '../core/step.ts'
import { growing, waitFor, type Seen } from '../core/waiting.ts'
import type { LoadBalancerState } from '../aws/load-balancers.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import { eventsPath, ingressPath, ingressesPath } from '../kubernetes/paths.ts'
import type { Event, Ingress } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import { newest, readable, verdict, version } from './controller-verdict.ts'
import { nudgeAnnotation } from './ingress-object.ts'
import { applyIngress, desired, wordsUntilNow, type Applied } from './ingress.ts'
import type { Target } from './preflight.ts'

/** What the step talks to. */
export interface Rooms {
  readonly kubernetes: KubernetesClient
  /** ELBv2's word on the load balancer with a DNS name; undefined when there is none. */
  readonly findLoadBalancer: (dnsName: string) => Promise<LoadBalancerState | undefined>
}

/** What was applied before this step. */
export interface Input extends Applied {
  readonly certificate: { readonly arn: string; readonly fresh: boolean }
}

/** The ALB's name, as the Ingress' status has it: proof of nothing. */
export const hostname = (ingress: Ingress | undefined): string | undefined => ingress?.status?.loadBalancer?.ingress?.[0]?.hostname

/**
 * A nudge, when nothing else makes the controller look again though it has to: it last said no (its next try may be 17 minutes
 * away), or there is no address. Pure.
 * @param applied what the ingress step did
 */
export function plan(target: Target, settings: Settings, applied: Applied, now: Date): Change[] {
  if (applied.wordsSince !== undefined) return []
  const last = newest(target.events)
  const refused = last !== undefined && verdict(last, false).kind !== 'reconciled'
  if (!refused && hostname(applied.ingress) !== undefined) return []
  const before = target.ingress?.metadata.annotations?.[nudgeAnnotation]
  const why = refused ? 'the controller last said no, and may not look again for minutes' : 'the Ingress has no address'
  return [{ step: 'load-balancer', object: `Ingress ${settings.namespace}/${target.ingressName}`, path: `metadata.annotations.${nudgeAnnotation}`, ...(before !== undefined && { before }), after: now.toISOString(), why }]
}

/** @returns the ALB's DNS name. @throws ActionError `controller-refused`, `load-balancer-failed`, `load-balancer-timeout` */
export async function apply(context: Context, settings: Settings, rooms: Rooms, target: Target, input: Input, changes: readonly Change[]): Promise<string> {
  const deadline = context.clock.now() + settings.timeouts.loadBalancer * 1000
  const applied = changes.length > 0 ? await nudge(context, settings, rooms.kubernetes, target, input, changes) : input
  const known = hostname(applied.ingress)
  const address = applied.wordsSince === undefined && known !== undefined ? known : await waitForController(context, settings, rooms.kubernetes, target, { ...applied, certificate: input.certificate }, deadline)
  context.output('alb-address', address)
  context.output('endpoint', `https://${settings.host}:${settings.ingress.listenPort}`)
  await waitForActive(context, settings, rooms, address, deadline)
  return address
}

async function nudge(context: Context, settings: Settings, kubernetes: KubernetesClient, target: Target, { certificate }: Input, changes: readonly Change[]): Promise<Applied> {
  changes.forEach((change) => context.changed(change))
  const object = desired(settings, target, certificate.arn)
  const nudged = { ...object.metadata.annotations, [nudgeAnnotation]: changes[0]?.after ?? '' }
  const wordsSince = await wordsUntilNow(kubernetes, settings.namespace)
  return { ingress: await applyIngress(settings, kubernetes, target, { ...object, metadata: { ...object.metadata, annotations: nudged } }), wordsSince }
}

/**
 * The controller retries, so a refusal in the words of the last one before our apply may still be about what was there before:
 * it counts only when no success follows within this time after it was first seen. Milliseconds.
 */
const sameRefusalGrace = 700

async function waitForController(context: Context, settings: Settings, kubernetes: KubernetesClient, target: Target, applied: Input, deadline: number): Promise<string> {
  const { namespace } = settings
  const since = applied.wordsSince ?? 0n
  const appliedAt = context.clock.now()
  const lastWords = readable(newest(target.events)?.message ?? '')
  const selectors = { fieldSelector: `involvedObject.kind=Ingress,involvedObject.name=${target.ingressName}` }

  let repeatedSince: number | undefined

  const look = async (): Promise<Seen<string>> => {
    const [events, ingress] = await Promise.all([
      kubernetes.list<Event>(eventsPath(namespace), selectors, `list Events in namespace ${namespace}`),
      kubernetes.get<Ingress>(ingressPath(namespace, target.ingressName), `read Ingress ${target.ingressName}`),
    ])
    const event = newest(events.filter((candidate) => candidate.involvedObject.uid === applied.ingress.metadata.uid && version(candidate) > since))
    if (!event) return { pending: 'the controller has not said anything about this Ingress yet' }
    const word = verdict(event, applied.certificate.fresh && context.clock.now() - appliedAt < 60_000)
    if (word.kind === 'refused') {
      repeatedSince ??= context.clock.now()
      if (word.message !== lastWords || context.clock.now() - repeatedSince >= sameRefusalGrace) throw refusal(target.ingressName, word)
    }
    if (word.kind !== 'reconciled') return { pending: `the controller says: ${word.message}` }
    const address = hostname(ingress)
    return address === undefined ? { pending: 'the controller has reconciled the Ingress, which has no address yet' } : { done: address }
  }

  const over = new AbortController()
  const changes = new Changes()
  const signal = AbortSignal.any([context.signal, over.signal])
  void kubernetes.watch(eventsPath(namespace), selectors, () => changes.notify(), signal)
  void kubernetes.watch(ingressesPath(namespace), { fieldSelector: `metadata.name=${target.ingressName}` }, () => changes.notify(), signal)
  try {
    return await waitFor({
      look: () => patiently(look),
      interval: growing,
      timeout: deadline - appliedAt,
      signal: context.signal,
      clock: context.clock,
      wakeUp: (asleep) => changes.next(asleep),
      onProgress: sayProgress(context.log, 'load-balancer'),
      timedOut: (seen) => timeout(settings, `${seen}.`, /not said anything/.test(seen)
        ? 'Check that the controller runs and serves this IngressClass: "kubectl -n kube-system logs deployment/aws-load-balancer-controller" (EKS Auto Mode has no such deployment: check that it is on for the cluster).'
        : 'Mend what the controller names, or give load-balancer-timeout more time; then run the job again.'),
    })
  } finally {
    over.abort()
  }
}

/** Failures of an API that a wait of minutes has to survive. */
const passing = new Set<FailureCode>(['cluster-unreachable', 'cluster-request-failed', 'aws-request-failed'])

async function patiently<T>(look: () => Promise<Seen<T>>): Promise<Seen<T>> {
  try {
    return await look()
  } catch (thrown) {
    if (thrown instanceof ActionError && passing.has(thrown.code)) return { pending: thrown.message }
    throw thrown
  }
}

/** A latch: changes that came while nobody waited are not lost. */
class Changes {
  private pending = false
  private waiter: (() => void) | undefined

  notify(): void {
    this.pending = true
    this.waiter?.()
  }

  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.waiter = () => {
        this.pending = false
        this.waiter = undefined
        resolve()
      }
      const forget = () => {
        this.waiter = undefined
        resolve()
      }
      signal.addEventListener('abort', forget, { once: true })
      if (this.pending) this.waiter()
    })
  }
}

function refusal(name: string, { message, remedy }: { message: string; remedy: string }): ActionError {
  return new ActionError({ code: 'controller-refused', problem: `The AWS Load Balancer Controller refused Ingress ${name}: ${message}`, remedy })
}

function timeout(settings: Settings, last: string, remedy: string): ActionError {
  return new ActionError({ code: 'load-balancer-timeout', problem: `The load balancer was not ready within ${settings.timeouts.loadBalancer} s: ${last}`, remedy })
}

async function waitForActive(context: Context, settings: Settings, { findLoadBalancer }: Rooms, address: string, deadline: number): Promise<void> {
  const look = async (): Promise<Seen<undefined>> => {
    const found = await findLoadBalancer(address).catch((thrown: unknown) => {
      if (!(thrown instanceof ActionError) || thrown.code !== 'aws-access-denied') throw thrown
      context.log.note('These credentials may not describe load balancers, so that only the probe says whether the ALB is active.')
      return 'unknown' as const
    })
    if (found === 'unknown' || found?.state === 'active' || found?.state === 'active_impaired') return { done: undefined }
    if (found?.state === 'failed') {
      throw new ActionError({ code: 'load-balancer-failed', problem: `ELB could not make load balancer ${found.name}: ${found.reason || 'its state is failed'}.`, remedy: 'Delete the Ingress, mend what ELB names, and run the job again.' })
    }
    return { pending: found ? `load balancer ${found.name} is ${found.state}` : `ELB knows no load balancer ${address}` }
  }
  await waitFor({
    look: () => patiently(look),
    interval: growing,
    timeout: deadline - context.clock.now(),
    signal: context.signal,
    clock: context.clock,
    onProgress: sayProgress(context.log, 'load-balancer'),
    timedOut: (seen) => timeout(settings, `${seen}.`, 'Provisioning takes minutes: give load-balancer-timeout more time. If ELB knows none, check that region is that of the cluster.'),
  })
}
