/** The account of a certificate that the inputs name. */
import { certificateInOtherAccount } from '../../failures/certificate.ts'
import type { EndpointSettings } from '../../inputs/types.ts'

/**
 * @param clusterAccount undefined when unknown
 * @throws ActionError `inputs-conflict` when certificate-arn belongs to another account
 */
export function checkAccount(
  { certificate }: EndpointSettings,
  clusterAccount: string | undefined,
): void {
  const certificateAccount = getInputArn(certificate)?.split(':')[4]
  if (certificateAccount === undefined || clusterAccount === undefined) return
  if (certificateAccount !== clusterAccount)
    throw certificateInOtherAccount(certificateAccount, clusterAccount)
}

function getInputArn(certificate: EndpointSettings['certificate']): string | undefined {
  if (certificate.kind === 'arn') return certificate.arn
  return certificate.kind === 'material' ? certificate.importArn : undefined
}
