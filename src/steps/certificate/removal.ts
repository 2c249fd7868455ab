/** certificate, in mode destroy: ACM no longer holds what this action imported for this target. */
import type { X509Certificate } from 'node:crypto'
import type { Acm } from '../../clients/aws/acm.ts'
import { isDnsNameOf, type LoadBalancerClient } from '../../clients/aws/load-balancers.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { settleAll } from '../../failures/thrown.ts'
import { certificateStillInUse } from '../../failures/certificate.ts'
import { waitFor, type PollResult } from '../../util/polling.ts'
import { parseCertificates } from '../../x509/parse.ts'
import { getIngressHostname, parseCertificateArns } from '../ingress/manifest.ts'
import type { RemovalTarget } from '../preflight/removal.ts'
import type { AcmRun, Run } from '../run.ts'
import { progressLogger, type Context } from '../step.ts'
import { tolerateTransientErrors } from '../transient-errors.ts'
import { formatUsers, shortenUserArns } from './description.ts'
import { toChanges, type DeleteCertificate } from './operations.ts'
import { formatOwnerTag, ownerTagKey } from './owner-tag.ts'

export { toChanges } from './operations.ts'

/** A certificate with the owner tag of this target. */
export interface OwnedCertificate {
  readonly arn: string
  readonly leaf: X509Certificate | undefined
  /** Names of what else uses it; it is kept if there is any. */
  readonly inUseBy: readonly string[]
}

/**
 * Finds the certificates of this target by their tag, among all imported ones: they may have been
 * imported for another host.
 */
export async function observe(
  { context, clients }: Run,
  targetPromise: Promise<RemovalTarget>,
): Promise<OwnedCertificate[]> {
  const { acm, loadBalancers } = clients
  const [listings, target] = await settleAll([acm.list([]), targetPromise])
  const importedArns = listings.filter(({ isImported }) => isImported).map(({ arn }) => arn)
  const ownedArns = await findOwnedArns(acm, importedArns, formatOwnerTag(target))
  logKeptCertificates(context, target, ownedArns)
  const readOwnedCertificate = async (arn: string): Promise<OwnedCertificate> => {
    const otherUsers = findOtherUsers(acm, loadBalancers, target, arn)
    const [pem, inUseBy] = await settleAll([acm.get(arn), otherUsers])
    return { arn, leaf: parseCertificates(pem?.certificate ?? '')[0], inUseBy }
  }
  return Promise.all(ownedArns.map(readOwnedCertificate))
}

/** @returns in alphabetical order */
async function findOwnedArns(
  acm: Acm,
  arns: readonly string[],
  ownerTag: string,
): Promise<string[]> {
  const tags = await settleAll(arns.map((arn) => acm.getTags(arn)))
  return arns.filter((_arn, index) => tags[index]?.get(ownerTagKey) === ownerTag).sort()
}

function logKeptCertificates(
  context: Context,
  { ingress, ingressName }: RemovalTarget,
  ownedArns: readonly string[],
): void {
  const arns = ingress ? parseCertificateArns(ingress) : []
  for (const arn of arns.filter((candidate) => !ownedArns.includes(candidate)))
    context.log.note(
      `ACM certificate ${arn} of Ingress ${ingressName} is kept, ` +
        'because this action did not import it for this target.',
    )
}

/**
 * What uses a certificate besides the ALB of the Ingress, and besides load balancers that no longer
 * exist, which ACM reports for some minutes.
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
  const resourceArns = (await acm.inUseBy(arn)) ?? []
  const otherArns = resourceArns.filter((userArn) => !isLoadBalancerOf(ingress, userArn))
  const existence = await Promise.all(otherArns.map((userArn) => loadBalancers.mayExist(userArn)))
  const remainingArns = otherArns.filter((_userArn, index) => existence[index])
  return [...referencingIngresses, ...shortenUserArns(remainingArns)]
}

function isLoadBalancerOf(ingress: Ingress | undefined, arn: string): boolean {
  const address = getIngressHostname(ingress)
  const [, name] = /:loadbalancer\/app\/([^/]+)\//.exec(arn) ?? []
  return address !== undefined && name !== undefined && isDnsNameOf(name, address)
}

/** Plans to delete the certificates that nothing else uses. Pure. */
export const planRemoval = (certificates: readonly OwnedCertificate[]): DeleteCertificate[] =>
  certificates
    .filter(({ inUseBy }) => inUseBy.length === 0)
    .map(({ arn, leaf }) => ({
      action: 'delete',
      arn,
      leaf,
      why: 'this action imported it for this target',
    }))

/** Logs which certificates are not deleted, because something else uses them. */
export function logUsedCertificates(
  { log }: Context,
  certificates: readonly OwnedCertificate[],
): void {
  for (const { arn, inUseBy } of certificates)
    if (inUseBy.length > 0)
      log.note(
        `ACM certificate ${arn} of this target is kept, because it is still used by ` +
          `${inUseBy.join(', ')}. Run mode destroy again once it is unused.`,
      )
}

/** Milliseconds. ACM reports a load balancer as user for minutes after its deletion. */
const maxWait = 600_000

/** @throws ActionError `certificate-in-use`, `aws-access-denied` */
export async function applyRemoval(
  run: AcmRun,
  operations: readonly DeleteCertificate[],
): Promise<void> {
  const { context, settings } = run
  const deadline = context.clock.now() + Math.min(maxWait, settings.timeouts.loadBalancer * 1000)
  for (const operation of operations) {
    for (const change of toChanges([operation])) context.recordChange(change)
    await deleteWhenUnused(run, operation.arn, deadline)
  }
}

async function deleteWhenUnused(
  { context, clients: { acm } }: AcmRun,
  arn: string,
  deadline: number,
): Promise<void> {
  const start = context.clock.now()
  const poll = async (): Promise<PollResult<true>> => {
    const rejection = await acm.deleteCertificate(arn)
    if (rejection === undefined) return { done: true }
    const inUseBy = (await acm.inUseBy(arn)) ?? []
    if (inUseBy.length > 0)
      return { pending: `according to ACM it is still used by ${formatUsers(inUseBy)}` }
    return { pending: `ACM rejected the deletion: ${rejection.replace(/\.$/, '')}` }
  }
  await waitFor({
    poll: () => tolerateTransientErrors(poll),
    interval: (waited) => Math.min(10_000, Math.max(250, waited / 5)),
    timeout: Math.max(0, deadline - start),
    signal: context.signal,
    clock: context.clock,
    onProgress: progressLogger(context.log, 'certificate'),
    createTimeoutError: (status) =>
      certificateStillInUse({ arn, waited: context.clock.now() - start, status }),
  })
}
