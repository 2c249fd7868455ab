import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { parseSecretValue } from '../../../src/steps/certificate/secret-content.ts'
import { parseCertificateMaterial, toPem } from '../../../src/x509/certificate.ts'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { captureError, collectErrorText } from '../../capture-error.ts'

const authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
const { certificate, chain, fullchain, privateKey } = await authority.issue({
  hosts: ['milvus.example.com'],
  keyAlgorithm: 'EC_prime256v1',
})
const encode = (text: string): string => Buffer.from(text).toString('base64')
const ecKey = createPrivateKey(privateKey).export({ type: 'sec1', format: 'pem' }).toString()
const ecParameters =
  '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'

describe('forms of a secret with a certificate', () => {
  test.each<{ name: string; value: string }>([
    {
      name: 'the documented keys',
      value: JSON.stringify({ certificate, private_key: privateKey, chain }),
    },
    {
      name: 'the files of certbot',
      value: JSON.stringify({ cert: certificate, privkey: privateKey, chain, fullchain }),
    },
    {
      name: 'the export of ACM',
      value: JSON.stringify({
        Certificate: certificate,
        CertificateChain: chain,
        PrivateKey: privateKey,
      }),
    },
    {
      name: 'the keys of a Secret in the cluster, in base64',
      value: JSON.stringify({ 'tls.crt': encode(fullchain), 'tls.key': encode(privateKey) }),
    },
    {
      name: 'names in capitals, and line ends that were escaped twice',
      value: JSON.stringify({
        CERTIFICATE_PEM: fullchain.replaceAll('\n', '\\n'),
        PRIVATE_KEY_PEM: privateKey.replaceAll('\n', '\\n'),
        note: 7,
      }),
    },
    { name: 'one PEM text, the key first', value: privateKey + fullchain },
    { name: 'one PEM text, the key last', value: `${fullchain}\n${ecParameters}${ecKey}` },
    {
      name: 'one PEM text without line ends',
      value: (fullchain + privateKey).replaceAll('\n', ' '),
    },
    { name: 'one PEM text in base64', value: encode(fullchain + privateKey) },
  ])('$name', ({ value }) => {
    const material = parseCertificateMaterial(parseSecretValue('Secret X', value))
    expect(material.leaf.raw).toEqual(new X509Certificate(certificate).raw)
    expect(toPem(material.chain)).toBe(chain)
    expect(material.key?.equals(createPrivateKey(privateKey))).toBe(true)
  })
})

describe('what is wrong with a secret', () => {
  test.each<{ name: string; value: string; expected: string }>([
    {
      name: 'JSON without a certificate',
      value: JSON.stringify({ private_key: privateKey, certificate: '' }),
      expected:
        'Secret X contains JSON without a certificate: it has none of the keys fullchain, certificate, cert, tls.crt.',
    },
    {
      name: 'JSON without a key',
      value: JSON.stringify({ certificate, passphrase: 'changeit' }),
      expected:
        'Secret X contains JSON without a private key: it has none of the keys private_key, privkey, key, tls.key.',
    },
    {
      name: 'a list',
      value: JSON.stringify([certificate.length]),
      expected: 'Secret X contains neither JSON nor PEM.',
    },
    { name: 'nothing', value: '', expected: 'Secret X contains neither JSON nor PEM.' },
    {
      name: 'certificates alone',
      value: fullchain,
      expected: 'Secret X contains PEM without a private key.',
    },
    {
      name: 'a key alone',
      value: privateKey,
      expected: 'Secret X contains PEM without a certificate.',
    },
    {
      name: 'entries that are swapped',
      value: JSON.stringify({ certificate: privateKey, private_key: certificate }),
      expected: 'Keys certificate and private_key of Secret X are swapped.',
    },
    {
      name: 'an entry that is no key',
      value: JSON.stringify({ certificate, private_key: 'changeit' }),
      expected: 'Key private_key of Secret X contains no private key in PEM format.',
    },
  ])('$name', async ({ value, expected }) => {
    const text = collectErrorText(
      await captureError(() => parseCertificateMaterial(parseSecretValue('Secret X', value))),
    )
    expect(text).toContain(expected)
    expect(text).not.toContain('changeit')
  })
})
