/** The waits of the load-balancer step: for the controller's word on this Ingress, then for the ALB to be active. */
import type { LoadBalancers, LoadBalancerState } from '../../aws/load-balancers.ts'
import { ActionError, type FailureCode } from '../../core/errors.ts'
import { sayProgress, type Context } from '../../core/step.ts'
import { growing, unanswered, waitFor, type Seen } from '../../core/waiting.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { eventsPath, ingressPath, ingressesPath } from '../../kubernetes/paths.ts'
import type { Event, Ingress } from '../../kubernetes/types.ts'
import type { Settings } from '../../settings/types.ts'
import { eventsOf, lastWord, newest, readable, verdict, version, type Verdict } from '../controller-verdict.ts'
import { hostname } from '../ingress-object.ts'
import type { Applied } from '../ingress.ts'
import type { Target } from '../preflight.ts'
import { Changes } from './changes.ts'
import { drift, isComplete, unknownParts, type Observed } from './drift.ts'

/** What the step talks to. */
export interface Rooms {
  readonly kubernetes: KubernetesClient
  readonly loadBalancers: LoadBalancers
}

/** What was applied, and how things were before. */
export interface Input extends Applied {
  readonly certificate: { readonly arn: string; readonly fresh: boolean }
  readonly observed: Observed | undefined
}

/**
 * The controller retries, so a refusal in the words of the last one before our apply may still be about what was there before:
 * it counts only when no success follows within this time after it was first seen. Milliseconds.
 */
const sameRefusalGrace = 700

/** After this long without a final word ELB is asked, and from then on this often: the word may have been dropped. Milliseconds. */
const silence = 3_000

/** @returns the ALB's name. @throws ActionError `controller-refused`, `load-balancer-timeout` */
export async function waitForController(context: Context, settings: Settings, rooms: Rooms, target: Target, input: Input, deadline: number): Promise<string> {
  const { namespace } = settings
  const { kubernetes } = rooms
  const start = context.clock.now()
  const selectors = eventsOf(target.ingressName)
  const { counts, judge } = judgement(context, target, input)
  const proof = proofByElb(settings, rooms, target, input)
  let askedElb = start
  let takenUp = false

  const look = async (): Promise<Seen<string>> => {
    const [events, ingress] = await Promise.all([
      kubernetes.list<Event>(eventsPath(namespace), selectors, `list Events in namespace ${namespace}`, lastWord(counts)),
      kubernetes.get<Ingress>(ingressPath(namespace, target.ingressName), `read Ingress ${target.ingressName}`),
    ])
    const word = judge(events)
    takenUp = word !== undefined || isTakenUp(ingress)
    const address = hostname(ingress)
    if (word?.kind === 'reconciled') return address === undefined ? { pending: 'the controller has reconciled the Ingress, which has no address yet' } : { done: address }
    if (address !== undefined && context.clock.now() - askedElb >= silence) {
      askedElb = context.clock.now()
      if (await proof(address)) {
        context.log.note('The controller has not said that it is done, which it leaves out when it has said much in a short time; ELB shows the listener, the rule and the target group as the Ingress says.')
        return { done: address }
      }
    }
    return { pending: word ? `the controller says: ${word.message}` : unsaid(takenUp) }
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
      timeout: deadline - start,
      signal: context.signal,
      clock: context.clock,
      wakeUp: (asleep) => changes.next(asleep),
      onProgress: sayProgress(context.log, 'load-balancer'),
      timedOut: (seen) => timeout(settings, seen, seen === unanswered ? apiRemedy : takenUp ? silentRemedy(seen) : nobodyRemedy(namespace)),
    })
  } finally {
    over.abort()
  }
}

/** Which events count, those since the apply, and what they come to; undefined when there is none. `judge` throws ActionError `controller-refused` */
function judgement(context: Context, target: Target, { ingress, wordsSince = 0n, certificate }: Input): { readonly counts: (event: Event) => boolean; readonly judge: (events: readonly Event[]) => Verdict | undefined } {
  const start = context.clock.now()
  const lastWords = readable(newest(target.events)?.message ?? '')
  let repeatedSince: number | undefined
  const counts = (event: Event): boolean => event.involvedObject.uid === ingress.metadata.uid && version(event) > wordsSince
  const judge = (events: readonly Event[]): Verdict | undefined => {
    const event = newest(events)
    if (!event) return undefined
    const word = verdict(event, certificate.fresh && context.clock.now() - start < 60_000)
    if (word.kind !== 'refused') return word
    repeatedSince ??= context.clock.now()
    if (word.message === lastWords && context.clock.now() - repeatedSince < sameRefusalGrace) return word
    throw new ActionError({ code: 'controller-refused', problem: `The AWS Load Balancer Controller refused Ingress ${target.ingressName}: ${word.message}`, remedy: word.remedy })
  }
  return { counts, judge }
}

/**
 * Whether ELB shows that the controller has done its work: it is as the Ingress says now, and was not before. What shows in no
 * listener or rule (a security group, a tag) proves nothing so.
 */
function proofByElb(settings: Settings, rooms: Rooms, target: Target, { ingress, observed }: Input): (address: string) => Promise<boolean> {
  const wasOtherwise = hostname(target.ingress) === undefined || (observed !== undefined && drift(observed, ingress, settings, target.classParams).length > 0)
  return async (address) => {
    if (!wasOtherwise) return false
    const now = await lookAtElb(settings, rooms.loadBalancers, address)
    return now?.balancer !== undefined && isComplete(now.parts, settings.ingress.listenPort) && drift(now, ingress, settings, target.classParams).length === 0
  }
}

/** Failures of looking at ELB that a run can do without. */
const dispensable: ReadonlySet<FailureCode> = new Set(['aws-access-denied', 'aws-request-failed'])

/** What ELBv2 says of the load balancer behind a name; undefined when it may or can not be asked, for the reason that `onUnseen` is told. */
export async function lookAtElb(settings: Settings, loadBalancers: LoadBalancers, address: string, onUnseen?: (reason: ActionError) => void): Promise<Observed | undefined> {
  try {
    const balancer = await loadBalancers.find(address)
    return { address, balancer, parts: balancer ? await loadBalancers.parts(balancer.arn, settings.ingress.listenPort) : unknownParts }
  } catch (thrown) {
    if (!(thrown instanceof ActionError) || !dispensable.has(thrown.code)) throw thrown
    onUnseen?.(thrown)
    return undefined
  }
}

/** The controller puts its finalizer on an Ingress before anything else: `ingress.k8s.aws/resources`, `group.ingress.k8s.aws/NAME`. */
const isTakenUp = (ingress: Ingress | undefined): boolean => (ingress?.metadata.finalizers ?? []).some((finalizer) => /^(group\.)?ingress\./.test(finalizer))

/** Source: the controller requeues without event or status while an ALB that it found is provisioning (load_balancer_synthesizer.go, since v2.11). */
const unsaid = (takenUp: boolean): string => takenUp
  ? 'the controller works on the Ingress (its finalizer is there) and has not said anything about it yet; while the ALB is provisioning it looks again only every 2 minutes'
  : 'the controller has not said anything about this Ingress yet, nor put its finalizer on it: nobody has taken it up'

const nobodyRemedy = (namespace: string): string =>
  `Check that the controller runs and has a leader, and that its arguments leave in namespace ${namespace} (--watch-namespace): "kubectl -n kube-system logs deployment/aws-load-balancer-controller". EKS Auto Mode has no such deployment: check that it is on for the cluster.`

const apiRemedy = "Check the control plane (\"kubectl get --raw '/readyz?verbose'\") and the connection of this runner to it, and run the job again."

const silentRemedy = (seen: string): string => /not said anything/.test(seen)
  ? 'Give load-balancer-timeout more time and run the job again; if it stays silent, see what it waits for: "kubectl -n kube-system logs deployment/aws-load-balancer-controller".'
  : 'Mend what the controller names, or give load-balancer-timeout more time; then run the job again.'

/** Failures of an API that a wait of minutes has to survive. */
const passing = new Set<FailureCode>(['cluster-unreachable', 'cluster-request-failed', 'aws-request-failed'])

/** A look whose failure, when it may pass, counts as nothing seen yet. */
export async function patiently<T>(once: () => Promise<Seen<T>>): Promise<Seen<T>> {
  try {
    return await once()
  } catch (thrown) {
    if (thrown instanceof ActionError && passing.has(thrown.code)) return { pending: thrown.message.replace(/\.$/, '') }
    throw thrown
  }
}

function timeout(settings: Settings, last: string, remedy: string): ActionError {
  return new ActionError({ code: 'load-balancer-timeout', problem: `The load balancer was not ready within ${settings.timeouts.loadBalancer} s: ${last}.`, remedy })
}

/** The error of a load balancer whose state is failed. */
export const failed = ({ name, reason }: LoadBalancerState): ActionError =>
  new ActionError({ code: 'load-balancer-failed', problem: `ELB could not make load balancer ${name}: ${reason || 'its state is failed'}.`, remedy: 'Delete the Ingress, mend what ELB names, and run the job again.' })

/** @throws ActionError `load-balancer-failed`, `load-balancer-timeout` */
export async function waitForActive(context: Context, settings: Settings, { loadBalancers }: Rooms, address: string, deadline: number): Promise<void> {
  const once = async (): Promise<Seen<undefined>> => {
    const found = await loadBalancers.find(address).catch((thrown: unknown) => {
      if (!(thrown instanceof ActionError) || thrown.code !== 'aws-access-denied') throw thrown
      context.log.note('These credentials may not describe load balancers, so that only the probe says whether the ALB is active.')
      return 'unknown' as const
    })
    if (found === 'unknown' || (found && isActive(found))) return { done: undefined }
    if (found?.state === 'failed') {
      throw failed(found)
    }
    return { pending: found ? `load balancer ${found.name} is ${found.state}` : `ELB knows no load balancer ${address}` }
  }
  await waitFor({
    look: () => patiently(once),
    interval: growing,
    timeout: deadline - context.clock.now(),
    signal: context.signal,
    clock: context.clock,
    onProgress: sayProgress(context.log, 'load-balancer'),
    timedOut: (seen) => timeout(settings, seen, seen === unanswered ? 'Check the connection of this runner to AWS, and run the job again.' : 'Provisioning takes minutes: give load-balancer-timeout more time. If ELB knows none, check that region is that of the cluster.'),
  })
}

/** Whether it passes traffic. Source: ELBv2, LoadBalancerState. */
export const isActive = ({ state }: { readonly state: string }): boolean => state === 'active' || state === 'active_impaired'
