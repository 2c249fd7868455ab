import { describe, expect, test } from '@jest/globals'
import { encryptPrivateKey } from '../../testing/certificates.ts'
import { collectErrorText } from '../capture-error.ts'
import { captureInputError, issued, minimalInputs, type Inputs } from './read-inputs.ts'

describe('messages of frequent mistakes', () => {
  const emptySecret =
    'A secret that does not exist in this environment, or under another name, reads as empty.'
  const noArn: Inputs = { ...minimalInputs, 'certificate-arn': '' }
  test.each<{ name: string; inputs: Inputs; expected: string[] }>([
    {
      name: 'a private key as the certificate',
      inputs: { ...noArn, 'private-key': issued.privateKey },
      expected: [
        `Input certificate is empty. Set certificate together with private-key, or set certificate-secret or certificate-arn instead. ${emptySecret}`,
      ],
    },
    {
      name: 'a certificate and key that are swapped',
      inputs: {
        ...noArn,
        certificate: issued.privateKey,
        'private-key': issued.certificate,
      },
      expected: ['Inputs certificate and private-key are swapped. Exchange the two values.'],
    },
    {
      name: 'a scheme value of another cloud',
      inputs: { ...minimalInputs, scheme: 'public' },
      expected: [
        'Input scheme is "public", which is not a valid value. Use internet-facing or internal.',
      ],
    },
    {
      name: 'an address instead of a CIDR block',
      inputs: { ...minimalInputs, 'inbound-cidrs': '203.0.113.7' },
      expected: [
        'Input inbound-cidrs contains "203.0.113.7", which has no prefix length. For one address, use 203.0.113.7/32.',
      ],
    },
    {
      name: 'a list instead of a map',
      inputs: { ...minimalInputs, tags: '- team: search' },
      expected: [
        'Input tags is a YAML list. Write one "key: value" per line, without the leading "- ".',
      ],
    },
    {
      name: 'a tab in YAML',
      inputs: { ...minimalInputs, values: 'proxy:\n\treplicas: 2' },
      expected: ['Input values is not valid YAML: tab in line 2. Indent with spaces.'],
    },
    {
      name: 'an OCI registry as chart repository',
      inputs: {
        ...minimalInputs,
        'chart-repository': 'oci://registry.example.com/charts/',
      },
      expected: [
        'Input chart-repository is an OCI registry, not the URL of a chart repository. For an OCI registry, put the oci:// reference in chart, for example oci://registry.example.com/charts/milvus, and leave chart-repository empty.',
      ],
    },
    {
      name: 'an unknown value',
      inputs: { ...minimalInputs, cutover: 'later' },
      expected: ['Input cutover is "later", which is not a valid value. Use first, last or never.'],
    },
  ])('$name', ({ inputs, expected }) => {
    const { allErrors } = captureInputError(inputs)
    expect(allErrors.map(({ message, remedy }) => `${message} ${remedy}`)).toEqual(expected)
  })
})

describe('secrets', () => {
  const canary = 'canary-Zm9vYmFy'
  const certificateInputs: Inputs = {
    ...minimalInputs,
    'certificate-arn': '',
    certificate: issued.certificate,
    'private-key': issued.privateKey,
  }
  test.each<{ name: string; inputs: Inputs; codes: string[] }>([
    {
      name: 'a key that is not PEM',
      inputs: { ...certificateInputs, 'private-key': canary },
      codes: ['input-invalid'],
    },
    {
      name: 'a corrupt key',
      inputs: {
        ...certificateInputs,
        'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      },
      codes: ['private-key-unreadable'],
    },
    {
      name: 'an encrypted key',
      inputs: {
        ...certificateInputs,
        'private-key': encryptPrivateKey(issued.privateKey, canary),
      },
      codes: ['private-key-unreadable'],
    },
    {
      name: 'a certificate and key that are swapped',
      inputs: {
        ...certificateInputs,
        certificate: issued.privateKey,
        'private-key': issued.certificate,
      },
      codes: ['certificate-unreadable'],
    },
    {
      name: 'a corrupt certificate and a corrupt key',
      inputs: {
        ...certificateInputs,
        certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
        'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      },
      codes: ['certificate-unreadable', 'private-key-unreadable'],
    },
    {
      name: 'values that are not YAML',
      inputs: { ...minimalInputs, values: `password: "${canary}` },
      codes: ['input-invalid'],
    },
    {
      name: 'an archive with credentials',
      inputs: {
        ...minimalInputs,
        chart: `https://user:${canary}@charts.example.com/milvus.tgz`,
      },
      codes: ['input-invalid'],
    },
    {
      name: 'a chart repository with credentials',
      inputs: {
        ...minimalInputs,
        'chart-repository': `https://user:${canary}@charts.example.com`,
      },
      codes: ['input-invalid'],
    },
  ])('$name is not quoted', ({ inputs, codes }) => {
    const error = captureInputError(inputs)
    expect(error.allErrors.map(({ code }) => code)).toEqual(codes)
    const errorText = collectErrorText(error)
    expect(errorText).not.toContain(canary)
    for (const line of issued.privateKey
      .split('\n')
      .filter((text) => text !== '' && !text.startsWith('-----')))
      expect(errorText).not.toContain(line)
  })
})
