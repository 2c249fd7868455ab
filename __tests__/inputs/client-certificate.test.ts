/** Inputs probe-certificate and probe-key. */
import { expect, test } from '@jest/globals'
import { encryptPrivateKey } from '../../testing/certificates.ts'
import {
  captureInputError,
  formatProblems,
  issued,
  minimalInputs,
  readInputs,
  type Inputs,
} from './read-inputs.ts'

const { fullchain, privateKey } = issued
const both = { 'probe-certificate': fullchain, 'probe-key': privateKey }

test('are parsed, also as base64', () => {
  const base64 = Object.fromEntries(
    Object.entries(both).map(([name, pem]) => [name, Buffer.from(pem).toString('base64')]),
  )
  for (const inputs of [both, base64]) {
    const { clientCertificate } = readInputs({ ...minimalInputs, ...inputs }).probe
    expect(clientCertificate?.leaf.toString().trim()).toBe(issued.certificate.trim())
    expect(clientCertificate?.chain).toHaveLength(1)
    expect(clientCertificate?.privateKey).toBe(privateKey)
  }
})

test.each<{ name: string; inputs: Inputs }>([
  { name: 'a dry run without the key', inputs: { ...both, 'probe-key': '', 'dry-run': 'true' } },
  { name: 'neither', inputs: {} },
  { name: 'a removal, which does not probe', inputs: { mode: 'destroy', 'probe-key': 'none' } },
  { name: 'a run without a probe', inputs: { ...both, probe: 'off' } },
])('valid: $name', ({ inputs }) => {
  expect(() => readInputs({ ...minimalInputs, ...inputs })).not.toThrow()
})

test.each<{ name: string; inputs: Inputs; expected: string }>([
  {
    name: 'only the certificate',
    inputs: { ...both, 'probe-key': '' },
    expected: 'input-missing: Input probe-key is empty.',
  },
  {
    name: 'only the certificate of a check, which probes',
    inputs: { ...both, 'probe-key': '', mode: 'check' },
    expected: 'input-missing: Input probe-key is empty.',
  },
  {
    name: 'only the key',
    inputs: { ...both, 'probe-certificate': '' },
    expected: 'input-missing: Input probe-certificate is empty.',
  },
  {
    name: 'swapped',
    inputs: { 'probe-certificate': privateKey, 'probe-key': fullchain },
    expected: 'certificate-unreadable: Inputs probe-certificate and probe-key are swapped.',
  },
  {
    name: 'an encrypted key',
    inputs: { ...both, 'probe-key': encryptPrivateKey(privateKey, 'secret') },
    expected: 'private-key-unreadable: Input probe-key is encrypted.',
  },
  {
    name: 'a certificate that is no PEM',
    inputs: { ...both, 'probe-certificate': 'none' },
    expected: 'input-invalid: Input probe-certificate is neither PEM nor base64 of PEM.',
  },
  {
    name: 'a key that is the path of a file',
    inputs: { ...both, 'probe-key': '/run/secrets/client.key' },
    expected: 'input-invalid: Input probe-key is the path of a file, not its content.',
  },
  {
    name: 'a key instead of a certificate',
    inputs: { ...both, 'probe-certificate': privateKey },
    expected:
      'certificate-unreadable: Input probe-certificate contains a private key but no certificate.',
  },
])('invalid: $name', ({ inputs, expected }) => {
  const error = captureInputError({ ...minimalInputs, ...inputs })
  expect(formatProblems(error)).toEqual([expected])
})
