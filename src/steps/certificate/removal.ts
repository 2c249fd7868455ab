/** certificate, in mode destroy: ACM no longer holds what this action imported for this target. */
import type { X509Certificate } from 'node:crypto'
import type { Acm } from '../../clients/aws/acm.ts'
import { nameFromDnsName, type LoadBalancerClient } from '../../clients/aws/load-balancers.ts'
import { ActionError, settleAll } from '../../failures/action-error.ts'
import { progressLogger, type Change, type Context } from '../step.ts'
import { waitFor, type PollResult } from '../../util/polling.ts'
import type { Settings } from '../../inputs/types.ts'
import { parseCertificates } from '../../x509/parse.ts'
import { describeCertificate, shortenArn, ownerTagKey, formatOwnerTag } from './certificate.ts'
import { parseCertificateArns, getIngressHostname } from '../ingress/manifest.ts'
import type { RemovalTarget } from '../preflight/removal.ts'

/** A certificate with our tag for this target. */
export interface OwnedCertificate {
  readonly arn: string
  readonly leaf: X509Certificate | undefined
  /** What else uses it, so that it is kept. */
  readonly inUseBy: readonly string[]
}

/**
 * ACM's quota for reading tags is 10 a second, and an account may have many certificates. Source:
 * ACM user guide, Quotas.
 */
const maxConcurrentReads = 4

/**
 * Finds them by tag among all that were imported: the host may have been another one when they
 * were.
 */
export async function observe(
  context: Context,
  acm: Acm,
  loadBalancers: LoadBalancerClient,
  targetPromise: Promise<RemovalTarget>,
): Promise<OwnedCertificate[]> {
  const [listings, target] = await settleAll([acm.list([]), targetPromise])
  const arns = listings.filter(({ isImported }) => isImported).map(({ arn }) => arn)
  const ownedArns: string[] = []
  const findOwned = async (): Promise<void> => {
    for (let arn = arns.pop(); arn !== undefined; arn = arns.pop())
      if ((await acm.getTags(arn)).get(ownerTagKey) === formatOwnerTag(target)) ownedArns.push(arn)
  }
  await settleAll(Array.from({ length: maxConcurrentReads }, findOwned))
  for (const arn of target.ingress ? parseCertificateArns(target.ingress) : []) {
    if (!ownedArns.includes(arn))
      context.log.note(
        `Certificate ${arn}, which Ingress ${target.ingressName} names, was not made by this action for it, and stays.`,
      )
  }
  return Promise.all(
    ownedArns.sort().map(async (arn) => {
      const [pems, inUseBy] = await settleAll([
        acm.get(arn),
        findOtherUsers(acm, loadBalancers, target, arn),
      ])
      return { arn, leaf: parseCertificates(pems?.certificate ?? '')[0], inUseBy }
    }),
  )
}

/**
 * Users of a certificate that stay: not the ALB of the Ingress, and not one that is gone, which ACM
 * notices minutes later.
 */
async function findOtherUsers(
  acm: Acm,
  loadBalancers: LoadBalancerClient,
  { ingress, otherIngresses }: RemovalTarget,
  arn: string,
): Promise<string[]> {
  const referencingIngresses = otherIngresses
    .filter((other) => parseCertificateArns(other).includes(arn))
    .map(({ metadata }) => `Ingress ${metadata.name}`)
  const address = getIngressHostname(ingress)
  const ownLoadBalancer =
    address === undefined ? undefined : `loadbalancer/app/${nameFromDnsName(address)}/`
  const isStillInUse = async (resourceArn: string): Promise<boolean> => {
    if (ownLoadBalancer !== undefined && resourceArn.includes(ownLoadBalancer)) return false
    if (!resourceArn.includes(':loadbalancer/')) return true
    return loadBalancers.getByArn(resourceArn).then(
      (loadBalancer) => loadBalancer !== undefined,
      (thrown: unknown) => {
        if (thrown instanceof ActionError && thrown.code === 'aws-access-denied') return true
        throw thrown
      },
    )
  }
  const resourceArns = (await acm.inUseBy(arn)) ?? []
  const stillInUse = await Promise.all(resourceArns.map(isStillInUse))
  return [
    ...referencingIngresses,
    ...resourceArns.filter((_arn, index) => stillInUse[index]).map(shortenArn),
  ]
}

/** Pure. */
export function planRemoval(certificates: readonly OwnedCertificate[]): Change[] {
  return certificates
    .filter(({ inUseBy }) => inUseBy.length === 0)
    .map(({ arn, leaf }) => ({
      step: 'certificate',
      object: `ACM certificate ${arn}`,
      path: 'certificate',
      before: leaf ? describeCertificate(leaf) : arn,
      why: 'this action made it for this target',
    }))
}

/**
 * ACM calls a certificate used for minutes after its load balancer is gone; longer than this no run
 * waits. Milliseconds.
 */
const maxWait = 600_000

/**
 * Deletes what nothing else uses.
 * @returns how many were deleted
 * @throws ActionError `certificate-in-use`, `aws-access-denied`
 */
export async function remove(
  context: Context,
  settings: Settings,
  acm: Acm,
  certificates: readonly OwnedCertificate[],
  changes: readonly Change[],
): Promise<number> {
  for (const { arn, inUseBy } of certificates.filter(({ inUseBy }) => inUseBy.length > 0))
    context.log.note(
      `ACM certificate ${arn} was made by this action and stays: ${inUseBy.join(', ')} use${inUseBy.length === 1 ? 's' : ''} it. Run this again when nothing does, and it goes.`,
    )
  const deadline = context.clock.now() + Math.min(maxWait, settings.timeouts.loadBalancer * 1000)
  const deletable = certificates.filter(({ inUseBy }) => inUseBy.length === 0)
  for (const [index, { arn }] of deletable.entries()) {
    const change = changes[index]
    if (change) context.recordChange(change)
    await deleteWhenUnused(context, acm, arn, deadline)
  }
  return deletable.length
}

async function deleteWhenUnused(
  context: Context,
  acm: Acm,
  arn: string,
  deadline: number,
): Promise<void> {
  const start = context.clock.now()
  await waitFor({
    poll: async (): Promise<PollResult<true>> => {
      const refusal = await acm.deleteCertificate(arn)
      if (refusal === undefined) return { done: true }
      const inUseBy = (await acm.inUseBy(arn)) ?? []
      return {
        pending:
          inUseBy.length === 0
            ? refusal.replace(/\.$/, '')
            : `${inUseBy.map(shortenArn).join(', ')} still use${inUseBy.length === 1 ? 's' : ''} it, says ACM`,
      }
    },
    interval: (waited) => Math.min(10_000, Math.max(250, waited / 5)),
    timeout: Math.max(0, deadline - start),
    signal: context.signal,
    clock: context.clock,
    onProgress: progressLogger(context.log, 'certificate'),
    createTimeoutError: (lastObservation) =>
      new ActionError({
        code: 'certificate-in-use',
        problem: `ACM did not let go of certificate ${arn} within ${Math.round((context.clock.now() - start) / 1000)} s: ${lastObservation}.`,
        remedy: `ACM notices only minutes later that a load balancer is gone: run the job again in half an hour, and it deletes the certificate then. If it stays, "aws acm describe-certificate --certificate-arn ${arn} --query Certificate.InUseBy" names what uses it.`,
      }),
  })
}
