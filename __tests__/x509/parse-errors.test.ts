import { describe, expect, test } from '@jest/globals'
import { encryptPrivateKey } from '../../testing/certificates.ts'
import { parseCertificateMaterial } from '../../src/x509/certificate.ts'
import { parseCertificates } from '../../src/x509/parse.ts'
import { captureActionError, collectErrorText } from '../capture-error.ts'
import { otherCertificate, parseLeaf, validCertificate } from './issued-certificates.ts'
import { setInvalidExpiry, tamperCertificate } from './weak-fixtures.ts'

const { certificate, chain, privateKey } = validCertificate
const malformedPem = '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmg\n-----END CERTIFICATE-----\n'
const encodeBlock = (label: string): string =>
  `-----BEGIN ${label}-----\nMIIB\n-----END ${label}-----\n`

/** Overwrites the point of the public key, after its header: BIT STRING, 66 bytes, uncompressed. */
function corruptPublicKey(raw: Buffer): void {
  const header = Buffer.from('03420004', 'hex')
  const start = raw.indexOf(header) + header.length
  raw.fill(7, start, start + 64)
}

interface Case {
  readonly name: string
  /** Those of a valid certificate when absent. */
  readonly inputs: { certificate?: string; privateKey?: string; chain?: string }
  readonly message: string
}

async function expectFailure(inputs: Case['inputs'], code: string, message: string): Promise<void> {
  const error = await captureActionError(() =>
    parseCertificateMaterial({ certificate, privateKey, chain: '', ...inputs }),
  )
  expect([error.code, error.message]).toEqual([code, message])
  expect(error.otherErrors).toEqual([])
  expect(collectErrorText(error)).not.toContain(privateKey.split('\n')[1])
}

describe('certificate-unreadable', () => {
  test.each<Case>([
    {
      name: 'a malformed certificate',
      inputs: { certificate: malformedPem },
      message: 'Input certificate contains a certificate that cannot be parsed.',
    },
    {
      name: 'a malformed certificate in the chain',
      inputs: { chain: chain + malformedPem },
      message: 'Input certificate-chain contains a certificate that cannot be parsed.',
    },
    {
      name: 'a truncated certificate',
      inputs: { certificate: certificate.slice(0, -40) },
      message: 'Input certificate contains a certificate that cannot be parsed.',
    },
    {
      name: 'a certificate that expires in month 99',
      inputs: { certificate: setInvalidExpiry(certificate) },
      message: 'Input certificate contains a certificate that cannot be parsed.',
    },
    {
      name: 'a certificate whose key is not a point of its curve',
      inputs: { certificate: tamperCertificate(certificate, corruptPublicKey), chain },
      message: 'Input certificate contains a certificate that cannot be parsed.',
    },
    {
      name: 'a private key',
      inputs: { certificate: privateKey },
      message: 'Input certificate contains a private key but no certificate.',
    },
    {
      name: 'a certificate and key that are swapped',
      inputs: { certificate: privateKey, privateKey: certificate },
      message: 'Inputs certificate and private-key are swapped.',
    },
    {
      name: 'a certificate request',
      inputs: { certificate: encodeBlock('CERTIFICATE REQUEST') },
      message: 'Input certificate contains a certificate request but no certificate.',
    },
    {
      name: 'a PKCS#7 bundle',
      inputs: { chain: encodeBlock('PKCS7') },
      message: 'Input certificate-chain contains a PKCS#7 bundle but no certificate in PEM format.',
    },
    {
      name: 'another PEM block',
      inputs: { chain: encodeBlock('DH PARAMETERS') },
      message: 'Input certificate-chain contains a PEM block "DH PARAMETERS" but no certificate.',
    },
    {
      name: 'text that is not PEM',
      inputs: { chain: 'letsencrypt' },
      message: 'Input certificate-chain contains no certificate in PEM format.',
    },
  ])('$name', ({ inputs, message }) => expectFailure(inputs, 'certificate-unreadable', message))

  // For about one in a thousand of these, Node makes a valid date of uninitialized memory.
  test('reports an invalid expiry on each call', () => {
    const pem = setInvalidExpiry(certificate)
    for (let attempt = 0; attempt < 10_000; attempt += 1)
      expect(() => parseCertificates(pem)).toThrow('invalid validity date')
  })
})

describe('private-key-unreadable', () => {
  const publicKey = String(parseLeaf(certificate).publicKey.export({ type: 'spki', format: 'pem' }))
  test.each<Case>([
    {
      name: 'an encrypted key',
      inputs: { privateKey: encryptPrivateKey(privateKey, 'pass phrase') },
      message: 'Input private-key is encrypted.',
    },
    {
      name: 'an encrypted key in the PKCS#1 format',
      inputs: {
        privateKey:
          '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n',
      },
      message: 'Input private-key is encrypted.',
    },
    {
      name: 'a malformed key',
      inputs: { privateKey: privateKey.replace(/\n[^-]/, '\n!') },
      message: 'Input private-key contains a private key that cannot be parsed.',
    },
    {
      name: 'the public key',
      inputs: { privateKey: publicKey },
      message: 'Input private-key contains a public key but no private key.',
    },
    {
      name: 'the certificate in both inputs',
      inputs: { privateKey: certificate },
      message: 'Input private-key contains a certificate but no private key.',
    },
    {
      name: 'two keys',
      inputs: { privateKey: privateKey + otherCertificate.privateKey },
      message: 'Input private-key contains 2 private keys.',
    },
    {
      name: 'an OpenSSH key',
      inputs: { privateKey: encodeBlock('OPENSSH PRIVATE KEY') },
      message: 'Input private-key is in OpenSSH format.',
    },
    {
      name: 'text that is not PEM',
      inputs: { privateKey: 'secret' },
      message: 'Input private-key contains no private key in PEM format.',
    },
  ])('$name', ({ inputs, message }) => expectFailure(inputs, 'private-key-unreadable', message))
})
