import { X509Certificate, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { parseCertificates, parsePrivateKey } from '../../src/x509/parse.ts'
import { parsePem } from '../../src/inputs/pem.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const canary = 'canary-5b1d9e'
const certificate = new X509Certificate((await createCertificateAuthority()).root)

describe('pem', () => {
  const pemText =
    '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIQAAAA\nMDAwMDAwMDAwMDAwMDAwMDAwMA==\n-----END CERTIFICATE-----\n'
  const base64 = Buffer.from(pemText).toString('base64')
  test.each([
    ['PEM', pemText],
    ['PEM without a trailing newline', pemText.trim()],
    ['PEM with CRLF', pemText.replaceAll('\n', '\r\n')],
    ['PEM with CR', pemText.replaceAll('\n', '\r')],
    ['PEM with surrounding blank lines', `\n\n${pemText}\n\n`],
    ['base64 on one line', base64],
    ['base64 with line breaks, as the base64 command prints it', base64.replace(/.{76}/g, '$&\n')],
    ['base64 with CRLF', base64.replace(/.{64}/g, '$&\r\n')],
    ['base64 of PEM with CRLF', Buffer.from(pemText.replaceAll('\n', '\r\n')).toString('base64')],
    ['base64 without padding', base64.replace(/=+$/, '')],
    ['literal \\n instead of line breaks', pemText.trim().replaceAll('\n', '\\n')],
    ['literal \\r\\n', pemText.trim().replaceAll('\n', '\\r\\n')],
    ['PEM in quotes', `"${pemText.trim()}"`],
    ['literal \\n in a JSON string', JSON.stringify(pemText.trim())],
    ['base64 in single quotes', `'${base64}'`],
    ['PEM after a byte order mark', `\uFEFF${pemText}`],
    ['base64 of PEM after a byte order mark', Buffer.from(`\uFEFF${pemText}`).toString('base64')],
    ['base64url', Buffer.from(pemText).toString('base64url')],
  ])('%s', (_, raw) => {
    expect(parsePem(raw)).toBe(pemText)
  })

  test.each([
    {
      name: 'text before the certificate, which is kept',
      preamble: 'subject=CN = x\n',
      block: pemText,
    },
  ])('$name', ({ preamble, block }) => {
    expect(parsePem(preamble + block)).toBe(preamble + block)
  })

  test.each([
    ['text that is not PEM', canary],
    ['base64 of text that is not PEM', Buffer.from(canary).toString('base64')],
  ])('rejects %s without quoting it', (_, raw) => {
    const { message, remedy } = captureInvalidInput(parsePem, raw)
    expect(message).toBe('is neither PEM nor base64 of PEM.')
    expect(message + remedy).not.toContain(raw)
  })

  test.each<{ name: string; raw: string; expected: RegExp }>([
    {
      name: 'base64 of base64',
      raw: Buffer.from(base64).toString('base64'),
      expected: /encoded twice/,
    },
    {
      name: 'a relative path',
      raw: './secrets/key.pem',
      expected: /the path of a file.*gh secret set/,
    },
    {
      name: 'an absolute path',
      raw: '/home/runner/work/_temp/key',
      expected: /the path of a file/,
    },
    { name: 'a path with the @ prefix of curl', raw: '@key.pem', expected: /the path of a file/ },
    { name: 'a Windows path', raw: 'C:\\certs\\key.pem', expected: /the path of a file/ },
    { name: 'a file name', raw: 'key.pem', expected: /the path of a file/ },
    { name: 'JSON', raw: JSON.stringify({ private_key: pemText }), expected: /is JSON.*fromJSON/ },
    {
      name: 'the ARN of a certificate',
      raw: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b',
      expected: /ARN of an ACM certificate.*certificate-arn/,
    },
    {
      name: 'an ARN of Secrets Manager',
      raw: 'arn:aws:secretsmanager:us-east-2:111122223333:secret:tls',
      expected: /the ARN of a secret in AWS Secrets Manager.*Set certificate-secret/,
    },
    {
      name: 'an SSH key',
      raw: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@host',
      expected: /an SSH public key/,
    },
  ])('recognizes $name and does not quote it', ({ raw, expected }) => {
    const { message, remedy } = captureInvalidInput(parsePem, raw)
    expect(`${message} ${remedy}`).toMatch(expected)
    expect(message + remedy).not.toContain(raw)
  })

  const longPem = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\n${'B'.repeat(40)}\n-----END CERTIFICATE-----\n`
  test.each([
    ['spaces instead of line breaks', longPem.trim().replaceAll('\n', ' ')],
    ['no line breaks', longPem.replaceAll('\n', '')],
    ['two blocks on one line', `${longPem}${longPem}`.replaceAll('\n', ' ')],
  ])('restores the line breaks of PEM with %s', (_, raw) => {
    expect(
      parsePem(raw).replace(/-----END CERTIFICATE----- ?-/g, '-----END CERTIFICATE-----\n-'),
    ).toBe(raw.match(/BEGIN/g)?.length === 2 ? longPem + longPem : longPem)
  })

  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const parameters =
    '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
  const sec1Key = String(privateKey.export({ type: 'sec1', format: 'pem' }))
  const pkcs8Key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const bagAttributes = 'Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n'
  test.each([
    { name: 'EC PARAMETERS and a key', text: parameters + sec1Key },
    { name: 'bag attributes and a key', text: bagAttributes + pkcs8Key },
    { name: 'a certificate and a key', text: certificate.toString() + pkcs8Key },
    { name: 'a key and a certificate', text: sec1Key + certificate.toString() },
  ])('restores $name in every form in which a secret may contain them', ({ text }) => {
    const lines = text.trim().split('\n')
    for (const raw of [
      lines.join(' '),
      lines.join('\\n'),
      lines.join('\r\n'),
      lines.map((line) => `    ${line}`).join('\n'),
      Buffer.from(lines.join(' ')).toString('base64'),
    ]) {
      const pem = parsePem(raw)
      expect(parsePrivateKey('Input private-key', pem).equals(privateKey)).toBe(true)
      expect(parseCertificates(pem).length).toBe(text.includes('CERTIFICATE') ? 1 : 0)
    }
  })

  const encryptedKey = privateKey.export({
    type: 'pkcs8',
    format: 'der',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  })
  test.each<{ name: string; bytes: Buffer; expected: RegExp }>([
    {
      name: 'a certificate in DER',
      bytes: certificate.raw,
      expected: /a certificate in DER.*openssl x509 -inform DER/,
    },
    {
      name: 'a private key in DER',
      bytes: privateKey.export({ type: 'pkcs8', format: 'der' }),
      expected: /a private key in DER.*openssl pkey -inform DER/,
    },
    {
      name: 'a PKCS#1 RSA key in DER',
      bytes: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
        type: 'pkcs1',
        format: 'der',
      }),
      expected: /a private key in DER/,
    },
    {
      name: 'an encrypted key in DER',
      bytes: encryptedKey,
      expected: /an encrypted private key.*passphrase/,
    },
    {
      name: 'a public key in DER',
      bytes: publicKey.export({ type: 'spki', format: 'der' }),
      expected: /other data, in DER/,
    },
    {
      name: 'PKCS#12',
      bytes: Buffer.from('3082098a0201033082094406', 'hex'),
      expected: /PKCS#12.*openssl pkcs12/,
    },
    {
      name: 'a short PKCS#12',
      bytes: Buffer.from('30819a020103308144', 'hex'),
      expected: /PKCS#12/,
    },
    {
      name: 'PKCS#7',
      bytes: Buffer.from('3082053406092a864886f70d010702a0', 'hex'),
      expected: /PKCS#7.*openssl pkcs7/,
    },
    {
      name: 'a Java keystore',
      bytes: Buffer.from('feedfeed00000002', 'hex'),
      expected: /Java keystore.*keytool/,
    },
  ])('recognizes base64 of $name', ({ bytes, expected }) => {
    const { message, remedy } = captureInvalidInput(parsePem, bytes.toString('base64'))
    expect(`${message} ${remedy}`).toMatch(expected)
  })
})
