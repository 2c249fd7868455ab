/** certificate: ACM holds exactly this certificate, under an ARN that stays the same at renewal. */
import { reimportRejected } from '../../failures/certificate.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { known, knownLater, type Deferred } from '../deferred.ts'
import { parseCertificateArns } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'
import type { AcmRun, EndpointRun } from '../run.ts'
import { formatUsers } from './description.ts'
import { importNewCertificate, toImportMaterial } from './import.ts'
import type { ObservedCertificates } from './observation.ts'
import {
  toChanges,
  type CertificateOperation,
  type ImportCertificate,
  type ReimportCertificate,
} from './operations.ts'
import { buildTags } from './owner-tag.ts'
import {
  planForGivenArn,
  selectCertificate,
  type AcmCertificate,
  type CertificatePlan,
} from './selection.ts'

export { observe } from './observation.ts'
export { toChanges } from './operations.ts'

/** Pure. */
export function plan(
  { settings }: Pick<EndpointRun, 'settings'>,
  observed: ObservedCertificates,
): CertificatePlan {
  switch (observed.source) {
    case 'none':
      return { current: undefined, operations: [], superseded: [] }
    case 'existing':
      return { current: observed.certificate, operations: [], superseded: [] }
    case 'inputs': {
      const { candidates, reimportTarget } = observed
      const tags = buildTags(settings, observed.desired.ownerTag)
      const desired = { ...observed.desired, tags }
      return reimportTarget
        ? planForGivenArn(reimportTarget, desired)
        : selectCertificate(candidates, desired)
    }
  }
}

/**
 * The ARN that the Ingress should contain.
 * @param certificatePlan undefined when ACM could not be read: then that of the inputs, or else the
 *   current one
 */
export function expectArn(
  { certificate: source }: EndpointSettings,
  { ingress }: Target,
  certificatePlan: CertificatePlan | undefined,
): Deferred<string> {
  if (certificatePlan?.operations.some(({ action }) => action === 'import'))
    return knownLater('(known after the import)')
  const arn = certificatePlan ? certificatePlan.current?.arn : fallbackArn(source, ingress)
  return arn === undefined ? knownLater('(the certificate of the deployment)') : known(arn)
}

function fallbackArn(
  source: EndpointSettings['certificate'],
  ingress: Target['ingress'],
): string | undefined {
  if (source.kind === 'arn') return source.arn
  return ingress && parseCertificateArns(ingress)[0]
}

/** Logs what uses a certificate, in a check. */
export async function logUsageNotes({ context, clients }: EndpointRun, arn: string): Promise<void> {
  const inUseBy = await clients.acm.inUseBy(arn)
  if (inUseBy === undefined)
    context.recordUnreadable(
      `the status and the users of ACM certificate ${arn} (acm:DescribeCertificate)`,
    )
  else if (inUseBy.length === 0) context.log.note(`ACM certificate ${arn} is not in use.`)
  else context.log.info(`ACM certificate ${arn} is used by ${formatUsers(inUseBy)}`)
}

/** The certificate that the ALB has to serve. */
export interface ServedCertificate extends AcmCertificate {
  /** Whether this run created its ARN, so that ELB may not know it yet. */
  readonly hasNewArn: boolean
}

/** @returns undefined without operations */
export async function apply(
  run: AcmRun,
  operations: readonly CertificateOperation[],
): Promise<ServedCertificate | undefined> {
  let imported: ServedCertificate | undefined
  for (const operation of operations) imported = await applyOperation(run, operation)
  return imported
}

async function applyOperation(
  run: AcmRun,
  operation: CertificateOperation,
): Promise<ServedCertificate> {
  for (const change of toChanges([operation])) run.context.recordChange(change)
  switch (operation.action) {
    case 'import':
      return importCertificate(run, operation)
    case 'reimport':
      return reimportCertificate(run, operation)
  }
}

async function importCertificate(
  run: AcmRun,
  { material, tags }: ImportCertificate,
): Promise<ServedCertificate> {
  const arn = await importNewCertificate(run, material, tags)
  return { arn, leaf: material.leaf, hasNewArn: true }
}

/**
 * Only ACM knows every reason against a re-import: removed key usages, for example.
 * @throws ActionError `certificate-refused` when it rejects one under an ARN of the inputs
 */
async function reimportCertificate(
  run: AcmRun,
  { arn, material, onRejection }: ReimportCertificate,
): Promise<ServedCertificate> {
  const rejection = await run.clients.acm.reimport(arn, toImportMaterial(material))
  if (!rejection) return { arn, leaf: material.leaf, hasNewArn: false }
  if (onRejection.action === 'fail') throw reimportRejected(arn, rejection)
  const why = `ACM rejected it under the ARN that is in use: ${rejection.message}`
  return applyOperation(run, { ...onRejection, material, why })
}
