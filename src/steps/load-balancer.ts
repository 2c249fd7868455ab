/** load-balancer: the controller took up this Ingress, AWS is as it says, and the ALB is active. A hostname alone proves nothing. */
import type { LoadBalancers } from '../aws/load-balancers.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import { newest, verdict } from './controller-verdict.ts'
import { hostname, nudgeAnnotation } from './ingress-object.ts'
import { applyIngress, desired, wordsUntilNow, type Applied } from './ingress.ts'
import { drift, unseenOf, type Observed } from './load-balancer/drift.ts'
import { targetGroupOf } from './load-balancer/targets.ts'
import { isActive, lookAtElb, waitForActive, waitForController, type Input, type Rooms } from './load-balancer/wait.ts'
import type { Target } from './preflight.ts'

/** @returns what ELBv2 says of the load balancer of the Ingress; undefined when it has none, or nobody may ask */
export async function observe(context: Context, settings: Settings, loadBalancers: LoadBalancers, { ingress }: Target): Promise<Observed | undefined> {
  const address = hostname(ingress)
  if (address === undefined) return undefined
  let reason = ''
  const observed = await lookAtElb(settings, loadBalancers, address, ({ message }) => {
    reason = message
  })
  const unseen = observed ? unseenOf(observed, settings.ingress.listenPort) : `the load balancer in AWS: ${reason.replace(/\.$/, '')}`
  if (unseen !== undefined) context.unseen(unseen)
  showNames(context, settings, observed)
  return observed
}

/** The names in AWS, for the summary. */
function showNames(context: Context, settings: Settings, observed: Observed | undefined): void {
  const arn = targetGroupOf(observed, settings)
  const group = observed?.parts.targetGroups?.find((each) => each.arn === arn)
  context.found({ ...(observed?.balancer && { balancer: observed.balancer.name }), ...(group && { targetGroup: group.name }) })
}

/** Where the nudge is. */
export const nudgePath = `metadata.annotations.${nudgeAnnotation}`

/**
 * What somebody changed in AWS, and a nudge, when nothing else makes the controller look again though it has to: for that, when
 * it last said no (its next try may be 17 minutes away), or when there is no address. Pure.
 * @param applied what the ingress step did
 */
export function plan(target: Target, settings: Settings, applied: Applied, observed: Observed | undefined, now: Date): Change[] {
  if (applied.wordsSince !== undefined) return []
  const last = newest(target.events)
  const refused = last !== undefined && verdict(last, false).kind !== 'reconciled'
  // After a refusal AWS is not as the Ingress says, and nobody's hand did it.
  const drifted = refused || !observed ? [] : drift(observed, applied.ingress, settings, target.classParams)
  const reasons: readonly [boolean, string][] = [
    [refused, 'the controller last said no, and may not look again for minutes'],
    [hostname(applied.ingress) === undefined, 'the Ingress has no address'],
    [drifted.length > 0, 'makes the controller look at AWS, which it else does only when the Ingress changes'],
  ]
  const why = reasons.find(([applies]) => applies)?.[1]
  if (why === undefined) return []
  const before = target.ingress?.metadata.annotations?.[nudgeAnnotation]
  return [...drifted, { step: 'load-balancer', object: `Ingress ${settings.namespace}/${target.ingressName}`, path: nudgePath, ...(before !== undefined && { before }), after: now.toISOString(), why }]
}

/** @returns the ALB's DNS name. @throws ActionError `controller-refused`, `load-balancer-failed`, `load-balancer-timeout` */
export async function apply(context: Context, settings: Settings, rooms: Rooms, target: Target, input: Input, changes: readonly Change[]): Promise<string> {
  const deadline = context.clock.now() + settings.timeouts.loadBalancer * 1000
  const applied = changes.length > 0 ? await nudge(context, settings, rooms, target, input, changes) : input
  const known = hostname(applied.ingress)
  const isSettled = applied.wordsSince === undefined && known !== undefined
  const address = isSettled ? known : await waitForController(context, settings, rooms, target, { ...input, ...applied }, deadline)
  context.output('alb-address', address)
  context.output('endpoint', `https://${settings.host}:${settings.ingress.listenPort}`)
  const { balancer } = input.observed ?? {}
  if (!isSettled || !balancer || !isActive(balancer)) await waitForActive(context, settings, rooms, address, deadline)
  // What only the summary shows fails nothing.
  if (!isSettled) showNames(context, settings, await lookAtElb(settings, rooms.loadBalancers, address).catch(() => undefined))
  if (changes.length > 1) await lookAgain(context, settings, rooms, target, applied, address)
  return address
}

async function nudge(context: Context, settings: Settings, { kubernetes }: Rooms, target: Target, { certificate }: Input, changes: readonly Change[]): Promise<Applied> {
  changes.forEach((change) => context.changed(change))
  const object = desired(settings, target, certificate.arn)
  const nudged = { ...object.metadata.annotations, [nudgeAnnotation]: changes.find(({ path }) => path === nudgePath)?.after ?? '' }
  const wordsSince = await wordsUntilNow(kubernetes, settings.namespace)
  return { ingress: await applyIngress(settings, kubernetes, target, { ...object, metadata: { ...object.metadata, annotations: nudged } }), wordsSince }
}

/** What still differs after the controller has looked is not for it to mend. */
async function lookAgain(context: Context, settings: Settings, { loadBalancers }: Rooms, target: Target, { ingress }: Applied, address: string): Promise<void> {
  const now = await lookAtElb(settings, loadBalancers, address)
  for (const { object, path, before, after } of now ? drift(now, ingress, settings, target.classParams) : []) {
    context.log.warn(`The controller has looked, and ${object} still differs: ${path} is ${before ?? 'not there'}, and the Ingress says ${after ?? ''}. See its log, and who else changes it in AWS.`)
  }
  if (address !== hostname(target.ingress)) context.log.warn(`The ALB was made anew and has another name: point the DNS record of ${settings.host} at ${address}.`)
}
