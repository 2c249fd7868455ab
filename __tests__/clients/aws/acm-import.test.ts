import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Fault } from '../../../testing/fault-injector.ts'
import { captureActionError } from '../../capture-error.ts'
import {
  account,
  acm,
  createImportMaterial,
  requestBodies,
  issueCertificates,
  startAccount,
  stopAccount,
} from './acm-fixture.ts'

beforeAll(issueCertificates)
beforeEach(startAccount)
afterEach(stopAccount)

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
      'a concurrent import',
      { error: { status: 400, code: 'ConflictException', message: 'Another import is under way' } },
    ],
    ['a server error', { error: { status: 500, code: 'InternalFailure', message: 'x' } }],
    [
      'an unavailable service',
      { error: { status: 503, code: 'ServiceUnavailable', message: 'x' } },
    ],
    ['a closed connection', { reset: 'before' }],
  ])('reports an unknown outcome without a second request: %s', async (_, fault) => {
    account.faults.inject({ service: 'acm', operation: 'ImportCertificate', ...fault })
    expect(await acm.importWithoutRetry(createImportMaterial(), {})).toEqual({
      uncertainReason: expect.stringMatching(/./),
    })
    expect(requestBodies('ImportCertificate')).toHaveLength(1)
  })

  const throttling: Fault = {
    service: 'acm',
    operation: 'ImportCertificate',
    error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' },
  }

  test('waits while ACM throttles imports', async () => {
    account.faults.inject({ ...throttling, times: 8 })
    expect(await acm.importWithoutRetry(createImportMaterial(), {})).toEqual({
      arn: expect.stringMatching(/^arn:/),
    })
    expect(requestBodies('ImportCertificate')).toHaveLength(9)
  })

  test('fails if ACM throttles imports for minutes', async () => {
    account.faults.inject(throttling)
    const error = await captureActionError(() => acm.importWithoutRetry(createImportMaterial(), {}))
    expect([error.code, error.message]).toEqual([
      'aws-request-failed',
      expect.stringMatching(/^AWS still throttles acm:ImportCertificate/),
    ])
    expect(requestBodies('ImportCertificate')).toHaveLength(30)
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
    account.faults.inject({ service: 'acm', operation: 'ImportCertificate', error: fault })
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
