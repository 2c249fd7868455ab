import { describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  issueSelfSigned,
  type AcmKeyAlgorithm,
  type IssuedCertificate,
} from '../../testing/certificates.ts'
import { parseCertificateMaterial } from '../../src/x509/certificate.ts'
import { checkMaterial } from '../../src/x509/checks.ts'
import {
  authority,
  host,
  keyAlgorithm,
  listProblemCodes,
  millisecondsPerDay,
  now,
  parseLeaf,
  parseMaterial,
} from './issued-certificates.ts'
import { weakFixtures } from './weak-fixtures.ts'

describe('keys and signatures', () => {
  test.each<{ issuer: AcmKeyAlgorithm; leaf: AcmKeyAlgorithm; codes: string[] }>([
    { issuer: 'EC_prime256v1', leaf: 'EC_secp384r1', codes: [] },
    { issuer: 'RSA_2048', leaf: 'RSA_3072', codes: [] },
    // The documentation of ACM excludes these. Whether ACM does is not known: it decides.
    { issuer: 'EC_prime256v1', leaf: 'RSA_2048', codes: [] },
    { issuer: 'RSA_2048', leaf: 'EC_prime256v1', codes: [] },
    { issuer: 'EC_prime256v1', leaf: 'EC_secp521r1', codes: ['certificate-key-unsupported'] },
  ])('$leaf signed by $issuer', async ({ issuer, leaf, codes }) => {
    const issuingAuthority = await createCertificateAuthority({ keyAlgorithm: issuer })
    const issued = await issuingAuthority.issue({ hosts: [host], keyAlgorithm: leaf })
    expect(listProblemCodes(parseMaterial(issued))).toEqual(codes)
  })

  // From "openssl req -x509 -newkey ed25519", and "-newkey rsa:2048 -sha1": the test CA issues
  // neither.
  test.each([
    { name: 'ed25519', code: 'certificate-key-unsupported' },
    { name: 'sha1', code: 'certificate-signature-weak' },
  ] as const)('$name', ({ name, code }) => {
    const weak = weakFixtures[name]
    const validAt = parseLeaf(weak.certificate).validFromDate.getTime() + millisecondsPerDay
    const material = parseCertificateMaterial({ ...weak, chain: '' })
    const [problem] = checkMaterial(material, host, validAt)
    expect(problem?.code).toBe(code)
    expect(problem?.message).toContain(name)
  })
})

describe('limits of ACM', () => {
  const manyNames = Array.from(
    { length: 1200 },
    (_, number) => `number-${number}.a.long.name.example.com`,
  )
  test.each<{ name: string; issue: () => Promise<IssuedCertificate>; message: RegExp }>([
    {
      name: 'a certificate with too many names',
      issue: () => authority.issue({ hosts: [host, ...manyNames], keyAlgorithm }),
      message: /: it has \d{5} bytes of PEM, and the limit is 32768\.$/,
    },
    {
      name: 'a certificate without an issuer name',
      issue: () => issueSelfSigned({ hosts: [host], commonName: null, keyAlgorithm }),
      message: /^ACM would reject the certificate: it has no issuer name\.$/,
    },
    {
      name: 'a certificate with a long OCSP URL',
      issue: () =>
        authority.issue({
          hosts: [host],
          keyAlgorithm,
          ocspUrl: `http://ocsp.example.com/${'x'.repeat(1000)}`,
        }),
      message: /: its OCSP URL has 1024 characters, and the limit is 1000\.$/,
    },
  ])('$name', async ({ issue, message }) => {
    const problems = checkMaterial(parseMaterial(await issue()), host, now)
    expect(problems.map((problem) => [problem.code, problem.message])).toEqual([
      ['certificate-refused', expect.stringMatching(message)],
    ])
  })
})
