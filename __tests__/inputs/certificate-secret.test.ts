import { describe, expect, test } from '@jest/globals'
import { captureInputError, minimalInputs, readEndpointInputs } from './read-inputs.ts'

const secretInputs = (secret: string) => ({
  ...minimalInputs,
  'certificate-arn': '',
  namespace: 'search',
  'certificate-secret': secret,
})

describe('certificate-secret', () => {
  const arn = 'arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:milvus/tls-AbCdEf'
  test.each([
    {
      text: 'milvus-tls',
      secret: { kind: 'kubernetes', namespace: 'search', name: 'milvus-tls' },
    },
    {
      text: 'certificates/milvus.example.com-tls',
      secret: { kind: 'kubernetes', namespace: 'certificates', name: 'milvus.example.com-tls' },
    },
    { text: arn, secret: { kind: 'secrets-manager', arn, region: 'cn-north-1' } },
  ])('$text', ({ text, secret }) => {
    expect(readEndpointInputs(secretInputs(text)).certificate).toEqual({ kind: 'secret', secret })
  })

  test.each([
    {
      text: 'a/b/c',
      expected: 'Input certificate-secret is "a/b/c", which has more than one slash.',
    },
    {
      text: '/milvus-tls',
      expected: 'Input certificate-secret is "", which is not a Kubernetes name.',
    },
    {
      text: 'search/Milvus_TLS',
      expected: 'Input certificate-secret is "Milvus_TLS", which is not a Kubernetes name.',
    },
    {
      text: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b',
      expected:
        'Input certificate-secret is "arn:aws:acm:us-east-2:111122223333:certificate/0a1b", which is the ARN of an ACM certificate.',
    },
    {
      text: `${arn}:tls.crt::`,
      expected:
        'Input certificate-secret is a text of 84 characters, which names a key or a version of a secret.',
    },
    {
      text: 'arn:aws:ssm:us-east-2:111122223333:parameter/tls',
      expected:
        'Input certificate-secret is "arn:aws:ssm:us-east-2:111122223333:parameter/tls", which is not the ARN of a secret in AWS Secrets Manager.',
    },
  ])('rejects $text', ({ text, expected }) => {
    const error = captureInputError(secretInputs(text))
    expect([error.code, error.message]).toEqual(['input-invalid', expected])
  })

  test('excludes the other inputs for a certificate', () => {
    const error = captureInputError({
      ...minimalInputs,
      'certificate-secret': 'milvus-tls',
      'private-key': '-----BEGIN PRIVATE KEY-----',
    })
    expect([error.code, error.message]).toEqual([
      'inputs-conflict',
      'Input certificate-secret is set together with private-key, certificate-arn.',
    ])
  })

  test('a long text is not quoted, because it may be a secret', () => {
    const error = captureInputError(secretInputs(`arn:${'x'.repeat(100)}`))
    expect(error.message).not.toContain('xxx')
  })
})
