/** What ACM reads from certificates. */
import { X509Certificate, type KeyObject } from 'node:crypto'
import type { KeyUsageFlags } from '@peculiar/x509'
import type { AcmCertificate, AwsState } from './state.ts'
import { x509 } from './x509.ts'

/**
 * The certificates in a PEM text; undefined when there are none, when one does not parse, or when
 * the text contains anything else.
 */
export function parseCertificates(pem: string): X509Certificate[] | undefined {
  const blocks =
    pem.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
  const remainder = blocks.reduce((text, block) => text.replace(block, ''), pem)
  if (blocks.length === 0 || remainder.trim() !== '') return undefined
  try {
    return blocks.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}

const curveAlgorithms: Readonly<Record<string, string>> = {
  prime256v1: 'EC_prime256v1',
  secp384r1: 'EC_secp384r1',
  secp521r1: 'EC_secp521r1',
}

/**
 * ACM's name of a key's algorithm; undefined when ACM does not support it (user guide,
 * "Prerequisites for importing").
 */
export function getAcmKeyAlgorithm(key: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa')
    return [1024, 2048, 3072, 4096].includes(modulusLength) ? `RSA_${modulusLength}` : undefined
  return key.asymmetricKeyType === 'ec' ? curveAlgorithms[namedCurve] : undefined
}

/** Names of key usage bits as ACM writes them (API reference, KeyUsage). */
const keyUsageNames: readonly (readonly [KeyUsageFlags, string])[] = [
  [x509.KeyUsageFlags.digitalSignature, 'DIGITAL_SIGNATURE'],
  [x509.KeyUsageFlags.nonRepudiation, 'NON_REPUDIATION'],
  [x509.KeyUsageFlags.keyEncipherment, 'KEY_ENCIPHERMENT'],
  [x509.KeyUsageFlags.dataEncipherment, 'DATA_ENCIPHERMENT'],
  [x509.KeyUsageFlags.keyAgreement, 'KEY_AGREEMENT'],
  [x509.KeyUsageFlags.keyCertSign, 'CERTIFICATE_SIGNING'],
  [x509.KeyUsageFlags.cRLSign, 'CRL_SIGNING'],
  [x509.KeyUsageFlags.encipherOnly, 'ENCIPHER_ONLY'],
  [x509.KeyUsageFlags.decipherOnly, 'DECIPHER_ONLY'],
]

const extendedKeyUsageNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'TLS_WEB_SERVER_AUTHENTICATION',
  '1.3.6.1.5.5.7.3.2': 'TLS_WEB_CLIENT_AUTHENTICATION',
  '1.3.6.1.5.5.7.3.3': 'CODE_SIGNING',
  '1.3.6.1.5.5.7.3.4': 'EMAIL_PROTECTION',
  '1.3.6.1.5.5.7.3.8': 'TIME_STAMPING',
  '1.3.6.1.5.5.7.3.9': 'OCSP_SIGNING',
}

/** The contents of a certificate that ACM uses. */
export interface AcmCertificateDetails {
  /** The common name, or the first name; empty when there is neither. */
  readonly domainName: string
  /** DNS names, including the domain name. */
  readonly names: readonly string[]
  readonly subject: string
  readonly issuer: string
  /** Lower case with colons: `0a:1b:...`. Neither Node nor OpenSSL uses this format. */
  readonly serial: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly signatureAlgorithm: string
  /** Undefined when the certificate lacks the extension. */
  readonly keyUsages: readonly string[] | undefined
  readonly extendedKeyUsages: readonly { readonly Name: string; readonly OID: string }[] | undefined
  readonly ocspUrls: readonly string[]
}

/** Parses a certificate. */
export function parseAcmCertificateDetails(certificate: X509Certificate): AcmCertificateDetails {
  const parsed = new x509.X509Certificate(new Uint8Array(certificate.raw))
  const alternativeNames =
    parsed.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? []
  const dnsNames = alternativeNames.filter(({ type }) => type === 'dns').map(({ value }) => value)
  const commonName = parsed.subjectName.getField('CN')[0]
  const domainName = commonName ?? dnsNames[0] ?? ''
  const usageFlags = parsed.getExtension(x509.KeyUsagesExtension)?.usages
  const extendedUsages = parsed.getExtension(x509.ExtendedKeyUsageExtension)?.usages.map(String)
  const { name: signatureName, hash: hashAlgorithm } = parsed.signatureAlgorithm
  const hash = typeof hashAlgorithm === 'string' ? hashAlgorithm : hashAlgorithm.name
  const signatureType = signatureName === 'ECDSA' ? 'ECDSA' : 'RSA'
  return {
    domainName,
    names: [...new Set([domainName, ...dnsNames])].filter((name) => name !== ''),
    subject: parsed.subject,
    issuer: parsed.issuer,
    serial: (certificate.serialNumber.toLowerCase().match(/../g) ?? []).join(':'),
    notBefore: parsed.notBefore,
    notAfter: parsed.notAfter,
    signatureAlgorithm: `${hash.replace('-', '')}WITH${signatureType}`,
    keyUsages:
      usageFlags === undefined
        ? undefined
        : keyUsageNames.filter(([flag]) => (usageFlags & flag) !== 0).map(([, name]) => name),
    extendedKeyUsages: extendedUsages?.map((oid) => ({
      Name: extendedKeyUsageNames[oid] ?? 'CUSTOM',
      OID: oid,
    })),
    ocspUrls:
      parsed.getExtension(x509.AuthorityInfoAccessExtension)?.ocsp.map(({ value }) => value) ?? [],
  }
}

const detailsCache = new Map<string, AcmCertificateDetails>()

/** The details of a certificate in ACM. They are cached: an account may have a thousand. */
export function getAcmCertificateDetails({ certificate }: AcmCertificate): AcmCertificateDetails {
  const details =
    detailsCache.get(certificate) ?? parseAcmCertificateDetails(new X509Certificate(certificate))
  detailsCache.set(certificate, details)
  return details
}

/** The load balancers whose listeners use a certificate: DescribeCertificate's InUseBy. */
export function getInUseBy(state: AwsState, arn: string): string[] {
  return [...state.loadBalancers.values()]
    .filter(({ listeners }) =>
      listeners.some(({ certificateArns }) => certificateArns.includes(arn)),
    )
    .map((loadBalancer) => loadBalancer.arn)
}
