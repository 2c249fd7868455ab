/** What an ALB with mutual TLS would reject, and what this runner cannot use. */
import { expect, test } from '@jest/globals'
import { clientCertificateOrigin } from '../../src/failures/certificate-origin.ts'
import { parseCertificateMaterial } from '../../src/x509/certificate.ts'
import { checkClientKey, checkForVerification } from '../../src/x509/client-certificate.ts'
import type { CertificateOptions } from '../../testing/certificates.ts'
import { authority, keyAlgorithm, millisecondsPerDay, now } from './issued-certificates.ts'

const clientAuth = '1.3.6.1.5.5.7.3.2'
const serverAuth = '1.3.6.1.5.5.7.3.1'
const yesterday = new Date(now - millisecondsPerDay)
const tomorrow = new Date(now + millisecondsPerDay)
const expired = { notBefore: new Date(now - 2 * millisecondsPerDay), notAfter: yesterday }

interface Case {
  readonly name: string
  readonly options: Partial<CertificateOptions>
  readonly acceptsExpired?: boolean
  readonly hasOtherKey?: boolean
  readonly expected: readonly RegExp[]
}

const cases: readonly Case[] = [
  { name: 'a certificate for clients', options: {}, expected: [] },
  {
    name: 'one for servers and clients',
    options: { extendedKeyUsage: [serverAuth, clientAuth] },
    expected: [],
  },
  { name: 'one for any purpose', options: { extendedKeyUsage: null }, expected: [] },
  {
    name: 'one for servers',
    options: { extendedKeyUsage: [serverAuth] },
    expected: [
      /^Input probe-certificate \(CN=probe\) is not for TLS clients: its extended key usage is serverAuth, without clientAuth\. The ALB rejects it\.$/,
    ],
  },
  {
    name: 'an expired one',
    options: expired,
    expected: [
      /^Input probe-certificate contains certificate CN=probe, which expired on .*Z: the ALB rejects it\.$/,
    ],
  },
  {
    name: 'an expired one for a listener that ignores it',
    options: expired,
    acceptsExpired: true,
    expected: [],
  },
  {
    name: 'one that is not valid yet',
    options: { notBefore: tomorrow },
    acceptsExpired: true,
    expected: [
      /^Input probe-certificate contains certificate CN=probe, which is not valid until .*Z: the ALB rejects it\.$/,
    ],
  },
  {
    name: 'the key of another certificate',
    options: {},
    hasOtherKey: true,
    expected: [/^Input probe-key does not match the certificate for CN=probe\.$/],
  },
  {
    name: 'a weak key',
    options: { keyAlgorithm: 'RSA_1024' },
    expected: [
      /^This runner cannot use the certificate of input probe-certificate \(CN=probe\) for TLS \(ERR_SSL_EE_KEY_TOO_SMALL\)\.$/,
      /^Input probe-certificate \(CN=probe\) has a key of type RSA_1024, which the ALB rejects/,
    ],
  },
]

test.each(cases)('$name', async ({ options, acceptsExpired = false, hasOtherKey, expected }) => {
  const issue = () =>
    authority.issue({
      hosts: [],
      commonName: 'probe',
      keyAlgorithm,
      extendedKeyUsage: [clientAuth],
      ...options,
    })
  const { fullchain, privateKey } = await issue()
  const otherKey = hasOtherKey ? (await issue()).privateKey : privateKey
  const material = parseCertificateMaterial({
    certificate: fullchain,
    privateKey: otherKey,
    chain: '',
    origin: clientCertificateOrigin,
  })
  const problems = [
    ...checkClientKey(material),
    ...checkForVerification(material, { now, acceptsExpired }),
  ]
  expect(problems.map(({ message }) => message)).toEqual(
    expected.map((pattern): unknown => expect.stringMatching(pattern)),
  )
})
