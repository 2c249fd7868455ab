import { describe, expect, test } from '@jest/globals'
import type { AcmKeyAlgorithm } from '../../testing/certificates.ts'
import { areCertificatesEqual, getKeyAlgorithm } from '../../src/x509/certificate.ts'
import { formatExpiryWarning, formatWeakKeyWarning } from '../../src/x509/checks.ts'
import { isTrusted } from '../../src/x509/trust.ts'
import { parseCertificates } from '../../src/x509/parse.ts'
import { formatDistinguishedName } from '../../src/util/text.ts'
import {
  authority,
  host,
  keyAlgorithm,
  millisecondsPerDay,
  now,
  otherAuthority,
  otherCertificate,
  parseLeaf,
  parseMaterial,
  validCertificate,
} from './issued-certificates.ts'

const { certificate, chain, fullchain } = validCertificate

describe('formatExpiryWarning', () => {
  test.each<{ lifetime: number; left: number; threshold?: number; warning?: RegExp }>([
    { lifetime: 90, left: 40 },
    { lifetime: 90, left: 29.5, warning: /expires in 29 days, on / },
    { lifetime: 398, left: 31 },
    { lifetime: 398, left: 29.5, warning: /expires in 29 days, on / },
    { lifetime: 6, left: 2.5 },
    { lifetime: 6, left: 1.5, warning: /expires in 1 day, on / },
    { lifetime: 90, left: 40, threshold: 60, warning: /expires in (39|40) days, on / },
    { lifetime: 90, left: 29, threshold: 14 },
    { lifetime: 90, left: 13, threshold: 0 },
  ])(
    'for a lifetime of $lifetime days with $left left and threshold $threshold',
    async ({ lifetime, left, threshold, warning }) => {
      const issued = await authority.issue({
        hosts: [host],
        keyAlgorithm,
        notBefore: new Date(now - (lifetime - left) * millisecondsPerDay),
        notAfter: new Date(now + left * millisecondsPerDay),
      })
      const text = formatExpiryWarning(parseLeaf(issued.certificate), threshold, now)
      if (warning) expect(text).toMatch(warning)
      else expect(text).toBeUndefined()
    },
  )
})

describe('getKeyAlgorithm names keys as ACM does', () => {
  test.each<AcmKeyAlgorithm>([
    'RSA_1024',
    'RSA_2048',
    'RSA_3072',
    'EC_prime256v1',
    'EC_secp384r1',
    'EC_secp521r1',
  ])('%s', async (name) => {
    const issued = await authority.issue({ hosts: [host], keyAlgorithm: name })
    const leaf = parseLeaf(issued.certificate)
    expect(getKeyAlgorithm(leaf)).toBe(name)
    expect(formatWeakKeyWarning(leaf) !== undefined).toBe(name === 'RSA_1024')
  })
})

test('a chain is trusted if the list contains its last certificate or its issuer', () => {
  const material = parseMaterial({ certificate: fullchain })
  expect([
    isTrusted(material),
    isTrusted(material, [authority.root]),
    isTrusted(material, [authority.intermediate]),
    isTrusted(material, [otherAuthority.root]),
  ]).toEqual([false, true, true, false])
})

describe('areCertificatesEqual', () => {
  test.each([
    {
      name: 'the same certificates with CRLF',
      a: fullchain,
      b: fullchain.replaceAll('\n', '\r\n'),
      isEqual: true,
    },
    {
      name: 'the same certificates in another order',
      a: fullchain,
      b: chain + certificate,
      isEqual: false,
    },
    {
      name: 'an additional certificate',
      a: fullchain,
      b: certificate,
      isEqual: false,
    },
    {
      name: 'another certificate with the same subject',
      a: certificate,
      b: otherCertificate.certificate,
      isEqual: false,
    },
    {
      name: 'two empty lists',
      a: '',
      b: '',
      isEqual: true,
    },
  ])('$name', ({ a, b, isEqual }) => {
    expect(areCertificatesEqual(parseCertificates(a), parseCertificates(b))).toBe(isEqual)
  })
})

test('a distinguished name is formatted as one line', () => {
  expect(formatDistinguishedName(parseLeaf(authority.root).subject)).toMatch(
    /^O=Simulator, OU=[0-9a-f]{8}, CN=Simulator CA Root$/,
  )
})
