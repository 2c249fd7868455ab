import { describe, expect, test } from '@jest/globals'
import { translateAwsError, errorName } from '../../../src/clients/aws/errors.ts'
import { jobCancelled } from '../../../src/failures/run.ts'

const createNamedError = (name: string, message: string): Error =>
  Object.assign(new Error(message), { name })

describe('translateAwsError', () => {
  test.each<[name: string, message: string, code: string, shown: RegExp]>([
    [
      'CredentialsProviderError',
      'Could not load credentials from any providers',
      'aws-credentials-missing',
      /^No AWS credentials were found: Could not load/,
    ],
    [
      'ExpiredTokenException',
      'The security token included in the request is expired',
      'aws-credentials-expired',
      /token included in the request is expired/,
    ],
    [
      'ExpiredToken',
      'The security token included in the request is expired',
      'aws-credentials-expired',
      /expired/,
    ],
    ['RequestExpired', 'Request has expired.', 'aws-credentials-expired', /expired/],
    [
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
      'aws-credentials-refused',
      /invalid/,
    ],
    [
      'InvalidClientTokenId',
      'The security token included in the request is invalid.',
      'aws-credentials-refused',
      /invalid/,
    ],
    [
      'InvalidSignatureException',
      'Signature expired: 20260102T030405Z is now earlier than ...',
      'aws-credentials-refused',
      /^The runner's clock is wrong .*Signature expired/,
    ],
    [
      'SignatureDoesNotMatch',
      'Signature not yet current',
      'aws-credentials-refused',
      /^The runner's clock is wrong .*not yet current/,
    ],
    [
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      'aws-credentials-refused',
      /^The runner's clock is wrong/,
    ],
    [
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
      'aws-credentials-refused',
      /^AWS rejected the credentials/,
    ],
    [
      'AccessDeniedException',
      'User: x is not authorized to perform: acm:ImportCertificate with an explicit deny in a service control policy',
      'aws-access-denied',
      /^A policy of the AWS organization denies acm:ListCertificates: User: x/,
    ],
    [
      'AccessDeniedException',
      'User: x is not authorized to perform: acm:ImportCertificate because no service control policy allows the acm:ImportCertificate action',
      'aws-access-denied',
      /^A policy of the AWS organization/,
    ],
    [
      'AccessDeniedException',
      'User: arn:aws:iam::111122223333:user/x is not authorized to perform: acm:ListCertificates',
      'aws-access-denied',
      /^AWS denied acm:ListCertificates: User: arn:aws:iam::111122223333:user\/x is not authorized/,
    ],
    [
      'AccessDenied',
      'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      'aws-access-denied',
      /^AWS denied acm:ListCertificates: Not authorized/,
    ],
    ['UnauthorizedOperation', 'You are not authorized', 'aws-access-denied', /^AWS denied/],
    [
      'ThrottlingException',
      'Rate exceeded',
      'aws-request-failed',
      /^AWS still throttles acm:ListCertificates after several attempts: Rate exceeded$/,
    ],
    ['TimeoutError', 'connect ETIMEDOUT', 'aws-request-failed', /TimeoutError: connect ETIMEDOUT$/],
    [
      'InternalFailure',
      '',
      'aws-request-failed',
      /^The AWS request acm:ListCertificates failed: InternalFailure$/,
    ],
    ['AccessDeniedExceptionally', 'x', 'aws-request-failed', /AccessDeniedExceptionally: x$/],
  ])('translates %s: %s', (name, message, code, messagePattern) => {
    const thrown = createNamedError(name, message)
    const error = translateAwsError('acm:ListCertificates', thrown)
    expect([error.code, error.message, error.cause]).toEqual([
      code,
      expect.stringMatching(messagePattern),
      thrown,
    ])
    expect(error.remedy).toMatch(/\.$/)
  })

  test('lists the error of each address of a host', () => {
    const thrown = new AggregateError([
      new Error('connect ECONNREFUSED ::1:443'),
      new Error('connect ECONNREFUSED 127.0.0.1:443'),
    ])
    expect(translateAwsError('acm:ListCertificates', thrown).message).toMatch(
      /ECONNREFUSED ::1:443.*ECONNREFUSED 127\.0\.0\.1:443/,
    )
  })

  test('returns an ActionError unchanged', () => {
    const actionError = jobCancelled()
    expect(translateAwsError('acm:ListCertificates', actionError)).toBe(actionError)
  })
})

test.each<[unknown, string]>([
  [createNamedError('LimitExceededException', 'x'), 'LimitExceededException'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('errorName(%p)', (thrown, name) => {
  expect(errorName(thrown)).toBe(name)
})
