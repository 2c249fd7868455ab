/** certificate, in mode destroy: ACM no longer holds what this action imported for this target. */
import type { X509Certificate } from 'node:crypto'
import type { Acm } from '../aws/acm.ts'
import { nameInDnsName, type LoadBalancers } from '../aws/load-balancers.ts'
import { ActionError, settleAll } from '../core/errors.ts'
import { sayProgress, type Change, type Context } from '../core/step.ts'
import { waitFor, type Seen } from '../core/waiting.ts'
import type { Settings } from '../settings/types.ts'
import { parseCertificates } from '../x509/reading.ts'
import { describe, shortName, targetTag, targetValue } from './certificate.ts'
import { certificateArns, hostname } from './ingress-object.ts'
import type { RemovalTarget } from './preflight/removal.ts'

/** A certificate with our tag for this target. */
export interface Own {
  readonly arn: string
  readonly leaf: X509Certificate | undefined
  /** What else uses it, so that it is kept. */
  readonly others: readonly string[]
}

/** ACM's quota for reading tags is 10 a second, and an account may have many certificates. Source: ACM user guide, Quotas. */
const atOnce = 4

/** Finds them by tag among all that were imported: the host may have been another one when they were. */
export async function observe(context: Context, acm: Acm, loadBalancers: LoadBalancers, finding: Promise<RemovalTarget>): Promise<Own[]> {
  const [listings, target] = await settleAll([acm.list([]), finding])
  const arns = listings.filter(({ imported }) => imported).map(({ arn }) => arn)
  const own: string[] = []
  const search = async (): Promise<void> => {
    for (let arn = arns.pop(); arn !== undefined; arn = arns.pop()) if ((await acm.tags(arn)).get(targetTag) === targetValue(target)) own.push(arn)
  }
  await settleAll(Array.from({ length: atOnce }, search))
  for (const arn of target.ingress ? certificateArns(target.ingress) : []) {
    if (!own.includes(arn)) context.log.note(`Certificate ${arn}, which Ingress ${target.ingressName} names, was not made by this action for it, and stays.`)
  }
  return Promise.all(own.sort().map(async (arn) => {
    const [pems, others] = await settleAll([acm.get(arn), otherUsers(acm, loadBalancers, target, arn)])
    return { arn, leaf: parseCertificates(pems?.certificate ?? '')[0], others }
  }))
}

/** Users of a certificate that stay: not the ALB of the Ingress, and not one that is gone, which ACM notices minutes later. */
async function otherUsers(acm: Acm, loadBalancers: LoadBalancers, { ingress, others }: RemovalTarget, arn: string): Promise<string[]> {
  const named = others.filter((other) => certificateArns(other).includes(arn)).map(({ metadata }) => `Ingress ${metadata.name}`)
  const address = hostname(ingress)
  const own = address === undefined ? undefined : `loadbalancer/app/${nameInDnsName(address)}/`
  const stays = async (user: string): Promise<boolean> => {
    if (own !== undefined && user.includes(own)) return false
    if (!user.includes(':loadbalancer/')) return true
    return loadBalancers.get(user).then((found) => found !== undefined, (thrown: unknown) => {
      if (thrown instanceof ActionError && thrown.code === 'aws-access-denied') return true
      throw thrown
    })
  }
  const users = (await acm.users(arn)) ?? []
  const staying = await Promise.all(users.map(stays))
  return [...named, ...users.filter((_user, index) => staying[index]).map(shortName)]
}

/** Pure. */
export function planRemoval(found: readonly Own[]): Change[] {
  return found.filter(({ others }) => others.length === 0).map(({ arn, leaf }) =>
    ({ step: 'certificate', object: `ACM certificate ${arn}`, path: 'certificate', before: leaf ? describe(leaf) : arn, why: 'this action made it for this target' }))
}

/** ACM calls a certificate used for minutes after its load balancer is gone; longer than this no run waits. Milliseconds. */
const longestWait = 600_000

/**
 * Deletes what nothing else uses.
 * @returns how many were deleted
 * @throws ActionError `certificate-in-use`, `aws-access-denied`
 */
export async function remove(context: Context, settings: Settings, acm: Acm, found: readonly Own[], changes: readonly Change[]): Promise<number> {
  for (const { arn, others } of found.filter(({ others }) => others.length > 0)) context.log.note(`ACM certificate ${arn} was made by this action and stays: ${others.join(', ')} use${others.length === 1 ? 's' : ''} it. Run this again when nothing does, and it goes.`)
  const deadline = context.clock.now() + Math.min(longestWait, settings.timeouts.loadBalancer * 1000)
  const going = found.filter(({ others }) => others.length === 0)
  for (const [index, { arn }] of going.entries()) {
    const change = changes[index]
    if (change) context.changed(change)
    await deleteWhenUnused(context, acm, arn, deadline)
  }
  return going.length
}

async function deleteWhenUnused(context: Context, acm: Acm, arn: string, deadline: number): Promise<void> {
  const start = context.clock.now()
  await waitFor({
    look: async (): Promise<Seen<true>> => {
      const kept = await acm.remove(arn)
      if (kept === undefined) return { done: true }
      const users = (await acm.users(arn)) ?? []
      return { pending: users.length === 0 ? kept.replace(/\.$/, '') : `${users.map(shortName).join(', ')} still use${users.length === 1 ? 's' : ''} it, says ACM` }
    },
    interval: (waited) => Math.min(10_000, Math.max(250, waited / 5)),
    timeout: Math.max(0, deadline - start),
    signal: context.signal,
    clock: context.clock,
    onProgress: sayProgress(context.log, 'certificate'),
    timedOut: (seen) => new ActionError({
      code: 'certificate-in-use',
      problem: `ACM did not let go of certificate ${arn} within ${Math.round((context.clock.now() - start) / 1000)} s: ${seen}.`,
      remedy: `ACM notices only minutes later that a load balancer is gone: run the job again in half an hour, and it deletes the certificate then. If it stays, "aws acm describe-certificate --certificate-arn ${arn} --query Certificate.InUseBy" names what uses it.`,
    }),
  })
}
