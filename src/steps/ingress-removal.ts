/** ingress, in mode destroy: the Ingress is gone, and what its controller made in AWS with it. */
import type { LoadBalancers, LoadBalancerState } from '../aws/load-balancers.ts'
import { ActionError } from '../core/errors.ts'
import { sayProgress, type Change, type Context } from '../core/step.ts'
import { growing, waitFor, type Seen } from '../core/waiting.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import { StatusError } from '../kubernetes/request.ts'
import { ingressPath } from '../kubernetes/paths.ts'
import type { Ingress } from '../kubernetes/types.ts'
import { annotationPrefix, attributes } from '../settings/annotations.ts'
import type { Settings } from '../settings/types.ts'
import { hostname } from './ingress-object.ts'
import type { Observed } from './load-balancer/drift.ts'
import { patiently } from './load-balancer/wait.ts'
import { controllerIsDown } from './preflight/controller.ts'
import type { RemovalTarget } from './preflight/removal.ts'

/** Of the controller: `ingress.k8s.aws/resources`, `group.ingress.k8s.aws/NAME`. Source: its pkg/ingress/finalizer.go. */
const ofController = /^(?:group\.ingress\.k8s\.aws\/(.+)|ingress\.k8s\.aws\/resources)$/

/** The group whose ALB an Ingress shares, and its other members in the namespace; undefined for an ALB of its own. */
function groupOf({ ingress, others }: RemovalTarget): { name: string; members: string[] } | undefined {
  const finalizer = ingress?.metadata.finalizers?.find((each) => ofController.exec(each)?.[1] !== undefined)
  if (finalizer === undefined) return undefined
  const members = others.filter(({ metadata }) => metadata.deletionTimestamp === undefined && metadata.finalizers?.includes(finalizer))
  return { name: ofController.exec(finalizer)?.[1] ?? '', members: members.map(({ metadata }) => metadata.name) }
}

/** Pure. One that is being deleted already is only waited for. */
export function planRemoval(target: RemovalTarget, { namespace }: Settings): Change[] {
  const { ingress, ingressName } = target
  if (!ingress || ingress.metadata.deletionTimestamp !== undefined) return []
  const group = groupOf(target)
  const hosts = (ingress.spec.rules ?? []).map(({ host = '*' }) => host).join(', ')
  const why = group ? `this action made it; the ALB of group ${group.name} goes only with its last member` : 'this action made it, and its ALB goes with it'
  return [{ step: 'ingress', object: `Ingress ${namespace}/${ingressName}`, path: 'load balancer', before: `${hosts} at ${hostname(ingress) ?? '(no address)'}`, why }]
}

const attribute = 'deletion_protection.enabled'

/**
 * Refuses before anything is deleted what the controller would refuse without a word: with the annotation the removal of any
 * Ingress, also of one that leaves a group; and a load balancer that ELB protects.
 * Source: the controller's pkg/ingress/model_builder.go, getDeletionProtectionViaAnnotation.
 * @throws ActionError `load-balancer-protected`
 */
export function checkProtection(target: RemovalTarget, observed: Observed | undefined): void {
  const { ingress } = target
  if (!ingress) return
  const isProtected = (why: string, remedy: string): ActionError => new ActionError({ code: 'load-balancer-protected', problem: `Ingress ${ingress.metadata.name} cannot be removed: ${why}.`, remedy })
  const key = `${annotationPrefix}load-balancer-attributes`
  if (attributes(ingress.metadata.annotations?.[key] ?? '')?.some(([name, value]) => name === attribute && value === 'true')) {
    throw isProtected(
      `its load-balancer-attributes turn deletion protection on (${attribute}=true)`,
      `Run mode: deploy once with ${attribute}=false in ${key} of annotations (leaving it out does not turn it off), then run this again.`,
    )
  }
  const { balancer, parts } = observed ?? {}
  // The ALB of a group may stay: members in other namespaces are not seen.
  if (!balancer || parts?.attributes?.[attribute] !== 'true' || groupOf(target)) return
  throw isProtected(`deletion protection of load balancer ${balancer.name} is on`, `Turn it off, then run the job again: ${turnOff(balancer.arn)}.`)
}

const turnOff = (arn: string): string => `"aws elbv2 modify-load-balancer-attributes --load-balancer-arn ${arn} --attributes Key=${attribute},Value=false"`

/** What the step talks to. */
export interface Rooms {
  readonly kubernetes: KubernetesClient
  readonly loadBalancers: LoadBalancers
}

/**
 * Deletes the Ingress and waits until it is gone.
 * @returns what there is to show for it
 * @throws ActionError `ingress-not-deleted`, `ingress-refused`
 */
export async function remove(context: Context, settings: Settings, rooms: Rooms, target: RemovalTarget, observed: Observed | undefined, changes: readonly Change[]): Promise<string> {
  const { ingress, ingressName } = target
  if (!ingress) return `there is no Ingress ${ingressName}`
  changes.forEach((change) => context.changed(change))
  if (changes.length > 0) await deleteIngress(settings, rooms.kubernetes, ingress)
  const balancer = observed?.balancer
  await waitUntilGone(context, settings, rooms, ingress, balancer)
  const group = groupOf(target)
  const staying = group && balancer ? await stateOf(rooms.loadBalancers, balancer) : 'gone'
  if (!group || !balancer || staying === 'gone') return balancer ? `${ingressName} is gone, and load balancer ${balancer.name} with it` : `${ingressName} is gone`
  context.log.note(`Load balancer ${balancer.name} stays, because group ${group.name} has other members: ${group.members.length > 0 ? `Ingress ${group.members.join(', ')}` : 'Ingresses of other namespaces'}.`)
  return `${ingressName} is gone, and load balancer ${balancer.name} stays for its group`
}

async function deleteIngress({ namespace }: Settings, kubernetes: KubernetesClient, { metadata: { name, uid } }: Ingress): Promise<void> {
  try {
    await kubernetes.remove(ingressPath(namespace, name), uid, `delete Ingress ${name}`)
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    throw new ActionError({
      code: 'ingress-refused',
      problem: `The Kubernetes API did not delete Ingress ${name}: ${thrown.message}`,
      remedy: thrown.status === 409 ? 'Somebody made it anew at the same time: see who, then run the job again.' : 'Change what the message names (a policy of the cluster, for example), then run the job again.',
      cause: thrown,
    })
  }
}

/** ELB's word on a load balancer: `gone`, its state, or nothing when nobody may ask. */
async function stateOf(loadBalancers: LoadBalancers, { arn }: LoadBalancerState): Promise<string | undefined> {
  try {
    return (await loadBalancers.get(arn))?.state ?? 'gone'
  } catch (thrown) {
    if (thrown instanceof ActionError) return undefined
    throw thrown
  }
}

/** What still holds an Ingress. */
interface Hold {
  readonly finalizers: readonly string[]
  /** ELB's word on its load balancer. */
  readonly balancer: string | undefined
}

/** A deletion that fails emits no event: what holds it is told by what is still there. Source: the controller's group_controller.go. */
async function waitUntilGone(context: Context, settings: Settings, { kubernetes, loadBalancers }: Rooms, { metadata: { name, uid } }: Ingress, balancer: LoadBalancerState | undefined): Promise<void> {
  let hold: Hold = { finalizers: [], balancer: undefined }
  const look = async (): Promise<Seen<true>> => {
    const live = await kubernetes.get<Ingress>(ingressPath(settings.namespace, name), `read Ingress ${name}`)
    if (live?.metadata.uid !== uid) return { done: true }
    hold = { finalizers: live.metadata.finalizers ?? [], balancer: balancer && (await stateOf(loadBalancers, balancer)) }
    return { pending: inWords(name, hold, balancer) }
  }
  const timedOut = (seen: string): ActionError => new ActionError({ code: 'ingress-not-deleted', problem: `The Ingress was not gone within ${settings.timeouts.loadBalancer} s: ${seen}.`, remedy: '' })
  try {
    await waitFor({
      look: () => patiently(look),
      interval: growing,
      timeout: settings.timeouts.loadBalancer * 1000,
      signal: context.signal,
      clock: context.clock,
      onProgress: sayProgress(context.log, 'ingress'),
      timedOut,
    })
  } catch (thrown) {
    if (!(thrown instanceof ActionError) || thrown.code !== 'ingress-not-deleted') throw thrown
    const parts = balancer && hold.balancer !== 'gone' ? await loadBalancers.parts(balancer.arn, settings.ingress.listenPort).catch(() => undefined) : undefined
    const isProtected = parts?.attributes?.[attribute] === 'true'
    throw new ActionError({ code: thrown.code, problem: thrown.message, remedy: `${remedy(hold, await controllerIsDown(kubernetes), isProtected ? balancer?.arn : undefined)} Then run the job again. Leave the finalizer on: without it the load balancer stays and costs.` })
  }
}

function inWords(name: string, { finalizers, balancer: state }: Hold, balancer: LoadBalancerState | undefined): string {
  const elb = balancer && state !== undefined ? `; load balancer ${balancer.name} is ${state}` : ''
  return `finalizer ${finalizers.join(', ') || '(none)'} holds Ingress ${name}${elb}`
}

const logs = '"kubectl -n kube-system logs deployment/aws-load-balancer-controller"'

/** What to do about a deletion that does not end. Pure. @param protectedArn of a load balancer that ELB protects */
export function remedy({ finalizers, balancer }: Hold, isControllerDown: boolean, protectedArn: string | undefined): string {
  const foreign = finalizers.filter((each) => !ofController.test(each))
  if (finalizers.length > 0 && foreign.length === finalizers.length) return `Make what put ${foreign.join(', ')} on the Ingress do its work: it is not the load balancer controller's.`
  if (isControllerDown) return 'Make the AWS Load Balancer Controller run: no replica of it is ready ("kubectl -n kube-system describe deployment aws-load-balancer-controller").'
  if (protectedArn !== undefined) return `Turn its deletion protection off: ${turnOff(protectedArn)}.`
  if (balancer === 'gone') return `Its target groups or security groups are left, and one that something else still uses cannot be deleted: the controller's log names it (${logs}). Take that use away.`
  return `Mend what the controller's log says of it, a permission of its role for example (${logs}).`
}
