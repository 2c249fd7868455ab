/** Finds certificate, chain and key in the value of a secret in AWS Secrets Manager. Pure. */
import { secretOrigin } from '../../failures/certificate-origin.ts'
import {
  secretEntryMissing,
  secretNotPem,
  secretPartMissing,
} from '../../failures/certificate-secret.ts'
import { isPlainObject } from '../../util/objects.ts'
import type { CertificateTexts } from '../../x509/certificate.ts'
import { decodePem } from '../../x509/pem.ts'

/**
 * The keys of a JSON value, the first of which counts. Case, `_`, `-`, `.` and a final "pem" make
 * no difference: `privateKey`, `PRIVATE_KEY_PEM`. Sources: certbot's files, ACM's export, the keys
 * of a Secret of type kubernetes.io/tls.
 */
const certificateKeys = ['fullchain', 'certificate', 'cert', 'tls.crt']
const privateKeyKeys = ['private_key', 'privkey', 'key', 'tls.key']
const chainKeys = ['certificate_chain', 'chain', 'ca.crt']

/**
 * @param secret the name that begins sentences about it: `Secret arn:...`
 * @param value JSON with PEM, or PEM
 * @throws ActionError `certificate-secret-unusable`
 */
export function parseSecretValue(secret: string, value: string): CertificateTexts {
  const json = parseObject(value)
  if (json) return findEntries(secret, json)
  const pem = decodePem(value)
  if (pem === undefined) throw secretNotPem(secret)
  return splitPem(secret, pem)
}

function parseObject(value: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(value)
    return isPlainObject(json) ? json : undefined
  } catch {
    // The error quotes the value.
    return undefined
  }
}

function findEntries(secret: string, json: Record<string, unknown>): CertificateTexts {
  const certificate = findEntry(json, certificateKeys)
  const privateKey = findEntry(json, privateKeyKeys)
  const chain = findEntry(json, chainKeys)
  if (!certificate) throw secretEntryMissing(secret, 'certificate', certificateKeys)
  if (!privateKey) throw secretEntryMissing(secret, 'private key', privateKeyKeys)
  const entries = {
    certificate: certificate.key,
    privateKey: privateKey.key,
    chain: chain?.key ?? 'chain',
  }
  return {
    certificate: certificate.text,
    privateKey: privateKey.text,
    chain: chain?.text ?? '',
    origin: secretOrigin(secret, entries),
  }
}

const normalizeKey = (key: string): string =>
  key.toLowerCase().replace(/[-_.]/g, '').replace(/pem$/, '')

/** The first of the keys that has a text, with its name in the JSON. */
function findEntry(
  json: Record<string, unknown>,
  keys: readonly string[],
): { readonly key: string; readonly text: string } | undefined {
  for (const wanted of keys) {
    const key = Object.keys(json).find((each) => normalizeKey(each) === normalizeKey(wanted))
    const text = key === undefined ? undefined : json[key]
    if (key !== undefined && typeof text === 'string' && text.trim() !== '')
      return { key, text: decodePem(text) ?? text }
  }
  return undefined
}

const certificateBlock =
  /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----[^-]*-----END [A-Z0-9 ]*CERTIFICATE-----/g

/** Certificates and a key in one text, in any order. */
function splitPem(secret: string, pem: string): CertificateTexts {
  const certificates = pem.match(certificateBlock) ?? []
  const privateKey = pem.replace(certificateBlock, '').trim()
  if (certificates.length === 0) throw secretPartMissing(secret, 'certificate')
  if (!privateKey.includes('PRIVATE KEY-----')) throw secretPartMissing(secret, 'private key')
  return {
    certificate: certificates.join('\n'),
    privateKey,
    chain: '',
    origin: secretOrigin(secret, undefined),
  }
}
