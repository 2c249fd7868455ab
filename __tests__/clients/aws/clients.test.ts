import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Acm } from '../../../src/clients/aws/acm.ts'
import { systemClock } from '../../../src/util/polling.ts'
import { captureActionError } from '../../capture-error.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

let account: TestAccount
let acm: Acm
beforeEach(async () => {
  account = await startTestAccount()
  acm = new Acm(account.clients, { clock: systemClock, signal: new AbortController().signal })
  account.faults.inject({
    service: 'acm',
    operation: 'ListCertificates',
    error: { status: 500, code: 'InternalFailure', message: 'x' },
  })
})
afterEach(async () => {
  delete process.env['AWS_MAX_ATTEMPTS']
  await account.close()
})

test.each([
  { variable: undefined, attempts: 4 },
  { variable: '2', attempts: 2 },
  { variable: '1', attempts: 1 },
  { variable: 'many', attempts: 4 },
])(
  'with AWS_MAX_ATTEMPTS $variable a request is sent $attempts times',
  async ({ variable, attempts }) => {
    if (variable !== undefined) process.env['AWS_MAX_ATTEMPTS'] = variable
    expect((await captureActionError(() => acm.list())).code).toBe('aws-request-failed')
    expect(account.requestLog.requests).toHaveLength(attempts)
  },
)
