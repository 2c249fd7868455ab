/** Certificates, keys and chains that broke on the way, are of other kinds, or in another order. A few are made once, and broken many times. */
import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { expect } from '@jest/globals'
import fc from 'fast-check'
import { createAuthority, encryptPrivateKey, selfSigned } from '../../sandbox/certificates.ts'
import type { Settings } from '../../src/settings/types.ts'
import { certificateFacts, issued, readMaterial, type CertificateMaterial } from '../../src/x509/certificate.ts'
import { checkMaterial, clientWarning, expiryWarning, isTrusted } from '../../src/x509/checks.ts'
import { weakFixtures } from '../x509/weak-fixtures.ts'
import { anyLength, broken, brokenBytes } from './bad-texts.ts'
import { minimal, settingsOf } from './inputs.ts'
import { expectReadable, isTaken, property } from './property.ts'

const host = 'milvus.example.com'
const [ec, rsa, others] = await Promise.all([createAuthority({ key: 'EC_prime256v1' }), createAuthority(), createAuthority({ name: 'Others', key: 'EC_prime256v1' })])
const [own, second, stranger, alone] = await Promise.all([ec.issue({ hosts: [host], key: 'EC_prime256v1' }), rsa.issue({ hosts: [host, '*.example.com'] }), others.issue({ hosts: ['other.example.com'], key: 'EC_prime256v1' }), selfSigned({ hosts: [host], key: 'EC_prime256v1' })])
const weak = Object.values(weakFixtures as Readonly<Record<string, unknown>>).flatMap((fixture) => (typeof fixture === 'string' ? [fixture] : Object.values(fixture as Record<string, string>)))

const keysOfOtherTypes = [
  generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('x25519').privateKey, generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey, generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
].map((key) => key.export({ type: 'pkcs8', format: 'pem' }).toString())
const traditional = createPrivateKey(own.privateKey).export({ type: 'sec1', format: 'pem' }).toString()
const keys = [own.privateKey, second.privateKey, traditional, ...keysOfOtherTypes, encryptPrivateKey(own.privateKey, 'x')]
const certificates = [own.certificate, own.fullchain, ec.intermediate, second.certificate, second.chain, alone.certificate, ec.root, ...weak.filter((text) => text.includes('CERTIFICATE'))]

const bodyOf = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, '')
const der = (pem: string): Buffer => Buffer.from(bodyOf(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/.exec(pem)?.[0] ?? ''), 'base64')
const armoured = (kind: string, bytes: Buffer): string => `-----BEGIN ${kind}-----\n${bytes.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END ${kind}-----\n`

/** Every piece of a key that is long enough to help anybody. */
const pieces = [own.privateKey, second.privateKey].flatMap((key) => key.split('\n').filter((line) => line.length >= 24 && !line.startsWith('-')).flatMap((line) => [line.slice(0, 24), line.slice(-24)]))
  // The beginning of every key of a type is the same.
  .filter((piece, _index, all) => !/^MI(GH|IE)/.test(piece) && all.indexOf(piece) === all.lastIndexOf(piece))

const named = /Input (certificate|private-key|certificate-chain|probe-ca)\b/

/** What a run does with what was read. */
function use(material: CertificateMaterial): void {
  const now = Date.now()
  for (const { message, remedy } of checkMaterial(material, host, now)) expectReadable(`${message} ${remedy}`, pieces)
  const { leaf } = material
  expectReadable([clientWarning(leaf), expiryWarning(leaf, undefined, now), expiryWarning(leaf, 10_000, now)].join(' ').replace(/undefined/g, ''))
  expectReadable(Object.values({ ...certificateFacts(leaf), notAfter: certificateFacts(leaf).notAfter.toISOString() }).join(' '))
  isTrusted(material, [ec.root])
}

function materialIn({ certificate }: Settings): void {
  if (certificate.kind === 'material') use(certificate.material)
}

const takes = (inputs: { certificate?: string; 'private-key'?: string; 'certificate-chain'?: string; 'probe-ca'?: string }): boolean =>
  isTaken(() => materialIn(settingsOf({ ...minimal, 'certificate-arn': '', certificate: own.fullchain, 'private-key': own.privateKey, ...inputs })), named, pieces)

const certificateInput = fc.constantFrom('certificate', 'certificate-chain', 'probe-ca')
const certificateBytes = fc.oneof(
  { weight: 8, arbitrary: brokenBytes(fc.constantFrom(...certificates.map(der))) },
  { weight: 1, arbitrary: brokenBytes(fc.constantFrom(...keys.map(der))) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
)
property('certificates in DER', fc.tuple(certificateBytes, certificateInput),
  ([bytes, input]) => takes({ certificate: own.certificate, 'certificate-chain': input === 'probe-ca' ? '' : own.chain, [input]: armoured('CERTIFICATE', bytes) }))

const forms: readonly ((text: string) => string)[] = [
  (text) => text, (text) => Buffer.from(text).toString('base64'), (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'), (text) => text.replaceAll('\n', '\r\n'), (text) => text.replaceAll('\n', '\\n'), (text) => JSON.stringify(text),
  (text) => text.replaceAll('\n', ' '), (text) => text.replaceAll('\n', ''), (text) => der(text).toString('base64'), (text) => der(text).toString('latin1'), (text) => text.toLowerCase(), (text) => text + text, (text) => text.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'), (text) => text.replaceAll('CERTIFICATE', 'PKCS7'), (text) => text.slice(text.length / 2),
]
const pkcs12 = ['3082098a0201033082094406', '30819a020103308144'].map((hex) => Buffer.from(hex.padEnd(400, '0'), 'hex').toString('base64'))
const textOf = (pems: readonly string[]): fc.Arbitrary<string> => fc.oneof(
  { weight: 6, arbitrary: broken(fc.tuple(fc.constantFrom(...pems), fc.constantFrom(...forms)).map(([pem, form]) => form(pem)), 2) },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(...certificates, ...keys, '\n', ' '), { maxLength: 4 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.constantFrom(...pkcs12) }, { weight: 1, arbitrary: anyLength },
)
property('certificates and chains as text', fc.tuple(textOf(certificates), certificateInput),
  ([text, input]) => takes({ [input]: text }), [['-----BEGIN CERTIFICATE-----\nx'.repeat(6_000), 'certificate'], [`-----BEGIN ${'A '.repeat(60_000)}`, 'certificate-chain']])

const keyText = fc.oneof({ weight: 4, arbitrary: textOf(keys) }, { weight: 4, arbitrary: fc.tuple(brokenBytes(fc.constantFrom(...keys.map(der))), fc.constantFrom('PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY')).map(([bytes, kind]) => armoured(kind, bytes)) })
property('private keys', fc.tuple(keyText, fc.constantFrom('private-key', 'private-key', 'certificate')), ([text, input]) => takes({ [input]: text }), [['-----BEGIN PRIVATE KEY-----\nx'.repeat(6_000), 'private-key']])

const some = fc.shuffledSubarray([own.certificate, ec.intermediate, ec.root, stranger.certificate, others.intermediate, own.certificate.replaceAll('\n', '\r\n')])
property('chains in any order', fc.tuple(some, fc.boolean()), ([texts, split]) => {
  const inputs = split ? { certificate: texts.slice(0, 1).join(''), chain: texts.slice(1).join('') } : { certificate: texts.join(''), chain: '' }
  return isTaken(() => {
    const material = readMaterial({ ...inputs, privateKey: own.privateKey })
    use(material)
    const [leaf, intermediate, root] = [own.certificate, ec.intermediate, ec.root].map((text) => new X509Certificate(text))
    if (!texts.some((text) => text.replaceAll('\r', '') === own.certificate)) return
    expect(material.leaf.fingerprint256).toBe(leaf?.fingerprint256)
    const path = texts.includes(ec.intermediate) ? [intermediate, ...(texts.includes(ec.root) ? [root] : [])] : []
    expect(material.chain.map(({ fingerprint256 }) => fingerprint256)).toEqual(path.map((each) => each?.fingerprint256))
    material.chain.forEach((each, index) => expect(issued(each, material.chain[index - 1] ?? material.leaf)).toBe(true))
  }, named)
})
