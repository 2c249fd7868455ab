/** Certificates in every state, and the inputs that pass them. */
import type { IssuedCertificate } from '../../testing/certificates.ts'
import type { TestEnvironment } from '../../testing/environment.ts'

export const dayMs = 86_400_000

/** Passes a certificate and its chain in one input, as Let's Encrypt issues them, and its key. */
export const certificateInputs = ({
  fullchain,
  privateKey,
}: Pick<IssuedCertificate, 'fullchain' | 'privateKey'>) => ({
  certificate: fullchain,
  'private-key': privateKey,
})

/** Passes a certificate that is in ACM. */
export const certificateArnInputs = (arn: string) => ({
  certificate: '',
  'private-key': '',
  'certificate-arn': arn,
})

/** Issues a certificate that expired yesterday. */
export const issueExpiredCertificate = (
  { certificateAuthority }: TestEnvironment,
  host: string,
): Promise<IssuedCertificate> =>
  certificateAuthority.issue({
    hosts: [host],
    notBefore: new Date(Date.now() - 3 * dayMs),
    notAfter: new Date(Date.now() - dayMs),
  })

/** Issues a certificate with a larger key, which ACM accepts only under a new ARN. */
export const issueWithLargerKey = ({
  certificateAuthority,
  host,
}: TestEnvironment): Promise<IssuedCertificate> =>
  certificateAuthority.issue({ hosts: [host], keyAlgorithm: 'RSA_3072' })
