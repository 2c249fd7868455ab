/**
 * Certificates, keys and chains that were damaged, are of unsupported kinds, or are in another
 * order. A few are generated, and each is damaged many times.
 */
import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { expect } from '@jest/globals'
import fc from 'fast-check'
import {
  createCertificateAuthority,
  encryptPrivateKey,
  issueSelfSigned,
} from '../../testing/certificates.ts'
import type { EndpointSettings } from '../../src/inputs/types.ts'
import {
  getCertificateDetails,
  parseCertificateMaterial,
  type CertificateMaterial,
} from '../../src/x509/certificate.ts'
import { checkMaterial } from '../../src/x509/checks.ts'
import {
  formatExpiryWarning,
  formatIssuerExpiryWarning,
  formatMixedKeysWarning,
  listClientWarnings,
} from '../../src/x509/warnings.ts'
import { isIssuerOf } from '../../src/x509/issuers.ts'
import { isTrusted } from '../../src/x509/trust.ts'
import { weakFixtures } from '../x509/weak-fixtures.ts'
import { anyLengthText, corruptText, corruptBytes } from './arbitraries.ts'
import { minimalInputs, parseEndpointSettings } from './inputs.ts'
import { expectReadable, isAccepted, testProperty } from './property.ts'

const host = 'milvus.example.com'
const [ecAuthority, rsaAuthority, otherAuthority] = await Promise.all([
  createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' }),
  createCertificateAuthority(),
  createCertificateAuthority({ name: 'Others', keyAlgorithm: 'EC_prime256v1' }),
])
const [ecIssued, rsaIssued, unrelated, selfSignedCertificate] = await Promise.all([
  ecAuthority.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
  rsaAuthority.issue({ hosts: [host, '*.example.com'] }),
  otherAuthority.issue({ hosts: ['other.example.com'], keyAlgorithm: 'EC_prime256v1' }),
  issueSelfSigned({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
])
const weakPems = Object.values(weakFixtures as Readonly<Record<string, unknown>>).flatMap(
  (fixture) =>
    typeof fixture === 'string' ? [fixture] : Object.values(fixture as Record<string, string>),
)

const keysOfOtherTypes = [
  generateKeyPairSync('ed25519').privateKey,
  generateKeyPairSync('x25519').privateKey,
  generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
  generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
].map((key) => key.export({ type: 'pkcs8', format: 'pem' }).toString())
const sec1Key = createPrivateKey(ecIssued.privateKey)
  .export({ type: 'sec1', format: 'pem' })
  .toString()
const keys = [
  ecIssued.privateKey,
  rsaIssued.privateKey,
  sec1Key,
  ...keysOfOtherTypes,
  encryptPrivateKey(ecIssued.privateKey, 'x'),
]
const certificates = [
  ecIssued.certificate,
  ecIssued.fullchain,
  ecAuthority.intermediate,
  rsaIssued.certificate,
  rsaIssued.chain,
  selfSignedCertificate.certificate,
  ecAuthority.root,
  ...weakPems.filter((text) => text.includes('CERTIFICATE')),
]

const extractPemBody = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, '')
const pemToDer = (pem: string): Buffer =>
  Buffer.from(
    extractPemBody(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/.exec(pem)?.[0] ?? ''),
    'base64',
  )
const encodePem = (kind: string, bytes: Buffer): string =>
  `-----BEGIN ${kind}-----\n${bytes.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${kind}-----\n`

/** Every fragment of a key that is long enough to be of use to an attacker. */
const keyFragments = [ecIssued.privateKey, rsaIssued.privateKey]
  .flatMap((key) =>
    key
      .split('\n')
      .filter((line) => line.length >= 24 && !line.startsWith('-'))
      .flatMap((line) => [line.slice(0, 24), line.slice(-24)]),
  )
  // All keys of a type begin with the same bytes.
  .filter(
    (fragment, _index, all) =>
      !/^MI(GH|IE)/.test(fragment) && all.indexOf(fragment) === all.lastIndexOf(fragment),
  )

const inputNamePattern = /Inputs? (certificate|private-key|certificate-chain|probe-ca)\b/

/** Processes the parsed material as a run does. */
function exerciseMaterial(material: CertificateMaterial): void {
  const now = Date.now()
  for (const { message, remedy } of checkMaterial(material, host, now))
    expectReadable(`${message} ${remedy}`, keyFragments)
  const { leaf } = material
  expectReadable(
    [
      ...listClientWarnings(leaf),
      formatMixedKeysWarning(material),
      formatIssuerExpiryWarning(material, 10_000, now),
      formatExpiryWarning(leaf, undefined, now),
      formatExpiryWarning(leaf, 10_000, now),
    ]
      .join(' ')
      .replace(/undefined/g, ''),
  )
  expectReadable(
    Object.values({
      ...getCertificateDetails(leaf),
      notAfter: getCertificateDetails(leaf).notAfter.toISOString(),
    }).join(' '),
  )
  isTrusted(material, [ecAuthority.root])
}

function exerciseSettings({ certificate }: EndpointSettings): void {
  if (certificate.kind === 'material') exerciseMaterial(certificate.material)
}

const acceptsInputs = (inputs: {
  certificate?: string
  'private-key'?: string
  'certificate-chain'?: string
  'probe-ca'?: string
}): boolean =>
  isAccepted(
    () =>
      exerciseSettings(
        parseEndpointSettings({
          ...minimalInputs,
          'certificate-arn': '',
          certificate: ecIssued.fullchain,
          'private-key': ecIssued.privateKey,
          ...inputs,
        }),
      ),
    inputNamePattern,
    keyFragments,
  )

const anyCertificateInput = fc.constantFrom('certificate', 'certificate-chain', 'probe-ca')
const anyCertificateBytes = fc.oneof(
  { weight: 8, arbitrary: corruptBytes(fc.constantFrom(...certificates.map(pemToDer))) },
  { weight: 1, arbitrary: corruptBytes(fc.constantFrom(...keys.map(pemToDer))) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  },
)
testProperty(
  'certificates in DER',
  fc.tuple(anyCertificateBytes, anyCertificateInput),
  ([bytes, input]) =>
    acceptsInputs({
      certificate: ecIssued.certificate,
      'certificate-chain': input === 'probe-ca' ? '' : ecIssued.chain,
      [input]: encodePem('CERTIFICATE', bytes),
    }),
)

const encoders: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => Buffer.from(text).toString('base64'),
  (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
  (text) => text.replaceAll('\n', '\r\n'),
  (text) => text.replaceAll('\n', '\\n'),
  (text) => JSON.stringify(text),
  (text) => text.replaceAll('\n', ' '),
  (text) => text.replaceAll('\n', ''),
  (text) => pemToDer(text).toString('base64'),
  (text) => pemToDer(text).toString('latin1'),
  (text) => text.toLowerCase(),
  (text) => text + text,
  (text) => text.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
  (text) => text.replaceAll('CERTIFICATE', 'PKCS7'),
  (text) => text.slice(text.length / 2),
]
const pkcs12 = ['3082098a0201033082094406', '30819a020103308144'].map((hex) =>
  Buffer.from(hex.padEnd(400, '0'), 'hex').toString('base64'),
)
const anyPemText = (pems: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: corruptText(
        fc
          .tuple(fc.constantFrom(...pems), fc.constantFrom(...encoders))
          .map(([pem, encode]) => encode(pem)),
        2,
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .array(fc.constantFrom(...certificates, ...keys, '\n', ' '), { maxLength: 4 })
        .map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.constantFrom(...pkcs12) },
    { weight: 1, arbitrary: anyLengthText },
  )
testProperty(
  'certificates and chains as text',
  fc.tuple(anyPemText(certificates), anyCertificateInput),
  ([text, input]) => acceptsInputs({ [input]: text }),
  [
    ['-----BEGIN CERTIFICATE-----\nx'.repeat(6_000), 'certificate'],
    [`-----BEGIN ${'A '.repeat(60_000)}`, 'certificate-chain'],
  ],
)

const anyKeyText = fc.oneof(
  { weight: 4, arbitrary: anyPemText(keys) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        corruptBytes(fc.constantFrom(...keys.map(pemToDer))),
        fc.constantFrom('PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY'),
      )
      .map(([bytes, kind]) => encodePem(kind, bytes)),
  },
)
testProperty(
  'private keys',
  fc.tuple(anyKeyText, fc.constantFrom('private-key', 'private-key', 'certificate')),
  ([text, input]) => acceptsInputs({ [input]: text }),
  [['-----BEGIN PRIVATE KEY-----\nx'.repeat(6_000), 'private-key']],
)

const certificateSubset = fc.shuffledSubarray([
  ecIssued.certificate,
  ecAuthority.intermediate,
  ecAuthority.root,
  unrelated.certificate,
  otherAuthority.intermediate,
  ecIssued.certificate.replaceAll('\n', '\r\n'),
])
testProperty(
  'chains in any order',
  fc.tuple(certificateSubset, fc.boolean()),
  ([shuffledPems, isSplit]) => {
    const inputs = isSplit
      ? { certificate: shuffledPems.slice(0, 1).join(''), chain: shuffledPems.slice(1).join('') }
      : { certificate: shuffledPems.join(''), chain: '' }
    return isAccepted(() => {
      const material = parseCertificateMaterial({ ...inputs, privateKey: ecIssued.privateKey })
      exerciseMaterial(material)
      const [leaf, intermediate, root] = [
        ecIssued.certificate,
        ecAuthority.intermediate,
        ecAuthority.root,
      ].map((text) => new X509Certificate(text))
      if (!shuffledPems.some((text) => text.replaceAll('\r', '') === ecIssued.certificate)) return
      expect(material.leaf.fingerprint256).toBe(leaf?.fingerprint256)
      const path = shuffledPems.includes(ecAuthority.intermediate)
        ? [intermediate, ...(shuffledPems.includes(ecAuthority.root) ? [root] : [])]
        : []
      expect(material.chain.map(({ fingerprint256 }) => fingerprint256)).toEqual(
        path.map((each) => each?.fingerprint256),
      )
      material.chain.forEach((each, index) =>
        expect(isIssuerOf(each, material.chain[index - 1] ?? material.leaf)).toBe(true),
      )
    }, inputNamePattern)
  },
)
