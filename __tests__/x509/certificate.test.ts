import { beforeAll, describe, expect, test } from '@jest/globals'
import { X509Certificate } from 'node:crypto'
import { createAuthority, encryptPrivateKey, selfSigned, type Authority, type IssuedCertificate, type IssueOptions, type KeyName } from '../../sandbox/certificates.ts'
import { isSelfSigned, keyAlgorithm, names, readMaterial, sameCertificates, toPem, type CertificateMaterial } from '../../src/x509/certificate.ts'
import { checkHost, checkMaterial, expiryWarning, isTrusted } from '../../src/x509/checks.ts'
import { parseCertificates } from '../../src/x509/reading.ts'
import { oneLine } from '../../src/core/text.ts'
import { everythingIn, failureOf } from '../caught.ts'
import { changed, endsNever, weakFixtures } from './weak-fixtures.ts'

const host = 'milvus.example.com'
const now = Date.now()
const day = 86_400_000
const key = 'EC_prime256v1'
let authority: Authority, other: Authority, good: IssuedCertificate, stranger: IssuedCertificate

beforeAll(async () => {
  authority = await createAuthority({ key, notBefore: new Date(now - 30 * day) })
  other = await createAuthority({ key, name: 'Other CA' })
  good = await authority.issue({ hosts: [host], key })
  stranger = await other.issue({ hosts: [host], key })
})

const material = (certificate: string, chain = '', privateKey = good.privateKey): CertificateMaterial => readMaterial({ certificate, chain, privateKey })
const codes = (read: CertificateMaterial, name = host, at = now): string[] => checkMaterial(read, name, at).map(({ code }) => code)
const leafOf = (pem: string): X509Certificate => new X509Certificate(pem)

describe('readMaterial puts in order what was given', () => {
  test.each<[string, () => [certificate: string, chain: string], chain: () => string[], strays: () => string[]]>([
    ['leaf and chain', () => [good.certificate, good.chain], () => [authority.intermediate], () => []],
    ['a full chain in one input', () => [good.fullchain, ''], () => [authority.intermediate], () => []],
    ['a full chain as certificate and chain', () => [good.certificate, good.fullchain], () => [authority.intermediate], () => []],
    ['the full chain twice', () => [good.fullchain, good.fullchain], () => [authority.intermediate], () => []],
    ['the chain from the root down', () => [good.certificate, authority.root + authority.intermediate], () => [authority.intermediate, authority.root], () => []],
    ['everything upside down in one input', () => [authority.root + authority.intermediate + good.certificate, ''], () => [authority.intermediate, authority.root], () => []],
    ['leaf and chain in each other\'s place', () => [authority.intermediate, good.certificate], () => [authority.intermediate], () => []],
    ['the leaf alone', () => [good.certificate, ''], () => [], () => []],
    ['the chain of an earlier authority', () => [good.certificate, other.intermediate], () => [], () => [other.intermediate]],
    ['a stray beside the right chain', () => [good.fullchain, stranger.certificate], () => [authority.intermediate], () => [stranger.certificate]],
    ['the root without its intermediate', () => [good.certificate, authority.root], () => [], () => [authority.root]],
    ['text between the certificates', () => [`subject=CN = x\n${good.certificate}\nissuer=\n${good.chain}`, ''], () => [authority.intermediate], () => []],
    ['CRLF', () => [good.fullchain.replaceAll('\n', '\r\n'), ''], () => [authority.intermediate], () => []],
  ])('%s', (_, given, chain, strays) => {
    const [certificate, chainInput] = given()
    const read = material(certificate, chainInput)
    expect(read.leaf.raw).toEqual(leafOf(good.certificate).raw)
    expect(toPem(read.chain)).toBe(toPem(chain().map(leafOf)))
    expect(toPem(read.strays)).toBe(toPem(strays().map(leafOf)))
  })

  test('the key leaves as unencrypted PKCS#8, whatever it came as', () => {
    const { key: parsed } = material(good.fullchain)
    if (!parsed) throw new Error('the key was given')
    const sec1 = String(parsed.export({ type: 'sec1', format: 'pem' }))
    expect(sec1).toMatch(/^-----BEGIN EC PRIVATE KEY-----/)
    const prime256v1 = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    for (const text of [sec1, prime256v1 + sec1]) expect(material(good.fullchain, '', text).privateKey).toBe(String(parsed.export({ type: 'pkcs8', format: 'pem' })))
  })
})

describe('readMaterial refuses', () => {
  const broken = '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----\n'
  test.each<[string, () => Parameters<typeof readMaterial>[0], code: string, RegExp]>([
    ['a certificate that is broken', () => ({ certificate: broken, privateKey: good.privateKey, chain: '' }), 'certificate-unreadable', /^Input certificate holds a certificate that cannot be parsed\.$/],
    ['a chain that is broken', () => ({ certificate: good.certificate, privateKey: good.privateKey, chain: good.chain + broken }), 'certificate-unreadable', /^Input certificate-chain holds a certificate that cannot be parsed\.$/],
    ['a certificate cut off', () => ({ certificate: good.certificate.slice(0, -40), privateKey: good.privateKey, chain: '' }), 'certificate-unreadable', /^Input certificate holds a certificate that cannot be parsed\.$/],
    ['a certificate whose end is in month 99', () => ({ certificate: endsNever(good.certificate), privateKey: good.privateKey, chain: '' }), 'certificate-unreadable', /cannot be parsed/],
    ['a certificate whose key is no point of its curve', () => ({ certificate: changed(good.certificate, (raw) => raw.fill(7, raw.indexOf(Buffer.from('03420004', 'hex')) + 4, raw.indexOf(Buffer.from('03420004', 'hex')) + 68)), privateKey: good.privateKey, chain: good.chain }), 'certificate-unreadable', /cannot be parsed/],
    ['the key in place of the certificate', () => ({ certificate: good.privateKey, privateKey: good.privateKey, chain: '' }), 'certificate-unreadable', /^Input certificate holds private key, and no certificate\.$/],
    ['a request in place of the certificate', () => ({ certificate: '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n', privateKey: good.privateKey, chain: '' }), 'certificate-unreadable', /^Input certificate holds certificate request, and no certificate\.$/],
    ['an encrypted key', () => ({ certificate: good.certificate, privateKey: encryptPrivateKey(good.privateKey, 'pass phrase'), chain: '' }), 'private-key-unreadable', /^Input private-key is encrypted\.$/],
    ['an encrypted key of the old kind', () => ({ certificate: good.certificate, privateKey: '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n', chain: '' }), 'private-key-unreadable', /^Input private-key is encrypted\.$/],
    ['a key that is broken', () => ({ certificate: good.certificate, privateKey: good.privateKey.replace(/\n[^-]/, '\n!'), chain: '' }), 'private-key-unreadable', /^Input private-key is not a private key that can be read\.$/],
    ['the public key', () => ({ certificate: good.certificate, privateKey: String(leafOf(good.certificate).publicKey.export({ type: 'spki', format: 'pem' })), chain: '' }), 'private-key-unreadable', /^Input private-key holds public key, and no private key\.$/],
    ['the certificate in place of the key', () => ({ certificate: good.certificate, privateKey: good.certificate, chain: '' }), 'private-key-unreadable', /^Input private-key holds certificate, and no private key\.$/],
    ['two keys', () => ({ certificate: good.certificate, privateKey: good.privateKey + stranger.privateKey, chain: '' }), 'private-key-unreadable', /^Input private-key holds 2 private keys\.$/],
    ['a key of SSH', () => ({ certificate: good.certificate, privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n', chain: '' }), 'private-key-unreadable', /^Input private-key is a key in the form of SSH\.$/],
    ['a PKCS#7 bundle in place of the chain', () => ({ certificate: good.certificate, privateKey: good.privateKey, chain: '-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n' }), 'certificate-unreadable', /^Input certificate-chain holds pkcs7, and no certificate\.$/],
  ])('%s', async (_, inputs, code, message) => {
    const error = await failureOf(() => readMaterial(inputs()))
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    expect(everythingIn(error)).not.toContain(good.privateKey.split('\n')[1])
  })

  // Node makes a date of whatever is in memory of about one in a thousand such ends.
  test('an end that is no date, each time that it is read', () => {
    const pem = endsNever(good.certificate)
    for (let count = 0; count < 10_000; count += 1) expect(() => parseCertificates(pem)).toThrow('a date that is none')
  })
})

describe('checkMaterial', () => {
  const old = { notBefore: new Date(now - 20 * day), notAfter: new Date(now - day) }
  const young = { notBefore: new Date(now + day) }
  test.each<[string, Partial<IssueOptions>, string[]]>([
    ['a good one', {}, []],
    ['expired', old, ['certificate-expired']],
    ['not yet valid', young, ['certificate-not-yet-valid']],
    ['for another host', { hosts: ['other.example.com'] }, ['certificate-host-mismatch']],
    ['expired and for another host', { ...old, hosts: ['other.example.com'] }, ['certificate-expired', 'certificate-host-mismatch']],
    ['a wildcard for one label', { hosts: ['*.example.com'] }, []],
    ['a wildcard for a label of a label', { hosts: ['*.com'] }, ['certificate-host-mismatch']],
    ['a wildcard inside a label, which clients do not take', { hosts: ['mil*.example.com'] }, ['certificate-host-mismatch']],
    ['the parent domain', { hosts: ['example.com'] }, ['certificate-host-mismatch']],
    ['the name in capitals', { hosts: ['MILVUS.Example.com'] }, []],
    ['a common name without a subject alternative name', { hosts: [], commonName: host }, ['certificate-host-mismatch']],
    ['a common name that differs from the names', { hosts: ['other.example.com'], commonName: host }, ['certificate-host-mismatch']],
    ['no common name', { commonName: null }, []],
    ['an IP address only', { hosts: ['10.0.3.7'] }, ['certificate-host-mismatch']],
  ])('%s', async (_, options, expected) => {
    const issued = await authority.issue({ hosts: [host], key, ...options })
    expect(codes(material(issued.certificate, issued.chain, issued.privateKey))).toEqual(expected)
  })

  test.each<[string, () => CertificateMaterial, string[]]>([
    ['the key of another certificate', () => material(good.fullchain, '', stranger.privateKey), ['private-key-mismatch']],
    ['the chain of another authority', () => material(good.certificate, other.intermediate), ['certificate-chain-invalid']],
    ['a stray leaf', () => material(good.fullchain, stranger.certificate), ['certificate-chain-invalid']],
    ['the root where the intermediate is missing', () => material(good.certificate, authority.root), ['certificate-chain-invalid']],
    ['key and chain of another certificate', () => material(good.certificate, other.intermediate, stranger.privateKey), ['private-key-mismatch', 'certificate-chain-invalid']],
    ['the leaf alone', () => material(good.certificate), ['certificate-chain-invalid']],
  ])('%s', (_, read, expected) => {
    expect(codes(read())).toEqual(expected)
  })

  test('an intermediate in place of the certificate: no message counts nothing', () => {
    const problems = checkMaterial(material(authority.intermediate), host, now)
    expect(problems.map(({ code }) => code)).toContain('private-key-mismatch')
    for (const { message } of problems) expect(message).not.toMatch(/ 0 certificate/)
  })

  test('an expired intermediate is named', async () => {
    const past = await createAuthority({ key, name: 'Past CA', notBefore: new Date(now - 30 * day), notAfter: new Date(now - day) })
    const issued = await past.issue({ hosts: [host], key })
    const [problem, ...more] = checkMaterial(material(issued.certificate, issued.chain, issued.privateKey), host, now)
    expect(more).toEqual([])
    expect(problem?.message).toMatch(/^The certificate of .*CN=Past CA Intermediate expired on \d{4}-/)
  })

  test.each([['the moment it begins', 'validFromDate', 0, []], ['a second before', 'validFromDate', -1000, ['certificate-not-yet-valid']], ['the moment it ends', 'validToDate', 0, ['certificate-expired']], ['a second before that', 'validToDate', -1000, []]] as const)('%s', (_, moment, offset, expected) => {
    const read = material(good.fullchain)
    expect(codes(read, host, read.leaf[moment].getTime() + offset)).toEqual(expected)
  })

  test.each<[string, Partial<IssueOptions>]>([
    ['as OpenSSL makes it', { keyUsage: null, extendedKeyUsage: null }],
    ['for a server only', {}],
    ['that may sign', { keyUsage: ['digitalSignature', 'keyCertSign'] }],
  ])('a self-signed certificate %s', async (_, options) => {
    const own = await selfSigned({ hosts: [host], key, ...options })
    const read = material(own.certificate, '', own.privateKey)
    expect(codes(read)).toEqual([])
    expect(read.chain).toEqual([])
    expect(isSelfSigned(read.leaf)).toBe(true)
  })

  test('a certificate of an authority is not self-signed', () => {
    expect([good.certificate, authority.intermediate, authority.root].map((pem) => isSelfSigned(leafOf(pem)))).toEqual([false, false, true])
  })
})

describe('checkHost', () => {
  test('names what the certificate covers', async () => {
    const { certificate } = await authority.issue({ hosts: ['a.example.com', '*.b.example.com', '10.0.3.7'], key })
    const { certificate: nameless } = await authority.issue({ hosts: [], commonName: host, key })
    expect(names(leafOf(certificate))).toEqual(['a.example.com', '*.b.example.com'])
    expect(checkHost(leafOf(certificate), host)[0]?.message).toBe(`The certificate does not cover ${host}: its names are a.example.com, *.b.example.com.`)
    expect(checkHost(leafOf(nameless), host)[0]?.message).toBe(`The certificate does not cover ${host}: its names are none (no subject alternative name). It has it only as its common name, which clients no longer look at.`)
    expect(checkHost(leafOf(certificate), 'x.b.example.com')).toEqual([])
    expect(checkHost(leafOf(certificate), 'y.x.b.example.com')[0]?.message).toMatch(/\*\.b\.example\.com covers exactly one label in place of its star\.$/)
    expect(checkHost(leafOf(certificate), 'b.example.com')[0]?.message).toMatch(/covers exactly one label/)
  })
})

describe('keys and signatures', () => {
  test.each<[string, KeyName, KeyName, string[]]>([
    ['EC under EC', key, 'EC_secp384r1', []],
    ['RSA under RSA', 'RSA_2048', 'RSA_3072', []],
    ['RSA under EC', key, 'RSA_2048', ['certificate-key-unsupported']],
    ['EC under RSA', 'RSA_2048', key, ['certificate-key-unsupported']],
  ])('%s', async (_, authorityKey, leafKey, expected) => {
    const issued = await (await createAuthority({ key: authorityKey })).issue({ hosts: [host], key: leafKey })
    expect(codes(material(issued.certificate, issued.chain, issued.privateKey))).toEqual(expected)
  })

  // Made with "openssl req -x509 -newkey ed25519", and "-newkey rsa:2048 -sha1": what makes the others here makes neither.
  test.each(['ed25519', 'sha1'] as const)('%s', (name) => {
    const { certificate, privateKey } = weakFixtures[name]
    const problem = checkMaterial(readMaterial({ certificate, privateKey, chain: '' }), host, new X509Certificate(certificate).validFromDate.getTime() + day)[0]
    expect(problem?.code).toBe(name === 'sha1' ? 'certificate-signature-weak' : 'certificate-key-unsupported')
    expect(problem?.message).toContain(name)
  })
})

describe('what ACM would refuse', () => {
  test.each<[string, () => Promise<IssuedCertificate>, RegExp]>([
    ['many names', () => authority.issue({ hosts: [host, ...Array.from({ length: 1200 }, (_, number) => `number-${number}.a.long.name.example.com`)], key }), /is \d{5} bytes of PEM, and the limit is 32768/],
    ['no issuer', () => selfSigned({ hosts: [host], commonName: null, key }), /names no issuer/],
    ['a long address of OCSP', () => authority.issue({ hosts: [host], key, ocsp: `http://ocsp.example.com/${'x'.repeat(1000)}` }), /OCSP service has 1024 characters/],
  ])('%s', async (_, issue, wrong) => {
    const issued = await issue()
    expect(checkMaterial(material(issued.certificate, issued.chain, issued.privateKey), host, now).map(({ code, message }) => [code, message])).toEqual([['certificate-refused', expect.stringMatching(wrong)]])
  })
})

test('a chain that was not given is looked for among the authorities', () => {
  const read = (chain: string): CertificateMaterial => readMaterial({ certificate: good.certificate, chain, privateKey: good.privateKey }, parseCertificates(authority.root + authority.intermediate))
  expect([read('').completed, toPem(read('').chain), codes(read(''))]).toEqual([true, toPem([authority.intermediate, authority.root].map(leafOf)), []])
  expect([read(good.chain).completed, toPem(read(good.chain).chain)]).toEqual([false, toPem([leafOf(authority.intermediate)])])
})

describe('expiryWarning', () => {
  test.each<[lifetime: number, left: number, threshold: number | undefined, warned: RegExp | undefined]>([
    [90, 40, undefined, undefined],
    [90, 29.5, undefined, /ends in 29 days, on /],
    [398, 31, undefined, undefined],
    [398, 29.5, undefined, /ends in 29 days/],
    [6, 2.5, undefined, undefined],
    [6, 1.5, undefined, /ends in 1 day, on /],
    [90, 40, 60, /ends in 40 days|ends in 39 days/],
    [90, 29, 14, undefined],
    [90, 13, 0, undefined],
  ])('a lifetime of %f days, %f left, threshold %s', async (lifetime, left, threshold, warned) => {
    const notBefore = new Date(now - (lifetime - left) * day)
    const issued = await authority.issue({ hosts: [host], key, notBefore, notAfter: new Date(now + left * day) })
    const warning = expiryWarning(leafOf(issued.certificate), threshold, now)
    if (warned) expect(warning).toMatch(warned)
    else expect(warning).toBeUndefined()
  })
})

test('an authority is trusted when it, or what it signed, is in the list', () => {
  const read = material(good.fullchain)
  expect([isTrusted(read), isTrusted(read, [authority.root]), isTrusted(read, [authority.intermediate]), isTrusted(read, [other.root])]).toEqual([false, true, true, false])
})

test.each<[string, () => string, boolean]>([['in order', () => good.fullchain, false], ['upside down', () => good.chain + good.certificate, true], ['with the root', () => good.fullchain + authority.root, false]])('reordered: %s', (_, given, expected) => {
  expect(material(given()).reordered).toBe(expected)
})

describe('keyAlgorithm, in the words of ACM', () => {
  test.each<KeyName>(['RSA_1024', 'RSA_2048', 'RSA_3072', 'EC_prime256v1', 'EC_secp384r1', 'EC_secp521r1'])('%s', async (name) => {
    const { certificate } = await authority.issue({ hosts: [host], key: name })
    expect(keyAlgorithm(leafOf(certificate))).toBe(name)
  })
})

describe('lists of certificates', () => {
  test.each<[string, () => string, () => string, boolean]>([
    ['the same', () => good.fullchain, () => good.fullchain.replaceAll('\n', '\r\n'), true],
    ['another order', () => good.fullchain, () => good.chain + good.certificate, false],
    ['one more', () => good.fullchain, () => good.certificate, false],
    ['another of the same name', () => good.certificate, () => stranger.certificate, false],
    ['none', () => '', () => '', true],
  ])('%s', (_, a, b, same) => {
    expect(sameCertificates(parseCertificates(a()), parseCertificates(b()))).toBe(same)
  })

  test('a subject on one line', () => {
    expect(oneLine(leafOf(authority.root).subject)).toMatch(/^O=Sandbox, OU=[0-9a-f]{8}, CN=Sandbox CA Root$/)
  })
})
