/** ingress, in mode destroy: the Ingress is gone, and what its controller made in AWS with it. */
import type { LoadBalancerClient, LoadBalancerSummary } from '../../clients/aws/load-balancers.ts'
import { ActionError } from '../../failures/action-error.ts'
import { progressLogger, type Change, type Context } from '../step.ts'
import { pollInterval, waitFor, type PollResult } from '../../util/polling.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import { ingressPath } from '../../clients/kubernetes/paths.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { annotationPrefix, parseAttributes } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import { getIngressHostname } from './manifest.ts'
import type { LoadBalancerSnapshot } from '../load-balancer/snapshot.ts'
import { tolerateTransientErrors } from '../load-balancer/wait.ts'
import { isControllerDown } from '../preflight/controller.ts'
import type { RemovalTarget } from '../preflight/removal.ts'

/**
 * Of the controller: `ingress.k8s.aws/resources`, `group.ingress.k8s.aws/NAME`. Source: its
 * pkg/ingress/finalizer.go.
 */
const controllerFinalizer = /^(?:group\.ingress\.k8s\.aws\/(.+)|ingress\.k8s\.aws\/resources)$/

/**
 * The group whose ALB an Ingress shares, and its other members in the namespace; undefined for an
 * ALB of its own.
 */
function findGroup({
  ingress,
  otherIngresses: others,
}: RemovalTarget): { name: string; members: string[] } | undefined {
  const finalizer = ingress?.metadata.finalizers?.find(
    (each) => controllerFinalizer.exec(each)?.[1] !== undefined,
  )
  if (finalizer === undefined) return undefined
  const members = others.filter(
    ({ metadata }) =>
      metadata.deletionTimestamp === undefined && metadata.finalizers?.includes(finalizer),
  )
  return {
    name: controllerFinalizer.exec(finalizer)?.[1] ?? '',
    members: members.map(({ metadata }) => metadata.name),
  }
}

/** Pure. One that is being deleted already is only waited for. */
export function planRemoval(target: RemovalTarget, { namespace }: Settings): Change[] {
  const { ingress, ingressName } = target
  if (!ingress || ingress.metadata.deletionTimestamp !== undefined) return []
  const group = findGroup(target)
  const hosts = (ingress.spec.rules ?? []).map(({ host = '*' }) => host).join(', ')
  const why = group
    ? `this action made it; the ALB of group ${group.name} goes only with its last member`
    : 'this action made it, and its ALB goes with it'
  return [
    {
      step: 'ingress',
      object: `Ingress ${namespace}/${ingressName}`,
      path: 'load balancer',
      before: `${hosts} at ${getIngressHostname(ingress) ?? '(no address)'}`,
      why,
    },
  ]
}

const deletionProtectionAttribute = 'deletion_protection.enabled'

/**
 * Refuses before anything is deleted what the controller would refuse without a word: with the
 * annotation the removal of any Ingress, also of one that leaves a group; and a load balancer that
 * ELB protects. Source: the controller's pkg/ingress/model_builder.go,
 * getDeletionProtectionViaAnnotation.
 * @throws ActionError `load-balancer-protected`
 */
export function checkDeletionProtection(
  target: RemovalTarget,
  observed: LoadBalancerSnapshot | undefined,
): void {
  const { ingress } = target
  if (!ingress) return
  const protectionError = (why: string, remedy: string): ActionError =>
    new ActionError({
      code: 'load-balancer-protected',
      problem: `Ingress ${ingress.metadata.name} cannot be removed: ${why}.`,
      remedy,
    })
  const key = `${annotationPrefix}load-balancer-attributes`
  if (
    parseAttributes(ingress.metadata.annotations?.[key] ?? '')?.some(
      ([name, value]) => name === deletionProtectionAttribute && value === 'true',
    )
  ) {
    throw protectionError(
      `its load-balancer-attributes turn deletion protection on (${deletionProtectionAttribute}=true)`,
      `Run mode: deploy once with ${deletionProtectionAttribute}=false in ${key} of annotations (leaving it out does not turn it off), then run this again.`,
    )
  }
  const { loadBalancer, configuration } = observed ?? {}
  // The ALB of a group may stay: members in other namespaces are not seen.
  if (
    !loadBalancer ||
    configuration?.attributes?.[deletionProtectionAttribute] !== 'true' ||
    findGroup(target)
  )
    return
  throw protectionError(
    `deletion protection of load balancer ${loadBalancer.name} is on`,
    `Turn it off, then run the job again: ${formatDisableProtection(loadBalancer.arn)}.`,
  )
}

const formatDisableProtection = (arn: string): string =>
  `"aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${arn} --attributes Key=${deletionProtectionAttribute},Value=false"`

/** What the step talks to. */
export interface IngressRemovalClients {
  readonly kubernetes: KubernetesClient
  readonly loadBalancers: LoadBalancerClient
}

/**
 * Deletes the Ingress and waits until it is gone.
 * @returns what there is to show for it
 * @throws ActionError `ingress-not-deleted`, `ingress-refused`
 */
export async function remove(
  context: Context,
  settings: Settings,
  clients: IngressRemovalClients,
  target: RemovalTarget,
  observed: LoadBalancerSnapshot | undefined,
  changes: readonly Change[],
): Promise<string> {
  const { ingress, ingressName } = target
  if (!ingress) return `there is no Ingress ${ingressName}`
  changes.forEach((change) => context.recordChange(change))
  if (changes.length > 0) await deleteIngress(settings, clients.kubernetes, ingress)
  const loadBalancer = observed?.loadBalancer
  await waitUntilDeleted(context, settings, clients, ingress, loadBalancer)
  const group = findGroup(target)
  const loadBalancerState =
    group && loadBalancer ? await getLoadBalancerState(clients.loadBalancers, loadBalancer) : 'gone'
  if (!group || !loadBalancer || loadBalancerState === 'gone')
    return loadBalancer
      ? `${ingressName} is gone, and load balancer ${loadBalancer.name} with it`
      : `${ingressName} is gone`
  context.log.note(
    `Load balancer ${loadBalancer.name} stays, because group ${group.name} has other members: ${group.members.length > 0 ? `Ingress ${group.members.join(', ')}` : 'Ingresses of other namespaces'}.`,
  )
  return `${ingressName} is gone, and load balancer ${loadBalancer.name} stays for its group`
}

async function deleteIngress(
  { namespace }: Settings,
  kubernetes: KubernetesClient,
  { metadata: { name, uid } }: Ingress,
): Promise<void> {
  try {
    await kubernetes.deleteObject(ingressPath(namespace, name), uid, `delete Ingress ${name}`)
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    throw new ActionError({
      code: 'ingress-refused',
      problem: `The Kubernetes API did not delete Ingress ${name}: ${thrown.message}`,
      remedy:
        thrown.status === 409
          ? 'Somebody made it anew at the same time: see who, then run the job again.'
          : 'Change what the message names (a policy of the cluster, for example), then run the job again.',
      cause: thrown,
    })
  }
}

/** ELB's word on a load balancer: `gone`, its state, or nothing when nobody may ask. */
async function getLoadBalancerState(
  loadBalancers: LoadBalancerClient,
  { arn }: LoadBalancerSummary,
): Promise<string | undefined> {
  try {
    return (await loadBalancers.getByArn(arn))?.state ?? 'gone'
  } catch (thrown) {
    if (thrown instanceof ActionError) return undefined
    throw thrown
  }
}

/** What still holds an Ingress. */
interface DeletionBlocker {
  readonly finalizers: readonly string[]
  /** ELB's word on its load balancer. */
  readonly loadBalancerState: string | undefined
}

/**
 * A deletion that fails emits no event: what holds it is told by what is still there. Source: the
 * controller's group_controller.go.
 */
async function waitUntilDeleted(
  context: Context,
  settings: Settings,
  { kubernetes, loadBalancers }: IngressRemovalClients,
  { metadata: { name, uid } }: Ingress,
  loadBalancer: LoadBalancerSummary | undefined,
): Promise<void> {
  let blocker: DeletionBlocker = { finalizers: [], loadBalancerState: undefined }
  const poll = async (): Promise<PollResult<true>> => {
    const live = await kubernetes.get<Ingress>(
      ingressPath(settings.namespace, name),
      `read Ingress ${name}`,
    )
    if (live?.metadata.uid !== uid) return { done: true }
    blocker = {
      finalizers: live.metadata.finalizers ?? [],
      loadBalancerState: loadBalancer && (await getLoadBalancerState(loadBalancers, loadBalancer)),
    }
    return { pending: describeBlocker(name, blocker, loadBalancer) }
  }
  const timedOut = (lastObservation: string): ActionError =>
    new ActionError({
      code: 'ingress-not-deleted',
      problem: `The Ingress was not gone within ${settings.timeouts.loadBalancer} s: ${lastObservation}.`,
      remedy: '',
    })
  try {
    await waitFor({
      poll: () => tolerateTransientErrors(poll),
      interval: pollInterval,
      timeout: settings.timeouts.loadBalancer * 1000,
      signal: context.signal,
      clock: context.clock,
      onProgress: progressLogger(context.log, 'ingress'),
      createTimeoutError: timedOut,
    })
  } catch (thrown) {
    if (!(thrown instanceof ActionError) || thrown.code !== 'ingress-not-deleted') throw thrown
    const configuration =
      loadBalancer && blocker.loadBalancerState !== 'gone'
        ? await loadBalancers
            .getConfiguration(loadBalancer.arn, settings.ingress.listenPort)
            .catch(() => undefined)
        : undefined
    const isProtected = configuration?.attributes?.[deletionProtectionAttribute] === 'true'
    throw new ActionError({
      code: thrown.code,
      problem: thrown.message,
      remedy: `${remedy(blocker, await isControllerDown(kubernetes), isProtected ? loadBalancer?.arn : undefined)} Then run the job again. Leave the finalizer on: without it the load balancer stays and costs.`,
    })
  }
}

function describeBlocker(
  name: string,
  { finalizers, loadBalancerState: state }: DeletionBlocker,
  loadBalancer: LoadBalancerSummary | undefined,
): string {
  const loadBalancerNote =
    loadBalancer && state !== undefined ? `; load balancer ${loadBalancer.name} is ${state}` : ''
  return `finalizer ${finalizers.join(', ') || '(none)'} holds Ingress ${name}${loadBalancerNote}`
}

const controllerLogsCommand =
  '"kubectl -n kube-system logs deployment/aws-load-balancer-controller"'

/**
 * What to do about a deletion that does not end. Pure.
 * @param protectedArn of a load balancer that ELB protects
 */
export function remedy(
  { finalizers, loadBalancerState }: DeletionBlocker,
  isControllerUnavailable: boolean,
  protectedArn: string | undefined,
): string {
  const foreignFinalizers = finalizers.filter((each) => !controllerFinalizer.test(each))
  if (finalizers.length > 0 && foreignFinalizers.length === finalizers.length)
    return `Make what put ${foreignFinalizers.join(', ')} on the Ingress do its work: it is not the load balancer controller's.`
  if (isControllerUnavailable)
    return 'Make the AWS Load Balancer Controller run: no replica of it is ready ("kubectl -n kube-system describe deployment aws-load-balancer-controller").'
  if (protectedArn !== undefined)
    return `Turn its deletion protection off: ${formatDisableProtection(protectedArn)}.`
  if (loadBalancerState === 'gone')
    return `Its target groups or security groups are left, and one that something else still uses cannot be deleted: the controller's log names it (${controllerLogsCommand}). Take that use away.`
  return `Mend what the controller's log says of it, a permission of its role for example (${controllerLogsCommand}).`
}
