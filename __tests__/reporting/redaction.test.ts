import { beforeAll, describe, expect, test } from '@jest/globals'
import { issueSelfSigned } from '../../testing/certificates.ts'
import { findSecretValues } from '../../src/clients/helm/values.ts'
import { Redactor } from '../../src/reporting/redaction.ts'
import { captureStdout } from './capture-stdout.ts'

/** A redactor that knows a secret, and the masks that it asked the runner for. */
async function createRedactor(
  ...secrets: string[]
): Promise<{ redactor: Redactor; masks: string[] }> {
  const redactor = new Redactor()
  const text = await captureStdout(() => secrets.forEach((secret) => redactor.maskSecret(secret)))
  return {
    redactor,
    masks: text
      .split('\n')
      .flatMap((line) =>
        line.startsWith('::add-mask::')
          ? [decodeURIComponent(line.slice('::add-mask::'.length))]
          : [],
      ),
  }
}

describe('redact', () => {
  const secret = 'root:p@ss/wörd+1"\\&'
  test.each<[string, string]>([
    ['a plain secret', secret],
    ['in base64, as gRPC sends it', Buffer.from(secret).toString('base64')],
    ['URL-encoded', encodeURIComponent(secret)],
    ['JSON-escaped', JSON.stringify(secret)],
    ['within a JSON document', JSON.stringify({ a: [secret] })],
    ['in base64url', Buffer.from(secret).toString('base64url')],
    ['in base64 behind a user name', Buffer.from(`x:${secret}`).toString('base64')],
    ['in base64 behind a longer user name', Buffer.from(`xy:${secret}`).toString('base64')],
    ['in a form', new URLSearchParams({ p: secret }).toString()],
    [
      'URL-encoded in lowercase',
      encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
    ],
    ['JSON-escaped by Go', JSON.stringify(secret).replaceAll('&', '\\u0026')],
  ])('%s', async (_, text) => {
    const { redactor } = await createRedactor(secret)
    expect(redactor.redact(`before ${text} after ${text}`)).toMatch(
      /^before .*\*\*\*.* after .*\*\*\*.*$/,
    )
    expect(redactor.redact(text)).not.toMatch(/p@ss|w(ö|%C3%B6|%c3%b6)rd|cm9vdD/)
  })

  test('removes each line of a key separately', async () => {
    const { privateKey } = await issueSelfSigned({
      hosts: ['a.example.com'],
      keyAlgorithm: 'EC_prime256v1',
    })
    const { redactor, masks } = await createRedactor(
      privateKey,
      privateKey.replaceAll('\n', '\r\n'),
    )
    const lines = privateKey.trim().split('\n').slice(1, -1)
    for (const line of lines)
      expect(redactor.redact(`error: ${line} is wrong`)).toBe('error: *** is wrong')
    expect(redactor.redact(Buffer.from(privateKey).toString('base64'))).toBe('***')
    expect(masks).toEqual(expect.arrayContaining(lines))
    expect(masks).not.toContain('-----BEGIN PRIVATE KEY-----')
  })

  test('removes the longest secret first, so that no part remains', async () => {
    const { redactor } = await createRedactor('secret-one', 'secret-one-and-more')
    expect(redactor.redact('a secret-one-and-more b secret-one c')).toBe('a *** b *** c')
  })

  test('treats pattern characters as plain text', async () => {
    const { redactor } = await createRedactor('$&.*(secret)')
    expect(redactor.redact('x $&.*(secret) y')).toBe('x *** y')
  })

  test.each(['', ' ', '\n', 'short', 'a\nb\nc'])(
    'does not mask %j, which is too common',
    async (commonText) => {
      const { redactor, masks } = await createRedactor(commonText)
      expect(redactor.redact('a short text\nb c')).toBe('a short text\nb c')
      expect(masks.filter((mask) => mask.length < 6)).toEqual([])
    },
  )

  test('masks each secret once', async () => {
    const { masks } = await createRedactor('secret-one', 'secret-one')
    expect(masks.filter((mask) => mask === 'secret-one')).toHaveLength(1)
  })

  test('removes a secret with surrounding white space', async () => {
    const { redactor } = await createRedactor('  secret-one\n')
    expect(redactor.redact('x secret-one y')).toBe('x *** y')
    expect(redactor.redact(Buffer.from('secret-one').toString('base64'))).toBe('***')
  })
})

test('removes a suspected secret in every encoding without a mask', async () => {
  const redactor = new Redactor()
  const text = await captureStdout(() =>
    redactor.redactSuspectedSecret('first "line"\nsecond line'),
  )
  expect(text).toBe('')
  const base64 = Buffer.from('a first "line"\nsecond line').toString('base64')
  expect(
    redactor.redact(
      `  second line; first \\"line\\"; ${base64}; ${encodeURIComponent('second line')}`,
    ),
  ).not.toMatch(/line|second|ZmlycwX|bGluZ/)
  expect(redactor.redactOutput('second line')).toBe('second line')
})

describe('findSecretValues', () => {
  test.each<{ name: string; values: unknown; expected: string[] }>([
    {
      name: 'a value under a secret key',
      values: { minio: { rootPassword: 'a-password', mode: 'standalone' } },
      expected: ['a-password'],
    },
    {
      name: 'secret keys in every spelling',
      values: {
        accessKey: '1-key',
        SECRET_KEY: '2-key',
        apiToken: '3-key',
        credentials: '4-key',
        passphrase: '5-key',
      },
      expected: ['1-key', '2-key', '3-key', '4-key', '5-key'],
    },
    {
      name: 'all values below a secret key',
      values: { secrets: { a: 'one', b: ['two', { c: 'three' }] } },
      expected: ['one', 'two', 'three'],
    },
    {
      name: 'a value in a list',
      values: { users: [{ name: 'root', password: 'a-password' }] },
      expected: ['a-password'],
    },
    { name: 'a numeric password', values: { rootPassword: 12345678 }, expected: ['12345678'] },
    {
      name: 'a value in an embedded configuration file',
      values: { extraConfigFiles: { 'user.yaml': 'minio:\n  secretAccessKey: a-password\n' } },
      expected: ['a-password'],
    },
    {
      name: 'an environment variable',
      values: {
        extraEnv: [
          { name: 'MINIO_SECRET_KEY', value: 'a-secret' },
          { name: 'MODE', value: 'cluster' },
        ],
      },
      expected: ['a-secret'],
    },
    {
      name: 'a password in a URL',
      values: { metastore: { uri: 'mysql://root:a-password@db.example.com:3306/milvus' } },
      expected: ['a-password'],
    },
    {
      name: 'references to secrets, which are not secret',
      values: {
        existingSecret: 'milvus-demo',
        secretName: 'milvus-tls',
        keyFile: '/key',
        tolerations: [{ key: 'milvus' }],
      },
      expected: [],
    },
    {
      name: 'common values, which are not secret',
      values: { service: { type: 'ClusterIP' }, cluster: { enabled: true } },
      expected: [],
    },
    { name: 'no values', values: undefined, expected: [] },
    { name: 'a null password', values: { password: null }, expected: [] },
  ])('$name', ({ values, expected }) => {
    expect(findSecretValues(values)).toEqual(expected)
  })
})

describe('registered masks', () => {
  let masks: string[]
  beforeAll(async () => {
    masks = (await createRedactor('user:pass word/?')).masks
  })
  test.each(['user:pass word/?', Buffer.from('user:pass word/?').toString('base64')])(
    'include %j',
    (encodedSecret) => {
      expect(masks).toContain(encodedSecret)
    },
  )
})
