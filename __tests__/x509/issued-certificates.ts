/** Certificates of two CAs for one host, and what tests of certificates do with them. */
import { X509Certificate } from 'node:crypto'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { parseCertificateMaterial, type CertificateMaterial } from '../../src/x509/certificate.ts'
import { checkMaterial } from '../../src/x509/checks.ts'

export const host = 'milvus.example.com'
export const now = Date.now()
export const millisecondsPerDay = 86_400_000
export const keyAlgorithm = 'EC_prime256v1'

export const authority = await createCertificateAuthority({
  keyAlgorithm,
  notBefore: new Date(now - 30 * millisecondsPerDay),
})
export const otherAuthority = await createCertificateAuthority({ keyAlgorithm, name: 'Other CA' })
export const validCertificate = await authority.issue({ hosts: [host], keyAlgorithm })
export const otherCertificate = await otherAuthority.issue({ hosts: [host], keyAlgorithm })

export const parseLeaf = (pem: string): X509Certificate => new X509Certificate(pem)

/** The material of PEM inputs; the key is that of `validCertificate` by default. */
export const parseMaterial = (inputs: {
  certificate: string
  chain?: string
  privateKey?: string
}): CertificateMaterial =>
  parseCertificateMaterial({ chain: '', privateKey: validCertificate.privateKey, ...inputs })

export const listProblemCodes = (material: CertificateMaterial, at = now): string[] =>
  checkMaterial(material, host, at).map(({ code }) => code)
