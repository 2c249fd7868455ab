import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type IssuedCertificate,
  type AcmKeyAlgorithm,
} from '../../../testing/certificates.ts'
import type { Fault } from '../../../testing/request-log.ts'
import { Acm } from '../../../src/clients/aws/acm.ts'
import type { ImportMaterial } from '../../../src/clients/aws/acm-import.ts'
import { captureActionError } from '../../capture-error.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

const host = 'milvus.example.com'
const missingArn =
  'arn:aws:acm:us-east-2:111122223333:certificate/00000000-0000-4000-8000-000000000000'
let authority: CertificateAuthority,
  rsaAuthority: CertificateAuthority,
  issued: IssuedCertificate,
  account: TestAccount,
  acm: Acm

beforeAll(async () => {
  authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  rsaAuthority = await createCertificateAuthority()
  issued = await authority.issue({
    hosts: [host, '*.milvus.example.com'],
    keyAlgorithm: 'EC_prime256v1',
  })
})
beforeEach(async () => {
  account = await startTestAccount()
  acm = new Acm(account.clients)
})
afterEach(() => account.close())

const createImportMaterial = (source: IssuedCertificate = issued): ImportMaterial => ({
  certificate: source.certificate,
  chain: source.chain,
  privateKey: source.privateKey,
})
/** Imports a certificate, which must succeed. */
async function importCertificate(tags: Readonly<Record<string, string>> = {}): Promise<string> {
  const result = await acm.importWithoutRetry(createImportMaterial(), tags)
  if (!('arn' in result)) throw new Error(result.uncertainReason)
  return result.arn
}

const requestBodies = (operation: string): string[] =>
  account.requestLog.requests
    .filter((request) => request.operation === operation)
    .map(({ body }) => body)

describe('list', () => {
  /**
   * Puts certificates into the account by hand: their number and type of key count here, not their
   * texts.
   */
  function addCertificates(keyAlgorithms: readonly AcmKeyAlgorithm[]): void {
    keyAlgorithms.forEach((keyAlgorithm, index) => {
      const arn = missingArn.replace(/0{12}$/, String(index).padStart(12, '0'))
      account.aws.state.certificates.set(arn, {
        arn,
        keyAlgorithm,
        certificate: issued.certificate,
        chain: issued.chain,
        privateKey: issued.privateKey,
        importedAt: new Date(),
        tags: new Map(),
      })
    })
  }

  test('includes every key type, although ACM omits most of them by default', async () => {
    const keyAlgorithms: AcmKeyAlgorithm[] = [
      'RSA_1024',
      'RSA_2048',
      'RSA_3072',
      'RSA_4096',
      'EC_prime256v1',
      'EC_secp384r1',
      'EC_secp521r1',
    ]
    addCertificates(keyAlgorithms)
    expect(await acm.list()).toHaveLength(keyAlgorithms.length)
  })

  test('reads every page', async () => {
    addCertificates(Array.from({ length: 1_100 }, () => 'EC_prime256v1' as const))
    expect(new Set((await acm.list()).map(({ arn }) => arn)).size).toBe(1_100)
    expect(requestBodies('ListCertificates')).toHaveLength(2)
  })

  test('lists each name once and reports that the certificate was imported', async () => {
    const arn = await importCertificate()
    expect(await acm.list()).toEqual([
      { arn, domainNames: [host, '*.milvus.example.com'], hasMoreNames: false, isImported: true },
    ])
  })

  test('reports when a certificate has more names than listed', async () => {
    const hosts = Array.from({ length: 101 }, (_, index) => `n${index}.example.com`)
    await acm.importWithoutRetry(
      createImportMaterial(await authority.issue({ hosts, keyAlgorithm: 'EC_prime256v1' })),
      {},
    )
    expect(await acm.list()).toMatchObject([{ hasMoreNames: true }])
  })

  test('is empty for an empty account', async () => {
    expect(await acm.list()).toEqual([])
  })
})

describe('get and getTags', () => {
  test('return PEM and tags', async () => {
    const arn = await importCertificate({ 'milvus-alb-action/target': 'uid/milvus', empty: '' })
    expect(await acm.get(arn)).toEqual({ certificate: issued.certificate, chain: issued.chain })
    expect(await acm.getTags(arn)).toEqual(
      new Map([
        ['milvus-alb-action/target', 'uid/milvus'],
        ['empty', ''],
      ]),
    )
  })

  test('return no PEM and no tags for a certificate that does not exist', async () => {
    expect(await acm.get(missingArn)).toBeUndefined()
    expect(await acm.getTags(missingArn)).toEqual(new Map())
  })
})

describe('reimport', () => {
  test('keeps the ARN and the tags, and is idempotent', async () => {
    const arn = await importCertificate({ a: 'b' })
    const renewed = await authority.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' })
    await acm.reimport(arn, createImportMaterial(renewed))
    await acm.reimport(arn, createImportMaterial(renewed))
    expect([
      (await acm.get(arn))?.certificate,
      await acm.getTags(arn),
      (await acm.list()).length,
    ]).toEqual([renewed.certificate, new Map([['a', 'b']]), 1])
  })

  test('retries throttled requests', async () => {
    const arn = await importCertificate({})
    account.requestLog.injectFault({
      service: 'acm',
      operation: 'ImportCertificate',
      times: 1,
      error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' },
    })
    await acm.reimport(arn, createImportMaterial())
    expect(requestBodies('ImportCertificate')).toHaveLength(3)
  })

  test('reports the error of ACM when the key type differs', async () => {
    const arn = await importCertificate({})
    const error = await acm.reimport(
      arn,
      createImportMaterial(await rsaAuthority.issue({ hosts: [host] })),
    )
    expect([error?.code, error?.message]).toEqual([
      'certificate-refused',
      expect.stringMatching(/^ACM rejected the certificate: .*cannot change on re-import/),
    ])
  })
})

describe('importWithoutRetry', () => {
  test('sends no chain for a certificate without one', async () => {
    await acm
      .importWithoutRetry({ ...createImportMaterial(), chain: '' }, {})
      .catch(() => undefined)
    expect(
      requestBodies('ImportCertificate').map(
        (body) => 'CertificateChain' in (JSON.parse(body) as object),
      ),
    ).toEqual([false])
  })

  test.each<[string, Pick<Fault, 'error' | 'reset'>]>([
    [
      'a throttled request',
      { error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' } },
    ],
    ['a server error', { error: { status: 500, code: 'InternalFailure', message: 'x' } }],
    [
      'an unavailable service',
      { error: { status: 503, code: 'ServiceUnavailable', message: 'x' } },
    ],
    ['a closed connection', { reset: true }],
  ])('reports an unknown outcome without a second request: %s', async (_, fault) => {
    account.requestLog.injectFault({ service: 'acm', operation: 'ImportCertificate', ...fault })
    expect(await acm.importWithoutRetry(createImportMaterial(), {})).toEqual({
      uncertainReason: expect.stringMatching(/./),
    })
    expect(requestBodies('ImportCertificate')).toHaveLength(1)
  })

  test.each<{
    name: string
    code: string
    fault: { status: number; code: string; message: string }
  }>([
    {
      name: 'an exhausted quota',
      code: 'certificate-quota-exceeded',
      fault: {
        status: 400,
        code: 'LimitExceededException',
        message: 'You have reached the maximum number of certificates.',
      },
    },
    {
      name: 'an invalid certificate',
      code: 'certificate-refused',
      fault: {
        status: 400,
        code: 'ValidationException',
        message: 'Could not validate the certificate with the certificate chain.',
      },
    },
    {
      name: 'a tag policy',
      code: 'certificate-refused',
      fault: {
        status: 400,
        code: 'TagPolicyException',
        message: 'Tag policy does not allow the specified value.',
      },
    },
    {
      name: 'a missing permission',
      code: 'aws-access-denied',
      fault: { status: 400, code: 'AccessDeniedException', message: 'not authorized' },
    },
    {
      name: 'an expired session',
      code: 'aws-credentials-expired',
      fault: { status: 400, code: 'ExpiredTokenException', message: 'expired' },
    },
    {
      name: 'a concurrent import',
      code: 'aws-request-failed',
      fault: { status: 400, code: 'ConflictException', message: 'Another import is under way' },
    },
    {
      name: 'an exhausted yearly quota',
      code: 'certificate-quota-exceeded',
      fault: {
        status: 400,
        code: 'LimitExceededException',
        message: 'Error: you have reached your limit of 20 certificates in the last year.',
      },
    },
    {
      name: 'too many tags',
      code: 'certificate-refused',
      fault: {
        status: 400,
        code: 'TooManyTagsException',
        message: 'the TagSet contains too many Tags',
      },
    },
  ])('treats $name as a definite rejection: $code', async ({ code, fault }) => {
    account.requestLog.injectFault({ service: 'acm', operation: 'ImportCertificate', error: fault })
    const error = await captureActionError(() => acm.importWithoutRetry(createImportMaterial(), {}))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(fault.message)])
    expect(requestBodies('ImportCertificate')).toHaveLength(1)
  })

  test('sends nothing without credentials', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      Reflect.deleteProperty(process.env, name)
    Object.assign(process.env, {
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    })
    expect(
      (await captureActionError(() => acm.importWithoutRetry(createImportMaterial(), {}))).code,
    ).toBe('aws-credentials-missing')
    expect(account.requestLog.requests).toEqual([])
  })
})

test.each<{ name: string; action: string; call: () => Promise<unknown> }>([
  { name: 'list', action: 'acm:ListCertificates', call: () => acm.list() },
  { name: 'get', action: 'acm:GetCertificate', call: () => acm.get(missingArn) },
  { name: 'getTags', action: 'acm:ListTagsForCertificate', call: () => acm.getTags(missingArn) },
  {
    name: 'reimport',
    action: 'acm:ImportCertificate',
    call: () => acm.reimport(missingArn, createImportMaterial()),
  },
])('reports the missing permission of $name: $action', async ({ action, call }) => {
  account.aws.authorize = () => false
  const error = await captureActionError(call)
  expect([error.code, error.message]).toEqual([
    'aws-access-denied',
    expect.stringMatching(new RegExp(`^AWS denied ${action}: `)),
  ])
})
