/** The waits of the load-balancer step: for the controller, then for the ALB to be active. */
import {
  elbUnresponsive,
  loadBalancerFailed,
  loadBalancerNotActive,
} from '../../failures/load-balancer.ts'
import { readOptional } from '../../failures/optional-read.ts'
import type { LockedClients, EndpointRun } from '../run.ts'
import { progressLogger } from '../step.ts'
import { pollInterval, noResponse, waitFor, type PollResult } from '../../util/polling.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { eventsPath, ingressesPath } from '../../clients/kubernetes/paths.ts'
import { buildEventSelector } from '../../controller/events.ts'
import type { AppliedIngress } from '../ingress/ingress.ts'
import type { Addresses } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'
import { tolerateTransientErrors } from '../transient-errors.ts'
import { ChangeSignal } from './change-signal.ts'
import { ControllerObserver } from './controller-observer.ts'
import { isActive, type LoadBalancerSnapshot } from './snapshot.ts'

/** A run that waits for the controller and for ELB. */
export type LoadBalancerRun = EndpointRun<Pick<LockedClients, 'kubernetes' | 'loadBalancers'>>

/** The Ingress that the controller has to reconcile, and the state before it was applied. */
export interface AwaitedIngress extends AppliedIngress {
  readonly target: Target
  /** Whether this run created the ARN of the certificate, so that ELB may not know it yet. */
  readonly isCertificateNew: boolean
  readonly snapshot: LoadBalancerSnapshot | undefined
}

/**
 * @param input `deadline` in milliseconds since the epoch
 * @returns the DNS names in the status of the Ingress
 * @throws ActionError `controller-refused`, `load-balancer-timeout`
 */
export async function waitForController(
  run: LoadBalancerRun,
  { deadline, ...input }: AwaitedIngress & { readonly deadline: number },
): Promise<Addresses> {
  const { context, clients } = run
  const observer = new ControllerObserver(run, input)
  const changeSignal = new ChangeSignal()
  const stopWatches = new AbortController()
  watchIngress(clients.kubernetes, input.target, {
    onChange: () => changeSignal.notify(),
    signal: AbortSignal.any([context.signal, stopWatches.signal]),
  })
  try {
    return await waitFor({
      poll: () => tolerateTransientErrors(() => observer.poll()),
      interval: pollInterval,
      timeout: deadline - context.clock.now(),
      signal: context.signal,
      clock: context.clock,
      wakeUp: (sleepSignal) => changeSignal.waitForChange(sleepSignal),
      onProgress: progressLogger(context.log, 'load-balancer'),
      createTimeoutError: (lastStatus) => observer.createTimeoutError(lastStatus),
    })
  } finally {
    stopWatches.abort()
  }
}

/** Watches the Ingress and its events until the signal is aborted. */
function watchIngress(
  kubernetes: KubernetesClient,
  { namespace, ingressName }: Target,
  { onChange, signal }: { readonly onChange: () => void; readonly signal: AbortSignal },
): void {
  const eventSelector = buildEventSelector(ingressName)
  const ingressSelector = { fieldSelector: `metadata.name=${ingressName}` }
  void kubernetes.watch(eventsPath(namespace.name), eventSelector, onChange, signal)
  void kubernetes.watch(ingressesPath(namespace.name), ingressSelector, onChange, signal)
}

/**
 * @param wait `deadline` in milliseconds since the epoch
 * @throws ActionError `load-balancer-failed`, `load-balancer-timeout`
 */
export async function waitForActive(
  run: LoadBalancerRun,
  { address, deadline }: { readonly address: string; readonly deadline: number },
): Promise<void> {
  const { context, settings } = run
  await waitFor({
    poll: () => tolerateTransientErrors(() => pollState(run, address)),
    interval: pollInterval,
    timeout: deadline - context.clock.now(),
    signal: context.signal,
    clock: context.clock,
    onProgress: progressLogger(context.log, 'load-balancer'),
    createTimeoutError: (lastStatus) => {
      const wait = { seconds: settings.timeouts.loadBalancer, lastStatus }
      return lastStatus === noResponse ? elbUnresponsive(wait) : loadBalancerNotActive(wait)
    },
  })
}

/** @throws ActionError `load-balancer-failed` */
async function pollState(
  { context, clients }: LoadBalancerRun,
  address: string,
): Promise<PollResult<undefined>> {
  const read = await readOptional(clients.loadBalancers.findByDnsName(address))
  if (!read.available) {
    context.log.note(
      'These credentials are not allowed to describe load balancers: only the probe shows ' +
        'whether the ALB is active.',
    )
    return { done: undefined }
  }
  const loadBalancer = read.value
  if (!loadBalancer) return { pending: `ELB does not know a load balancer named ${address}` }
  const { name, state, reason } = loadBalancer
  if (state === 'failed') throw loadBalancerFailed(name, reason)
  return isActive(loadBalancer)
    ? { done: undefined }
    : { pending: `load balancer ${name} is ${state}` }
}
