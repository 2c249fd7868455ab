import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createAuthority, type Authority, type IssuedCertificate, type KeyName } from '../../sandbox/certificates.ts'
import type { Fault } from '../../sandbox/traffic.ts'
import { Acm, type ImportMaterial } from '../../src/aws/acm.ts'
import { failureOf } from '../caught.ts'
import { openAccount, type Account } from './account.ts'

const host = 'milvus.example.com'
const missing = 'arn:aws:acm:us-east-2:111122223333:certificate/00000000-0000-4000-8000-000000000000'
let authority: Authority, rsa: Authority, issued: IssuedCertificate, account: Account, acm: Acm

beforeAll(async () => {
  authority = await createAuthority({ key: 'EC_prime256v1' })
  rsa = await createAuthority()
  issued = await authority.issue({ hosts: [host, '*.milvus.example.com'], key: 'EC_prime256v1' })
})
beforeEach(async () => {
  account = await openAccount()
  acm = new Acm(account.clients)
})
afterEach(() => account.close())

const material = (from: IssuedCertificate = issued): ImportMaterial => ({ certificate: from.certificate, chain: from.chain, privateKey: from.privateKey })
/** Imports, and expects an ARN. */
async function imported(tags: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = await acm.importOnce(material(), tags)
  if (!('arn' in answer)) throw new Error(answer.unknown)
  return answer.arn
}

const sent = (operation: string): string[] => account.traffic.requests.filter((request) => request.operation === operation).map(({ body }) => body)

describe('list', () => {
  /** Puts certificates into the account by hand: their number and type of key count here, not their texts. */
  function fill(keys: readonly KeyName[]): void {
    keys.forEach((keyAlgorithm, number) => {
      const arn = missing.replace(/0{12}$/, String(number).padStart(12, '0'))
      account.aws.state.certificates.set(arn, { arn, keyAlgorithm, certificate: issued.certificate, chain: issued.chain, privateKey: issued.privateKey, importedAt: new Date(), tags: new Map() })
    })
  }

  test('has every type of key: ACM leaves most of them out unless it is asked', async () => {
    const keys: KeyName[] = ['RSA_1024', 'RSA_2048', 'RSA_3072', 'RSA_4096', 'EC_prime256v1', 'EC_secp384r1', 'EC_secp521r1']
    fill(keys)
    expect(await acm.list()).toHaveLength(keys.length)
  })

  test('reads every page', async () => {
    fill(Array.from({ length: 1_100 }, () => 'EC_prime256v1' as const))
    expect(new Set((await acm.list()).map(({ arn }) => arn)).size).toBe(1_100)
    expect(sent('ListCertificates')).toHaveLength(2)
  })

  test('says the names once, and that it was imported', async () => {
    const arn = await imported()
    expect(await acm.list()).toEqual([{ arn, names: [host, '*.milvus.example.com'], more: false, imported: true }])
  })

  test('says when there are more names than it has', async () => {
    const hosts = Array.from({ length: 101 }, (_, number) => `n${number}.example.com`)
    await acm.importOnce(material(await authority.issue({ hosts, key: 'EC_prime256v1' })), {})
    expect(await acm.list()).toMatchObject([{ more: true }])
  })

  test('of an empty account', async () => {
    expect(await acm.list()).toEqual([])
  })
})

describe('what is there', () => {
  test('comes back as PEM, with its tags', async () => {
    const arn = await imported({ 'milvus-alb-action/target': 'uid/milvus', empty: '' })
    expect(await acm.get(arn)).toEqual({ certificate: issued.certificate, chain: issued.chain })
    expect(await acm.tags(arn)).toEqual(new Map([['milvus-alb-action/target', 'uid/milvus'], ['empty', '']]))
  })

  test('what is not there is no error', async () => {
    expect(await acm.get(missing)).toBeUndefined()
    expect(await acm.tags(missing)).toEqual(new Map())
  })
})

describe('reimport', () => {
  test('keeps ARN and tags, and may be repeated', async () => {
    const arn = await imported({ a: 'b' })
    const renewed = await authority.issue({ hosts: [host], key: 'EC_prime256v1' })
    await acm.reimport(arn, material(renewed))
    await acm.reimport(arn, material(renewed))
    expect([(await acm.get(arn))?.certificate, await acm.tags(arn), (await acm.list()).length]).toEqual([renewed.certificate, new Map([['a', 'b']]), 1])
  })

  test('heals what time heals', async () => {
    const arn = await imported({})
    account.traffic.inject({ part: 'acm', operation: 'ImportCertificate', times: 1, error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' } })
    await acm.reimport(arn, material())
    expect(sent('ImportCertificate')).toHaveLength(3)
  })

  test('of another type of key is refused in ACM\'s words', async () => {
    const arn = await imported({})
    const error = await acm.reimport(arn, material(await rsa.issue({ hosts: [host] })))
    expect([error?.code, error?.message]).toEqual(['certificate-refused', expect.stringMatching(/^ACM refused the certificate: .*cannot change on re-import/)])
  })
})

describe('importOnce', () => {
  test('a certificate without a chain is sent without one', async () => {
    await acm.importOnce({ ...material(), chain: '' }, {}).catch(() => undefined)
    expect(sent('ImportCertificate').map((body) => 'CertificateChain' in (JSON.parse(body) as object))).toEqual([false])
  })

  test.each<[string, Pick<Fault, 'error' | 'reset'>]>([
    ['is throttled', { error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' } }],
    ['meets a server that fails', { error: { status: 500, code: 'InternalFailure', message: 'x' } }],
    ['meets a service that is away', { error: { status: 503, code: 'ServiceUnavailable', message: 'x' } }],
    ['is cut off', { reset: true }],
  ])('that %s is not known to have arrived, and is sent once', async (_, fault) => {
    account.traffic.inject({ part: 'acm', operation: 'ImportCertificate', ...fault })
    expect(await acm.importOnce(material(), {})).toEqual({ unknown: expect.stringMatching(/./) })
    expect(sent('ImportCertificate')).toHaveLength(1)
  })

  test.each<[string, code: string, { status: number; code: string; message: string }]>([
    ['a quota', 'certificate-quota-exceeded', { status: 400, code: 'LimitExceededException', message: 'You have reached the maximum number of certificates.' }],
    ['a fault of the certificate', 'certificate-refused', { status: 400, code: 'ValidationException', message: 'Could not validate the certificate with the certificate chain.' }],
    ['a tag policy', 'certificate-refused', { status: 400, code: 'TagPolicyException', message: 'Tag policy does not allow the specified value.' }],
    ['a permission', 'aws-access-denied', { status: 400, code: 'AccessDeniedException', message: 'not authorized' }],
    ['a session that ended', 'aws-credentials-expired', { status: 400, code: 'ExpiredTokenException', message: 'expired' }],
    ['a conflict', 'aws-request-failed', { status: 400, code: 'ConflictException', message: 'Another import is under way' }],
    ['the year is used up', 'certificate-quota-exceeded', { status: 400, code: 'LimitExceededException', message: 'Error: you have reached your limit of 20 certificates in the last year.' }],
    ['too many tags', 'certificate-refused', { status: 400, code: 'TooManyTagsException', message: 'the TagSet contains too many Tags' }],
  ])('%s is an answer: %s', async (_, code, fault) => {
    account.traffic.inject({ part: 'acm', operation: 'ImportCertificate', error: fault })
    const error = await failureOf(() => acm.importOnce(material(), {}))
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(fault.message)])
    expect(sent('ImportCertificate')).toHaveLength(1)
  })

  test('without credentials nothing is sent', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) Reflect.deleteProperty(process.env, name)
    Object.assign(process.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' })
    expect((await failureOf(() => acm.importOnce(material(), {}))).code).toBe('aws-credentials-missing')
    expect(account.traffic.requests).toEqual([])
  })
})

test.each<[string, string, () => Promise<unknown>]>([
  ['list', 'acm:ListCertificates', () => acm.list()],
  ['get', 'acm:GetCertificate', () => acm.get(missing)],
  ['tags', 'acm:ListTagsForCertificate', () => acm.tags(missing)],
  ['reimport', 'acm:ImportCertificate', () => acm.reimport(missing, material())],
])('%s without its permission names %s', async (_, action, call) => {
  account.aws.authorize = () => false
  const error = await failureOf(call)
  expect([error.code, error.message]).toEqual(['aws-access-denied', expect.stringMatching(new RegExp(`^AWS refused ${action}: `))])
})
