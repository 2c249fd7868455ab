import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { AcmKeyAlgorithm } from '../../../testing/certificates.ts'
import { captureActionError } from '../../capture-error.ts'
import {
  host,
  missingArn,
  authority,
  rsaAuthority,
  issued,
  account,
  acm,
  createImportMaterial,
  importCertificate,
  requestBodies,
  issueCertificates,
  startAccount,
  stopAccount,
} from './acm-fixture.ts'

beforeAll(issueCertificates)
beforeEach(startAccount)
afterEach(stopAccount)

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

  test.each(['ThrottlingException', 'ConflictException', 'RequestInProgressException'])(
    'retries after %s',
    async (code) => {
      const arn = await importCertificate({})
      account.faults.inject({
        service: 'acm',
        operation: 'ImportCertificate',
        times: 1,
        error: { status: 400, code, message: 'Later' },
      })
      await acm.reimport(arn, createImportMaterial())
      expect(requestBodies('ImportCertificate')).toHaveLength(3)
    },
  )

  test('waits while ACM throttles imports for longer than the SDK retries', async () => {
    const arn = await importCertificate({})
    account.faults.inject({
      service: 'acm',
      operation: 'ImportCertificate',
      times: 5,
      error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' },
    })
    expect(await acm.reimport(arn, createImportMaterial())).toBeUndefined()
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
