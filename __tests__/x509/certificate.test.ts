import { beforeAll, describe, expect, test } from '@jest/globals'
import { X509Certificate } from 'node:crypto'
import {
  createCertificateAuthority,
  encryptPrivateKey,
  issueSelfSigned,
  type CertificateAuthority,
  type IssuedCertificate,
  type CertificateOptions,
  type AcmKeyAlgorithm,
} from '../../testing/certificates.ts'
import {
  isSelfSigned,
  getKeyAlgorithm,
  getDnsNames,
  parseCertificateMaterial,
  areCertificatesEqual,
  toPem,
  type CertificateMaterial,
} from '../../src/x509/certificate.ts'
import { checkHost, checkMaterial, formatExpiryWarning, isTrusted } from '../../src/x509/checks.ts'
import { parseCertificates } from '../../src/x509/parse.ts'
import { formatDistinguishedName } from '../../src/util/text.ts'
import { collectErrorText, captureActionError } from '../capture-error.ts'
import { tamperCertificate, setInvalidExpiry, weakFixtures } from './weak-fixtures.ts'

const host = 'milvus.example.com'
const now = Date.now()
const day = 86_400_000
const key = 'EC_prime256v1'
let authority: CertificateAuthority,
  otherAuthority: CertificateAuthority,
  validCertificate: IssuedCertificate,
  otherCertificate: IssuedCertificate

beforeAll(async () => {
  authority = await createCertificateAuthority({
    keyAlgorithm: key,
    notBefore: new Date(now - 30 * day),
  })
  otherAuthority = await createCertificateAuthority({ keyAlgorithm: key, name: 'Other CA' })
  validCertificate = await authority.issue({ hosts: [host], keyAlgorithm: key })
  otherCertificate = await otherAuthority.issue({ hosts: [host], keyAlgorithm: key })
})

const parseMaterial = (
  certificate: string,
  chain = '',
  privateKey = validCertificate.privateKey,
): CertificateMaterial => parseCertificateMaterial({ certificate, chain, privateKey })
const listProblemCodes = (parsedMaterial: CertificateMaterial, name = host, time = now): string[] =>
  checkMaterial(parsedMaterial, name, time).map(({ code }) => code)
const parseLeaf = (pem: string): X509Certificate => new X509Certificate(pem)

describe('readMaterial puts in order what was given', () => {
  test.each<
    [
      string,
      () => [certificate: string, chain: string],
      chain: () => string[],
      strays: () => string[],
    ]
  >([
    [
      'leaf and chain',
      () => [validCertificate.certificate, validCertificate.chain],
      () => [authority.intermediate],
      () => [],
    ],
    [
      'a full chain in one input',
      () => [validCertificate.fullchain, ''],
      () => [authority.intermediate],
      () => [],
    ],
    [
      'a full chain as certificate and chain',
      () => [validCertificate.certificate, validCertificate.fullchain],
      () => [authority.intermediate],
      () => [],
    ],
    [
      'the full chain twice',
      () => [validCertificate.fullchain, validCertificate.fullchain],
      () => [authority.intermediate],
      () => [],
    ],
    [
      'the chain from the root down',
      () => [validCertificate.certificate, authority.root + authority.intermediate],
      () => [authority.intermediate, authority.root],
      () => [],
    ],
    [
      'everything upside down in one input',
      () => [authority.root + authority.intermediate + validCertificate.certificate, ''],
      () => [authority.intermediate, authority.root],
      () => [],
    ],
    [
      "leaf and chain in each other's place",
      () => [authority.intermediate, validCertificate.certificate],
      () => [authority.intermediate],
      () => [],
    ],
    ['the leaf alone', () => [validCertificate.certificate, ''], () => [], () => []],
    [
      'the chain of an earlier authority',
      () => [validCertificate.certificate, otherAuthority.intermediate],
      () => [],
      () => [otherAuthority.intermediate],
    ],
    [
      'a stray beside the right chain',
      () => [validCertificate.fullchain, otherCertificate.certificate],
      () => [authority.intermediate],
      () => [otherCertificate.certificate],
    ],
    [
      'the root without its intermediate',
      () => [validCertificate.certificate, authority.root],
      () => [],
      () => [authority.root],
    ],
    [
      'text between the certificates',
      () => [
        `subject=CN = x\n${validCertificate.certificate}\nissuer=\n${validCertificate.chain}`,
        '',
      ],
      () => [authority.intermediate],
      () => [],
    ],
    [
      'CRLF',
      () => [validCertificate.fullchain.replaceAll('\n', '\r\n'), ''],
      () => [authority.intermediate],
      () => [],
    ],
  ])('%s', (_, getPemInputs, chain, unrelatedCertificates) => {
    const [certificate, chainInput] = getPemInputs()
    const parsedMaterial = parseMaterial(certificate, chainInput)
    expect(parsedMaterial.leaf.raw).toEqual(parseLeaf(validCertificate.certificate).raw)
    expect(toPem(parsedMaterial.chain)).toBe(toPem(chain().map(parseLeaf)))
    expect(toPem(parsedMaterial.unrelatedCertificates)).toBe(
      toPem(unrelatedCertificates().map(parseLeaf)),
    )
  })

  test('the key leaves as unencrypted PKCS#8, whatever it came as', () => {
    const { key: parsed } = parseMaterial(validCertificate.fullchain)
    if (!parsed) throw new Error('the key was given')
    const sec1 = String(parsed.export({ type: 'sec1', format: 'pem' }))
    expect(sec1).toMatch(/^-----BEGIN EC PRIVATE KEY-----/)
    const prime256v1 =
      '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    for (const text of [sec1, prime256v1 + sec1])
      expect(parseMaterial(validCertificate.fullchain, '', text).privateKey).toBe(
        String(parsed.export({ type: 'pkcs8', format: 'pem' })),
      )
  })
})

describe('readMaterial refuses', () => {
  const malformedPem = '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----\n'
  test.each<[string, () => Parameters<typeof parseCertificateMaterial>[0], code: string, RegExp]>([
    [
      'a certificate that is broken',
      () => ({ certificate: malformedPem, privateKey: validCertificate.privateKey, chain: '' }),
      'certificate-unreadable',
      /^Input certificate holds a certificate that cannot be parsed\.$/,
    ],
    [
      'a chain that is broken',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: validCertificate.privateKey,
        chain: validCertificate.chain + malformedPem,
      }),
      'certificate-unreadable',
      /^Input certificate-chain holds a certificate that cannot be parsed\.$/,
    ],
    [
      'a certificate cut off',
      () => ({
        certificate: validCertificate.certificate.slice(0, -40),
        privateKey: validCertificate.privateKey,
        chain: '',
      }),
      'certificate-unreadable',
      /^Input certificate holds a certificate that cannot be parsed\.$/,
    ],
    [
      'a certificate whose end is in month 99',
      () => ({
        certificate: setInvalidExpiry(validCertificate.certificate),
        privateKey: validCertificate.privateKey,
        chain: '',
      }),
      'certificate-unreadable',
      /cannot be parsed/,
    ],
    [
      'a certificate whose key is no point of its curve',
      () => ({
        certificate: tamperCertificate(validCertificate.certificate, (raw) =>
          raw.fill(
            7,
            raw.indexOf(Buffer.from('03420004', 'hex')) + 4,
            raw.indexOf(Buffer.from('03420004', 'hex')) + 68,
          ),
        ),
        privateKey: validCertificate.privateKey,
        chain: validCertificate.chain,
      }),
      'certificate-unreadable',
      /cannot be parsed/,
    ],
    [
      'the key in place of the certificate',
      () => ({
        certificate: validCertificate.privateKey,
        privateKey: validCertificate.privateKey,
        chain: '',
      }),
      'certificate-unreadable',
      /^Input certificate holds private key, and no certificate\.$/,
    ],
    [
      'a request in place of the certificate',
      () => ({
        certificate:
          '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n',
        privateKey: validCertificate.privateKey,
        chain: '',
      }),
      'certificate-unreadable',
      /^Input certificate holds certificate request, and no certificate\.$/,
    ],
    [
      'an encrypted key',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: encryptPrivateKey(validCertificate.privateKey, 'pass phrase'),
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key is encrypted\.$/,
    ],
    [
      'an encrypted key of the old kind',
      () => ({
        certificate: validCertificate.certificate,
        privateKey:
          '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n',
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key is encrypted\.$/,
    ],
    [
      'a key that is broken',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: validCertificate.privateKey.replace(/\n[^-]/, '\n!'),
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key is not a private key that can be read\.$/,
    ],
    [
      'the public key',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: String(
          parseLeaf(validCertificate.certificate).publicKey.export({ type: 'spki', format: 'pem' }),
        ),
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key holds public key, and no private key\.$/,
    ],
    [
      'the certificate in place of the key',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: validCertificate.certificate,
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key holds certificate, and no private key\.$/,
    ],
    [
      'two keys',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: validCertificate.privateKey + otherCertificate.privateKey,
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key holds 2 private keys\.$/,
    ],
    [
      'a key of SSH',
      () => ({
        certificate: validCertificate.certificate,
        privateKey:
          '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
        chain: '',
      }),
      'private-key-unreadable',
      /^Input private-key is a key in the form of SSH\.$/,
    ],
    [
      'a PKCS#7 bundle in place of the chain',
      () => ({
        certificate: validCertificate.certificate,
        privateKey: validCertificate.privateKey,
        chain: '-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n',
      }),
      'certificate-unreadable',
      /^Input certificate-chain holds pkcs7, and no certificate\.$/,
    ],
  ])('%s', async (_, inputs, code, message) => {
    const error = await captureActionError(() => parseCertificateMaterial(inputs()))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    expect(collectErrorText(error)).not.toContain(validCertificate.privateKey.split('\n')[1])
  })

  // Node makes a date of whatever is in memory of about one in a thousand such ends.
  test('an end that is no date, each time that it is read', () => {
    const pem = setInvalidExpiry(validCertificate.certificate)
    for (let attempt = 0; attempt < 10_000; attempt += 1)
      expect(() => parseCertificates(pem)).toThrow('a date that is none')
  })
})

describe('checkMaterial', () => {
  const expiredValidity = { notBefore: new Date(now - 20 * day), notAfter: new Date(now - day) }
  const futureValidity = { notBefore: new Date(now + day) }
  test.each<[string, Partial<CertificateOptions>, string[]]>([
    ['a good one', {}, []],
    ['expired', expiredValidity, ['certificate-expired']],
    ['not yet valid', futureValidity, ['certificate-not-yet-valid']],
    ['for another host', { hosts: ['other.example.com'] }, ['certificate-host-mismatch']],
    [
      'expired and for another host',
      { ...expiredValidity, hosts: ['other.example.com'] },
      ['certificate-expired', 'certificate-host-mismatch'],
    ],
    ['a wildcard for one label', { hosts: ['*.example.com'] }, []],
    ['a wildcard for a label of a label', { hosts: ['*.com'] }, ['certificate-host-mismatch']],
    [
      'a wildcard inside a label, which clients do not take',
      { hosts: ['mil*.example.com'] },
      ['certificate-host-mismatch'],
    ],
    ['the parent domain', { hosts: ['example.com'] }, ['certificate-host-mismatch']],
    ['the name in capitals', { hosts: ['MILVUS.Example.com'] }, []],
    [
      'a common name without a subject alternative name',
      { hosts: [], commonName: host },
      ['certificate-host-mismatch'],
    ],
    [
      'a common name that differs from the names',
      { hosts: ['other.example.com'], commonName: host },
      ['certificate-host-mismatch'],
    ],
    ['no common name', { commonName: null }, []],
    ['an IP address only', { hosts: ['10.0.3.7'] }, ['certificate-host-mismatch']],
  ])('%s', async (_, options, expected) => {
    const issued = await authority.issue({ hosts: [host], keyAlgorithm: key, ...options })
    expect(
      listProblemCodes(parseMaterial(issued.certificate, issued.chain, issued.privateKey)),
    ).toEqual(expected)
  })

  test.each<[string, () => CertificateMaterial, string[]]>([
    [
      'the key of another certificate',
      () => parseMaterial(validCertificate.fullchain, '', otherCertificate.privateKey),
      ['private-key-mismatch'],
    ],
    [
      'the chain of another authority',
      () => parseMaterial(validCertificate.certificate, otherAuthority.intermediate),
      ['certificate-chain-invalid'],
    ],
    [
      'a stray leaf',
      () => parseMaterial(validCertificate.fullchain, otherCertificate.certificate),
      ['certificate-chain-invalid'],
    ],
    [
      'the root where the intermediate is missing',
      () => parseMaterial(validCertificate.certificate, authority.root),
      ['certificate-chain-invalid'],
    ],
    [
      'key and chain of another certificate',
      () =>
        parseMaterial(
          validCertificate.certificate,
          otherAuthority.intermediate,
          otherCertificate.privateKey,
        ),
      ['private-key-mismatch', 'certificate-chain-invalid'],
    ],
    [
      'the leaf alone',
      () => parseMaterial(validCertificate.certificate),
      ['certificate-chain-invalid'],
    ],
  ])('%s', (_, parsedMaterial, expected) => {
    expect(listProblemCodes(parsedMaterial())).toEqual(expected)
  })

  test('an intermediate in place of the certificate: no message counts nothing', () => {
    const problems = checkMaterial(parseMaterial(authority.intermediate), host, now)
    expect(problems.map(({ code }) => code)).toContain('private-key-mismatch')
    for (const { message } of problems) expect(message).not.toMatch(/ 0 certificate/)
  })

  test('an expired intermediate is named', async () => {
    const expiredAuthority = await createCertificateAuthority({
      keyAlgorithm: key,
      name: 'Past CA',
      notBefore: new Date(now - 30 * day),
      notAfter: new Date(now - day),
    })
    const issued = await expiredAuthority.issue({ hosts: [host], keyAlgorithm: key })
    const [problem, ...otherProblems] = checkMaterial(
      parseMaterial(issued.certificate, issued.chain, issued.privateKey),
      host,
      now,
    )
    expect(otherProblems).toEqual([])
    expect(problem?.message).toMatch(
      /^The certificate of .*CN=Past CA Intermediate expired on \d{4}-/,
    )
  })

  test.each([
    ['the moment it begins', 'validFromDate', 0, []],
    ['a second before', 'validFromDate', -1000, ['certificate-not-yet-valid']],
    ['the moment it ends', 'validToDate', 0, ['certificate-expired']],
    ['a second before that', 'validToDate', -1000, []],
  ] as const)('%s', (_, dateField, offset, expected) => {
    const parsedMaterial = parseMaterial(validCertificate.fullchain)
    expect(
      listProblemCodes(parsedMaterial, host, parsedMaterial.leaf[dateField].getTime() + offset),
    ).toEqual(expected)
  })

  test.each<[string, Partial<CertificateOptions>]>([
    ['as OpenSSL makes it', { keyUsage: null, extendedKeyUsage: null }],
    ['for a server only', {}],
    ['that may sign', { keyUsage: ['digitalSignature', 'keyCertSign'] }],
  ])('a self-signed certificate %s', async (_, options) => {
    const selfSignedCertificate = await issueSelfSigned({
      hosts: [host],
      keyAlgorithm: key,
      ...options,
    })
    const parsedMaterial = parseMaterial(
      selfSignedCertificate.certificate,
      '',
      selfSignedCertificate.privateKey,
    )
    expect(listProblemCodes(parsedMaterial)).toEqual([])
    expect(parsedMaterial.chain).toEqual([])
    expect(isSelfSigned(parsedMaterial.leaf)).toBe(true)
  })

  test('a certificate of an authority is not self-signed', () => {
    expect(
      [validCertificate.certificate, authority.intermediate, authority.root].map((pem) =>
        isSelfSigned(parseLeaf(pem)),
      ),
    ).toEqual([false, false, true])
  })
})

describe('checkHost', () => {
  test('names what the certificate covers', async () => {
    const { certificate } = await authority.issue({
      hosts: ['a.example.com', '*.b.example.com', '10.0.3.7'],
      keyAlgorithm: key,
    })
    const { certificate: certificateWithoutSan } = await authority.issue({
      hosts: [],
      commonName: host,
      keyAlgorithm: key,
    })
    expect(getDnsNames(parseLeaf(certificate))).toEqual(['a.example.com', '*.b.example.com'])
    expect(checkHost(parseLeaf(certificate), host)[0]?.message).toBe(
      `The certificate does not cover ${host}: its names are a.example.com, *.b.example.com.`,
    )
    expect(checkHost(parseLeaf(certificateWithoutSan), host)[0]?.message).toBe(
      `The certificate does not cover ${host}: its names are none (no subject alternative name). It has it only as its common name, which clients no longer look at.`,
    )
    expect(checkHost(parseLeaf(certificate), 'x.b.example.com')).toEqual([])
    expect(checkHost(parseLeaf(certificate), 'y.x.b.example.com')[0]?.message).toMatch(
      /\*\.b\.example\.com covers exactly one label in place of its star\.$/,
    )
    expect(checkHost(parseLeaf(certificate), 'b.example.com')[0]?.message).toMatch(
      /covers exactly one label/,
    )
  })
})

describe('keys and signatures', () => {
  test.each<[string, AcmKeyAlgorithm, AcmKeyAlgorithm, string[]]>([
    ['EC under EC', key, 'EC_secp384r1', []],
    ['RSA under RSA', 'RSA_2048', 'RSA_3072', []],
    ['RSA under EC', key, 'RSA_2048', ['certificate-key-unsupported']],
    ['EC under RSA', 'RSA_2048', key, ['certificate-key-unsupported']],
  ])('%s', async (_, authorityKey, leafKey, expected) => {
    const issued = await (
      await createCertificateAuthority({ keyAlgorithm: authorityKey })
    ).issue({ hosts: [host], keyAlgorithm: leafKey })
    expect(
      listProblemCodes(parseMaterial(issued.certificate, issued.chain, issued.privateKey)),
    ).toEqual(expected)
  })

  // Made with "openssl req -x509 -newkey ed25519", and "-newkey rsa:2048 -sha1": what makes the
  // others here makes neither.
  test.each(['ed25519', 'sha1'] as const)('%s', (name) => {
    const { certificate, privateKey } = weakFixtures[name]
    const problem = checkMaterial(
      parseCertificateMaterial({ certificate, privateKey, chain: '' }),
      host,
      new X509Certificate(certificate).validFromDate.getTime() + day,
    )[0]
    expect(problem?.code).toBe(
      name === 'sha1' ? 'certificate-signature-weak' : 'certificate-key-unsupported',
    )
    expect(problem?.message).toContain(name)
  })
})

describe('what ACM would refuse', () => {
  test.each<[string, () => Promise<IssuedCertificate>, RegExp]>([
    [
      'many names',
      () =>
        authority.issue({
          hosts: [
            host,
            ...Array.from(
              { length: 1200 },
              (_, number) => `number-${number}.a.long.name.example.com`,
            ),
          ],
          keyAlgorithm: key,
        }),
      /is \d{5} bytes of PEM, and the limit is 32768/,
    ],
    [
      'no issuer',
      () => issueSelfSigned({ hosts: [host], commonName: null, keyAlgorithm: key }),
      /names no issuer/,
    ],
    [
      'a long address of OCSP',
      () =>
        authority.issue({
          hosts: [host],
          keyAlgorithm: key,
          ocspUrl: `http://ocsp.example.com/${'x'.repeat(1000)}`,
        }),
      /OCSP service has 1024 characters/,
    ],
  ])('%s', async (_, issue, expected) => {
    const issued = await issue()
    expect(
      checkMaterial(
        parseMaterial(issued.certificate, issued.chain, issued.privateKey),
        host,
        now,
      ).map(({ code, message }) => [code, message]),
    ).toEqual([['certificate-refused', expect.stringMatching(expected)]])
  })
})

test('a chain that was not given is looked for among the authorities', () => {
  const parsedMaterial = (chain: string): CertificateMaterial =>
    parseCertificateMaterial(
      { certificate: validCertificate.certificate, chain, privateKey: validCertificate.privateKey },
      parseCertificates(authority.root + authority.intermediate),
    )
  expect([
    parsedMaterial('').isChainFromCaBundle,
    toPem(parsedMaterial('').chain),
    listProblemCodes(parsedMaterial('')),
  ]).toEqual([true, toPem([authority.intermediate, authority.root].map(parseLeaf)), []])
  expect([
    parsedMaterial(validCertificate.chain).isChainFromCaBundle,
    toPem(parsedMaterial(validCertificate.chain).chain),
  ]).toEqual([false, toPem([parseLeaf(authority.intermediate)])])
})

describe('expiryWarning', () => {
  test.each<
    [lifetime: number, left: number, threshold: number | undefined, warned: RegExp | undefined]
  >([
    [90, 40, undefined, undefined],
    [90, 29.5, undefined, /ends in 29 days, on /],
    [398, 31, undefined, undefined],
    [398, 29.5, undefined, /ends in 29 days/],
    [6, 2.5, undefined, undefined],
    [6, 1.5, undefined, /ends in 1 day, on /],
    [90, 40, 60, /ends in 40 days|ends in 39 days/],
    [90, 29, 14, undefined],
    [90, 13, 0, undefined],
  ])(
    'a lifetime of %f days, %f left, threshold %s',
    async (lifetime, daysLeft, threshold, expected) => {
      const notBefore = new Date(now - (lifetime - daysLeft) * day)
      const issued = await authority.issue({
        hosts: [host],
        keyAlgorithm: key,
        notBefore,
        notAfter: new Date(now + daysLeft * day),
      })
      const warning = formatExpiryWarning(parseLeaf(issued.certificate), threshold, now)
      if (expected) expect(warning).toMatch(expected)
      else expect(warning).toBeUndefined()
    },
  )
})

test('an authority is trusted when it, or what it signed, is in the list', () => {
  const parsedMaterial = parseMaterial(validCertificate.fullchain)
  expect([
    isTrusted(parsedMaterial),
    isTrusted(parsedMaterial, [authority.root]),
    isTrusted(parsedMaterial, [authority.intermediate]),
    isTrusted(parsedMaterial, [otherAuthority.root]),
  ]).toEqual([false, true, true, false])
})

test.each<[string, () => string, boolean]>([
  ['in order', () => validCertificate.fullchain, false],
  ['upside down', () => validCertificate.chain + validCertificate.certificate, true],
  ['with the root', () => validCertificate.fullchain + authority.root, false],
])('reordered: %s', (_, getPemInputs, expected) => {
  expect(parseMaterial(getPemInputs()).isReordered).toBe(expected)
})

describe('keyAlgorithm, in the words of ACM', () => {
  test.each<AcmKeyAlgorithm>([
    'RSA_1024',
    'RSA_2048',
    'RSA_3072',
    'EC_prime256v1',
    'EC_secp384r1',
    'EC_secp521r1',
  ])('%s', async (name) => {
    const { certificate } = await authority.issue({ hosts: [host], keyAlgorithm: name })
    expect(getKeyAlgorithm(parseLeaf(certificate))).toBe(name)
  })
})

describe('lists of certificates', () => {
  test.each<[string, () => string, () => string, boolean]>([
    [
      'the same',
      () => validCertificate.fullchain,
      () => validCertificate.fullchain.replaceAll('\n', '\r\n'),
      true,
    ],
    [
      'another order',
      () => validCertificate.fullchain,
      () => validCertificate.chain + validCertificate.certificate,
      false,
    ],
    ['one more', () => validCertificate.fullchain, () => validCertificate.certificate, false],
    [
      'another of the same name',
      () => validCertificate.certificate,
      () => otherCertificate.certificate,
      false,
    ],
    ['none', () => '', () => '', true],
  ])('%s', (_, a, b, expected) => {
    expect(areCertificatesEqual(parseCertificates(a()), parseCertificates(b()))).toBe(expected)
  })

  test('a subject on one line', () => {
    expect(formatDistinguishedName(parseLeaf(authority.root).subject)).toMatch(
      /^O=Simulator, OU=[0-9a-f]{8}, CN=Simulator CA Root$/,
    )
  })
})
