/** Certificates of one authority, as candidates in ACM and as inputs. */
import { X509Certificate } from 'node:crypto'
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import {
  selectCertificate,
  type Candidate,
  type CertificatePlan,
} from '../../../src/steps/certificate/selection.ts'
import {
  parseCertificateMaterial,
  type CertificateMaterial,
} from '../../../src/x509/certificate.ts'
import { certificateArn, host } from '../fixtures.ts'

export const keyAlgorithm = 'EC_prime256v1'
export const ownTarget = 'uid-of-namespace/milvus-demo'
export const tags = { 'milvus-alb-action/target': ownTarget }

export const createArn = (index: number): string =>
  certificateArn.replace(/0{12}$/, String(index).padStart(12, '0'))

export const authority = await createCertificateAuthority({ keyAlgorithm })

const issueCertificate = (
  hosts: string[],
  algorithm: Parameters<CertificateAuthority['issue']>[0]['keyAlgorithm'] = keyAlgorithm,
): Promise<IssuedCertificate> => authority.issue({ hosts, keyAlgorithm: algorithm })

export const oldCertificate = await issueCertificate([host])
export const renewedCertificate = await issueCertificate([host])
export const otherCertificates = {
  bigger: await issueCertificate([host], 'EC_secp384r1'),
  elsewhere: await issueCertificate(['other.example.com']),
  more: await issueCertificate(['old.example.com', host]),
  mixed: await issueCertificate([host.toUpperCase()]),
}

const toMaterial = ({ certificate, chain, privateKey }: IssuedCertificate): CertificateMaterial =>
  parseCertificateMaterial({ certificate, chain, privateKey })

/** The renewed certificate, as the inputs contain it. */
export const material = toMaterial(renewedCertificate)
export const wildcardMaterial = toMaterial(await issueCertificate([host.replace(/^[^.]+/, '*')]))

export const parseLeaf = (issued: IssuedCertificate): X509Certificate =>
  new X509Certificate(issued.certificate)
export const parseChain = (issued: IssuedCertificate): X509Certificate[] => [
  new X509Certificate(issued.chain),
]

/** A candidate in ACM: by default imported, without owner, and with its chain. */
export const createCandidate = (
  index: number,
  issued: IssuedCertificate,
  overrides: Partial<Candidate> = {},
): Candidate => ({
  arn: createArn(index),
  isImported: true,
  leaf: parseLeaf(issued),
  chain: parseChain(issued),
  ownerTag: undefined,
  ...overrides,
})
export const ownTag = { ownerTag: ownTarget }
export const otherTag = { ownerTag: 'uid-of-namespace/another' }

export const runSelection = (
  candidates: readonly Candidate[],
  currentIndex?: number,
  newMaterial = material,
): CertificatePlan =>
  selectCertificate(candidates, {
    ownerTag: ownTarget,
    liveArn: currentIndex === undefined ? undefined : createArn(currentIndex),
    material: newMaterial,
    tags,
  })

/** `use 1`, `reimport 2`, `import`. */
export function describePlan({ current, operations }: CertificatePlan): string {
  const action = operations[0]?.action ?? 'use'
  return current ? `${action} ${Number(current.arn.slice(-12))}` : action
}
