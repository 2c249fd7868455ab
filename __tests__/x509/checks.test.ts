import { describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  issueSelfSigned,
  type CertificateOptions,
} from '../../testing/certificates.ts'
import { isSelfSigned } from '../../src/x509/issuers.ts'
import { checkMaterial } from '../../src/x509/checks.ts'
import {
  authority,
  host,
  keyAlgorithm,
  listProblemCodes,
  millisecondsPerDay,
  now,
  otherAuthority,
  otherCertificate,
  parseLeaf,
  parseMaterial,
  validCertificate,
} from './issued-certificates.ts'
import { parseBundle } from './openssl-agreement/agreement-cases.ts'
import { createChain } from './openssl-agreement/agreement-fixture.ts'

const { certificate, fullchain } = validCertificate

describe('a leaf', () => {
  const expired = {
    notBefore: new Date(now - 20 * millisecondsPerDay),
    notAfter: new Date(now - millisecondsPerDay),
  }
  const notYetValid = { notBefore: new Date(now + millisecondsPerDay) }
  test.each<{ name: string; options: Partial<CertificateOptions>; codes: string[] }>([
    {
      name: 'a valid certificate',
      options: {},
      codes: [],
    },
    {
      name: 'an expired certificate',
      options: expired,
      codes: ['certificate-expired'],
    },
    {
      name: 'a certificate that is not yet valid',
      options: notYetValid,
      codes: ['certificate-not-yet-valid'],
    },
    {
      name: 'a certificate for another host',
      options: { hosts: ['other.example.com'] },
      codes: ['certificate-host-mismatch'],
    },
    {
      name: 'an expired certificate for another host',
      options: { ...expired, hosts: ['other.example.com'] },
      codes: ['certificate-expired', 'certificate-host-mismatch'],
    },
    {
      name: 'a wildcard that covers one label',
      options: { hosts: ['*.example.com'] },
      codes: [],
    },
    {
      name: 'a wildcard that would have to cover two labels',
      options: { hosts: ['*.com'] },
      codes: ['certificate-host-mismatch'],
    },
    {
      name: 'a wildcard inside a label, which clients reject',
      options: { hosts: ['mil*.example.com'] },
      codes: ['certificate-host-mismatch'],
    },
    {
      name: 'a certificate for the parent domain',
      options: { hosts: ['example.com'] },
      codes: ['certificate-host-mismatch'],
    },
    {
      name: 'the host name in uppercase',
      options: { hosts: ['MILVUS.Example.com'] },
      codes: [],
    },
    {
      name: 'a common name without a subject alternative name',
      options: { hosts: [], commonName: host },
      codes: ['certificate-host-mismatch'],
    },
    {
      name: 'a common name that differs from the subject alternative names',
      options: { hosts: ['other.example.com'], commonName: host },
      codes: ['certificate-host-mismatch'],
    },
    {
      name: 'no common name',
      options: { commonName: null },
      codes: [],
    },
    {
      name: 'only an IP address',
      options: { hosts: ['10.0.3.7'] },
      codes: ['certificate-host-mismatch'],
    },
  ])('$name', async ({ options, codes }) => {
    const issued = await authority.issue({ hosts: [host], keyAlgorithm, ...options })
    expect(listProblemCodes(parseMaterial(issued))).toEqual(codes)
  })

  test.each([
    {
      name: 'at the start of its validity',
      field: 'validFromDate',
      offset: 0,
      codes: [],
    },
    {
      name: 'a second before the start',
      field: 'validFromDate',
      offset: -1000,
      codes: ['certificate-not-yet-valid'],
    },
    {
      name: 'at the end of its validity',
      field: 'validToDate',
      offset: 0,
      codes: ['certificate-expired'],
    },
    {
      name: 'a second before the end',
      field: 'validToDate',
      offset: -1000,
      codes: [],
    },
  ] as const)('$name', ({ field, offset, codes }) => {
    const material = parseMaterial({ certificate: fullchain })
    expect(listProblemCodes(material, material.leaf[field].getTime() + offset)).toEqual(codes)
  })
})

describe('a leaf with its chain and key', () => {
  test.each<{
    name: string
    inputs: { certificate: string; chain?: string; privateKey?: string }
    codes: string[]
  }>([
    {
      name: 'the key of another certificate',
      inputs: { certificate: fullchain, privateKey: otherCertificate.privateKey },
      codes: ['private-key-mismatch'],
    },
    {
      name: 'the chain of another CA',
      inputs: { certificate, chain: otherAuthority.intermediate },
      codes: ['certificate-chain-invalid'],
    },
    {
      name: 'an unrelated leaf',
      inputs: { certificate: fullchain, chain: otherCertificate.certificate },
      codes: ['certificate-chain-invalid'],
    },
    {
      name: 'the root without the intermediate',
      inputs: { certificate, chain: authority.root },
      codes: ['certificate-chain-invalid'],
    },
    {
      name: 'the key and the chain of another certificate',
      inputs: {
        certificate,
        chain: otherAuthority.intermediate,
        privateKey: otherCertificate.privateKey,
      },
      codes: ['private-key-mismatch', 'certificate-chain-invalid'],
    },
    {
      name: 'the leaf without a chain',
      inputs: { certificate },
      codes: ['certificate-chain-invalid'],
    },
  ])('$name', ({ inputs, codes }) => {
    expect(listProblemCodes(parseMaterial(inputs))).toEqual(codes)
  })

  test('names a missing intermediate', () => {
    const [problem] = checkMaterial(parseMaterial({ certificate }), host, now)
    expect(problem?.message).toMatch(
      /^Input certificate contains only the server certificate \(CN=milvus\.example\.com\); the intermediate \(O=.*, CN=Simulator CA Intermediate\) is missing, /,
    )
  })

  test('names a missing intermediate beside certificates that belong elsewhere', () => {
    for (const { chain, other } of [
      { chain: authority.root, other: 'Simulator CA Root' },
      { chain: otherAuthority.intermediate, other: 'Other CA Intermediate' },
    ]) {
      const [problem, ...otherProblems] = checkMaterial(
        parseMaterial({ certificate, chain }),
        host,
        now,
      )
      expect(otherProblems).toEqual([])
      expect(problem?.message).toMatch(
        new RegExp(
          '^The intermediate certificate O=.*, CN=Simulator CA Intermediate, which signed ' +
            `CN=milvus\\.example\\.com, is missing in .*; 1 other certificate .*CN=${other}\\)\\.$`,
        ),
      )
    }
  })

  test('counts unrelated certificates and names the first', () => {
    const unrelated = otherAuthority.intermediate + otherCertificate.certificate
    const material = parseMaterial({ certificate: fullchain, chain: unrelated })
    expect(checkMaterial(material, host, now)[0]?.message).toMatch(
      /contain 2 certificates that did not sign .* \(first: .*CN=Other CA Intermediate\)\.$/,
    )
  })

  test('rejects an intermediate in place of the certificate without reporting "0 certificates"', () => {
    const problems = checkMaterial(
      parseMaterial({ certificate: authority.intermediate }),
      host,
      now,
    )
    expect(problems.map(({ code }) => code)).toContain('private-key-mismatch')
    for (const { message } of problems) expect(message).not.toMatch(/ 0 certificate/)
  })

  test('names an expired intermediate', async () => {
    const expiredAuthority = await createCertificateAuthority({
      keyAlgorithm,
      name: 'Past CA',
      notBefore: new Date(now - 30 * millisecondsPerDay),
      notAfter: new Date(now - millisecondsPerDay),
    })
    const issued = await expiredAuthority.issue({ hosts: [host], keyAlgorithm })
    const [problem, ...otherProblems] = checkMaterial(parseMaterial(issued), host, now)
    expect(otherProblems).toEqual([])
    expect(problem?.message).toMatch(
      /^Certificate .*CN=Past CA Intermediate in the chain expired on \d{4}-/,
    )
  })
})

describe('a self-signed certificate', () => {
  test.each<{ name: string; options: Partial<CertificateOptions> }>([
    {
      name: 'a certificate that OpenSSL creates',
      options: { keyUsage: null, extendedKeyUsage: null },
    },
    { name: 'a certificate for servers only', options: {} },
    {
      name: 'a certificate that may sign',
      options: { keyUsage: ['digitalSignature', 'keyCertSign'] },
    },
  ])('$name needs no chain', async ({ options }) => {
    const issued = await issueSelfSigned({ hosts: [host], keyAlgorithm, ...options })
    const material = parseMaterial({
      certificate: issued.certificate,
      privateKey: issued.privateKey,
    })
    expect(listProblemCodes(material)).toEqual([])
    expect(material.chain).toEqual([])
    expect(isSelfSigned(material.leaf)).toBe(true)
  })

  test('does not include one that a CA signed', () => {
    const pems = [certificate, authority.intermediate, authority.root]
    expect(pems.map((pem) => isSelfSigned(parseLeaf(pem)))).toEqual([false, false, true])
  })
})

test('an issuer without keyCertSign is told apart from one that is not a CA', async () => {
  const intermediate = { keyUsage: ['digitalSignature', 'cRLSign'] } as const
  const [problem] = checkMaterial(parseBundle(await createChain({ intermediate })), host, now)
  expect(problem?.message).toContain(
    'CN=Intermediate in the chain may not sign certificates: its key usage is digitalSignature, ' +
      'cRLSign, without keyCertSign.',
  )
})
