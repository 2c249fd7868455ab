import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, test } from '@jest/globals'
import type { CertificateOptions, AcmKeyAlgorithm } from '../../testing/certificates.ts'
import {
  createCertificateAuthority,
  encryptPrivateKey,
  issueLoopbackCertificate,
  issueSelfSigned,
} from '../../testing/certificates.ts'

const host = 'milvus.example.com'

/**
 * Completes a TLS handshake over loopback, and returns how the client judged the server's
 * certificate.
 */
async function handshake(
  server: { cert: string; key: string },
  client: { ca: string; servername: string },
): Promise<string> {
  const listening = createServer(server)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', () => resolve()))
  const { port } = listening.address() as AddressInfo
  try {
    return await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, ...client })
      socket.once('secureConnect', () => resolve('authorized'))
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.once('secureConnect', () => socket.destroy())
    })
  } finally {
    listening.close()
  }
}

test.each<{ key: AcmKeyAlgorithm; type: string; detail: number | string }>([
  { key: 'RSA_2048', type: 'rsa', detail: 2048 },
  { key: 'RSA_3072', type: 'rsa', detail: 3072 },
  { key: 'EC_prime256v1', type: 'ec', detail: 'prime256v1' },
  { key: 'EC_secp384r1', type: 'ec', detail: 'secp384r1' },
  { key: 'EC_secp521r1', type: 'ec', detail: 'secp521r1' },
])('a client that trusts the root accepts a $key certificate', async ({ key, type, detail }) => {
  const authority = await createCertificateAuthority(type === 'ec' ? { keyAlgorithm: key } : {})
  const issued = await authority.issue({
    hosts: [host, '*.zilliz.example.com', '127.0.0.1'],
    keyAlgorithm: key,
  })
  const leaf = new X509Certificate(issued.certificate)
  const { modulusLength, namedCurve } = leaf.publicKey.asymmetricKeyDetails ?? {}
  expect(leaf.publicKey.asymmetricKeyType).toBe(type)
  expect(modulusLength ?? namedCurve).toBe(detail)
  expect(leaf.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true)
  expect(leaf.subjectAltName).toBe(`DNS:${host}, DNS:*.zilliz.example.com, IP Address:127.0.0.1`)
  expect(
    await handshake(
      { cert: issued.fullchain, key: issued.privateKey },
      { ca: authority.root, servername: host },
    ),
  ).toBe('authorized')
})

test('each certificate of the chain signs the previous one, and the chain excludes the root', async () => {
  const authority = await createCertificateAuthority({ name: 'Test' })
  const issued = await authority.issue({ hosts: [host] })
  const [leaf, intermediate, root] = [issued.certificate, issued.chain, authority.root].map(
    (pem) => new X509Certificate(pem),
  )
  if (!leaf || !intermediate || !root) throw new Error('unreachable')
  expect(leaf.checkIssued(intermediate) && leaf.verify(intermediate.publicKey)).toBe(true)
  expect(intermediate.checkIssued(root) && intermediate.verify(root.publicKey)).toBe(true)
  expect([leaf.ca, intermediate.ca, root.ca]).toEqual([false, true, true])
  expect(issued.fullchain).toBe(issued.certificate + authority.intermediate)
})

test('a client that trusts the root rejects the leaf without the intermediate', async () => {
  const authority = await createCertificateAuthority()
  const { certificate, privateKey } = await authority.issue({ hosts: [host] })
  expect(
    await handshake(
      { cert: certificate, key: privateKey },
      { ca: authority.root, servername: host },
    ),
  ).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

const day = 86_400_000
test.each<{ name: string; options: CertificateOptions; code: string }>([
  {
    name: 'expired',
    options: {
      hosts: [host],
      notBefore: new Date(Date.now() - 2 * day),
      notAfter: new Date(Date.now() - day),
    },
    code: 'CERT_HAS_EXPIRED',
  },
  {
    name: 'not yet valid',
    options: { hosts: [host], notBefore: new Date(Date.now() + day) },
    code: 'CERT_NOT_YET_VALID',
  },
  {
    name: 'for another host',
    options: { hosts: ['other.example.com'] },
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  {
    name: 'for clients only',
    options: { hosts: [host], extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] },
    code: 'INVALID_PURPOSE',
  },
])('a client rejects a certificate that is $name', async ({ options, code }) => {
  const authority = await createCertificateAuthority({
    keyAlgorithm: 'EC_prime256v1',
    notBefore: new Date(Date.now() - 3 * day),
  })
  const { fullchain, privateKey } = await authority.issue({
    keyAlgorithm: 'EC_prime256v1',
    ...options,
  })
  expect(
    await handshake({ cert: fullchain, key: privateKey }, { ca: authority.root, servername: host }),
  ).toBe(code)
})

test('a client trusts a self-signed certificate only when it is in its trust store', async () => {
  const selfSignedCertificate = await issueSelfSigned({
    hosts: [host],
    keyAlgorithm: 'EC_prime256v1',
  })
  const { root } = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  const server = { cert: selfSignedCertificate.certificate, key: selfSignedCertificate.privateKey }
  expect(await handshake(server, { ca: selfSignedCertificate.certificate, servername: host })).toBe(
    'authorized',
  )
  expect(await handshake(server, { ca: root, servername: host })).toBe(
    'DEPTH_ZERO_SELF_SIGNED_CERT',
  )
  expect(selfSignedCertificate.chain).toBe('')
})

test('a client that trusts one authority rejects certificates of another, even with keys of the same pool', async () => {
  const authorities = []
  for (let count = 0; count < 5; count++)
    authorities.push(await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' }))
  const [first, ...others] = authorities
  if (!first) throw new Error('unreachable')
  const { fullchain, privateKey } = await first.issue({
    hosts: [host],
    keyAlgorithm: 'EC_prime256v1',
  })
  for (const { root } of others) {
    expect(
      await handshake({ cert: fullchain, key: privateKey }, { ca: root, servername: host }),
    ).not.toBe('authorized')
  }
})

test('a renewal has a new key unless reuseKeyOf is set', async () => {
  const authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  const first = await authority.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' })
  const renewed = await authority.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' })
  const kept = await authority.issue({ hosts: [host], reuseKeyOf: first })
  expect(renewed.privateKey).not.toBe(first.privateKey)
  expect(kept.privateKey).toBe(first.privateKey)
  expect(kept.certificate).not.toBe(first.certificate)
})

test('a loopback certificate is valid for localhost', async () => {
  const pair = await issueLoopbackCertificate()
  expect(await handshake(pair, { ca: pair.ca, servername: 'localhost' })).toBe('authorized')
})

test('an encrypted key requires its passphrase', async () => {
  const { privateKey } = await issueSelfSigned({ hosts: [host], keyAlgorithm: 'EC_prime256v1' })
  const encrypted = encryptPrivateKey(privateKey, 'secret')
  expect(encrypted).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
  expect(() => createPrivateKey(encrypted)).toThrow()
  expect(createPrivateKey({ key: encrypted, passphrase: 'secret' }).asymmetricKeyType).toBe('ec')
})
