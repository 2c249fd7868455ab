import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509Certificate } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { checkForClients } from '../../src/x509/client-checks.ts'
import {
  getKeyUsages,
  hasExplicitCurve,
  isPssWithSha1,
  listCriticalExtensions,
  requiresStapling,
} from '../../src/x509/extensions.ts'
import { weakFixtures } from './weak-fixtures.ts'

/** Creates a certificate that the test CA cannot issue. */
function createByOpenssl(key: readonly string[], options: readonly string[] = []): X509Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'openssl-'))
  const openssl = (...commandLine: readonly string[]): unknown =>
    execFileSync('openssl', commandLine, { cwd: directory, stdio: 'pipe' })
  try {
    openssl('genpkey', ...key, '-out', 'key.pem')
    openssl('req', '-x509', '-key', 'key.pem', '-subj', '/CN=x', '-out', 'x.pem', ...options)
    return new X509Certificate(readFileSync(join(directory, 'x.pem')))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const rsaKey = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
const ecKey = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt']
const pss = ['-sigopt', 'rsa_padding_mode:pss']

test.each<{
  name: string
  key: readonly string[]
  options?: readonly string[]
  expected: { explicit?: true; pssSha1?: true; stapling?: true }
}>([
  { name: 'RSA', key: rsaKey, expected: {} },
  { name: 'a named curve', key: [...ecKey, 'ec_param_enc:named_curve'], expected: {} },
  {
    name: 'an explicit curve',
    key: [...ecKey, 'ec_param_enc:explicit'],
    expected: { explicit: true },
  },
  { name: 'PSS with SHA-1', key: rsaKey, options: [...pss, '-sha1'], expected: { pssSha1: true } },
  { name: 'PSS with SHA-256', key: rsaKey, options: [...pss, '-sha256'], expected: {} },
  {
    name: 'must-staple',
    key: rsaKey,
    options: ['-addext', 'tlsfeature=status_request'],
    expected: { stapling: true },
  },
])('reads $name', ({ key, options, expected }) => {
  const certificate = createByOpenssl(key, options)
  expect([
    hasExplicitCurve(certificate),
    isPssWithSha1(certificate),
    requiresStapling(certificate),
  ]).toEqual([expected.explicit ?? false, expected.pssSha1 ?? false, expected.stapling ?? false])
})

test('an explicit curve is a problem of its own', () => {
  const leaf = createByOpenssl([...ecKey, 'ec_param_enc:explicit'])
  expect(checkForClients({ leaf, chain: [] }).map(({ message }) => message)).toEqual([
    'The EC key of certificate CN=x describes its curve by numbers instead of by name, which clients reject.',
  ])
})

test.each([
  { value: 'digitalSignature', usages: ['digitalSignature'] },
  { value: 'critical,keyCertSign,cRLSign', usages: ['keyCertSign', 'cRLSign'] },
  { value: 'decipherOnly,keyAgreement', usages: ['keyAgreement'] },
])('reads key usage $value', ({ value, usages }) => {
  const certificate = createByOpenssl(rsaKey, ['-addext', `keyUsage=${value}`])
  expect(getKeyUsages(certificate)).toEqual(usages)
  expect(listCriticalExtensions(certificate).includes('2.5.29.15')).toBe(
    value.startsWith('critical'),
  )
})

test('a certificate without extensions, and of another key type', () => {
  const certificate = new X509Certificate(weakFixtures.ed25519.certificate)
  expect([getKeyUsages(certificate), hasExplicitCurve(certificate)]).toEqual([undefined, false])
})
