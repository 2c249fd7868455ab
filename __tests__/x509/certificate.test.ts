import { describe, expect, test } from '@jest/globals'
import type { AcmKeyAlgorithm } from '../../testing/certificates.ts'
import { areCertificatesEqual, getKeyAlgorithm } from '../../src/x509/certificate.ts'
import { isTrusted } from '../../src/x509/trust.ts'
import { parseCertificates } from '../../src/x509/parse.ts'
import { formatDistinguishedName } from '../../src/util/text.ts'
import {
  authority,
  host,
  otherAuthority,
  otherCertificate,
  parseLeaf,
  parseMaterial,
  validCertificate,
} from './issued-certificates.ts'

const { certificate, chain, fullchain } = validCertificate

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
    expect(getKeyAlgorithm(parseLeaf(issued.certificate))).toBe(name)
  })
})

test('a chain is trusted if the list contains its root', () => {
  const material = parseMaterial({ certificate: fullchain })
  expect([
    isTrusted(material),
    isTrusted(material, [authority.root]),
    isTrusted(material, [authority.intermediate]),
    isTrusted(material, [otherAuthority.root]),
  ]).toEqual([false, true, false, false])
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
