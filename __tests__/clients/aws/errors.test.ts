import { describe, expect, test } from '@jest/globals'
import { translateCredentialError } from '../../../src/clients/aws/credentials.ts'
import { translateAwsError, errorName } from '../../../src/clients/aws/errors.ts'
import { jobCancelled } from '../../../src/failures/run.ts'

const createNamedError = (name: string, message: string): Error =>
  Object.assign(new Error(message), { name })

describe('translateAwsError', () => {
  test.each<{ name: string; message: string; code: string; messagePattern: RegExp }>([
    {
      name: 'CredentialsProviderError',
      message: 'Could not load credentials from any providers',
      code: 'aws-credentials-missing',
      messagePattern: /^No AWS credentials were found: Could not load/,
    },
    {
      name: 'ExpiredTokenException',
      message: 'The security token included in the request is expired',
      code: 'aws-credentials-expired',
      messagePattern: /token included in the request is expired/,
    },
    {
      name: 'ExpiredToken',
      message: 'The security token included in the request is expired',
      code: 'aws-credentials-expired',
      messagePattern: /expired/,
    },
    {
      name: 'RequestExpired',
      message: 'Request has expired.',
      code: 'aws-credentials-expired',
      messagePattern: /expired/,
    },
    {
      name: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
      code: 'aws-credentials-refused',
      messagePattern: /invalid/,
    },
    {
      name: 'InvalidClientTokenId',
      message: 'The security token included in the request is invalid.',
      code: 'aws-credentials-refused',
      messagePattern: /invalid/,
    },
    {
      name: 'InvalidSignatureException',
      message: 'Signature expired: 20260102T030405Z is now earlier than ...',
      code: 'aws-credentials-refused',
      messagePattern: /^The runner's clock is wrong .*Signature expired/,
    },
    {
      name: 'SignatureDoesNotMatch',
      message: 'Signature not yet current',
      code: 'aws-credentials-refused',
      messagePattern: /^The runner's clock is wrong .*not yet current/,
    },
    {
      name: 'RequestTimeTooSkewed',
      message: 'The difference between the request time and the current time is too large.',
      code: 'aws-credentials-refused',
      messagePattern: /^The runner's clock is wrong/,
    },
    {
      name: 'SignatureDoesNotMatch',
      message: 'The request signature we calculated does not match the signature you provided.',
      code: 'aws-credentials-refused',
      messagePattern: /^AWS rejected the credentials/,
    },
    {
      name: 'AccessDeniedException',
      message:
        'User: x is not authorized to perform: acm:ImportCertificate with an explicit deny in a service control policy',
      code: 'aws-access-denied',
      messagePattern: /^A policy of the AWS organization denies acm:ListCertificates: User: x/,
    },
    {
      name: 'AccessDeniedException',
      message:
        'User: x is not authorized to perform: acm:ImportCertificate because no service control policy allows the acm:ImportCertificate action',
      code: 'aws-access-denied',
      messagePattern: /^A policy of the AWS organization/,
    },
    {
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:iam::111122223333:user/x is not authorized to perform: acm:ListCertificates',
      code: 'aws-access-denied',
      messagePattern:
        /^AWS denied acm:ListCertificates: User: arn:aws:iam::111122223333:user\/x is not authorized/,
    },
    ...[
      'because no permissions boundary allows the acm:ListCertificates action',
      'because no session policy allows the acm:ListCertificates action',
      'because no VPC endpoint policy allows the acm:ListCertificates action',
      'with an explicit deny in a permissions boundary',
    ].map((reason) => ({
      name: 'AccessDeniedException',
      message: `User: x is not authorized to perform: acm:ListCertificates ${reason}`,
      code: 'aws-access-denied',
      messagePattern: /^A policy other than that of the role denies acm:ListCertificates: User: x/,
    })),
    {
      name: 'AccessDenied',
      message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      code: 'aws-access-denied',
      messagePattern: /^AWS denied acm:ListCertificates: Not authorized/,
    },
    {
      name: 'UnauthorizedOperation',
      message: 'You are not authorized',
      code: 'aws-access-denied',
      messagePattern: /^AWS denied/,
    },
    {
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      code: 'aws-request-failed',
      messagePattern:
        /^AWS still throttles acm:ListCertificates after several attempts: Rate exceeded$/,
    },
    {
      name: 'TimeoutError',
      message: 'connect ETIMEDOUT',
      code: 'aws-request-failed',
      messagePattern: /TimeoutError: connect ETIMEDOUT$/,
    },
    {
      name: 'InternalFailure',
      message: '',
      code: 'aws-request-failed',
      messagePattern: /^The AWS request acm:ListCertificates failed: InternalFailure$/,
    },
    {
      name: 'TypeError',
      message: 'Invalid character in header content ["authorization"]',
      code: 'aws-credentials-refused',
      messagePattern: /^The AWS credentials cannot be sent: .*\["authorization"\]$/,
    },
    {
      name: 'TypeError',
      message: "Cannot read properties of undefined (reading 'Certificate')",
      code: 'aws-request-failed',
      messagePattern: /the response did not come from AWS$/,
    },
    {
      name: 'AccessDeniedExceptionally',
      message: 'x',
      code: 'aws-request-failed',
      messagePattern: /AccessDeniedExceptionally: x$/,
    },
  ])('translates $name: $message', ({ name, message, code, messagePattern }) => {
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

describe('translateCredentialError', () => {
  test.each<{ thrown: Error; code: string; message: RegExp }>([
    {
      thrown: createNamedError(
        'AccessDenied',
        'Not authorized to perform sts:AssumeRoleWithWebIdentity',
      ),
      code: 'aws-credentials-refused',
      message: /^AWS rejected the request for credentials of the role of this job: Not authorized/,
    },
    {
      thrown: createNamedError(
        'InvalidIdentityToken',
        'No OpenIDConnect provider found in your account',
      ),
      code: 'aws-credentials-refused',
      message: /^AWS rejected the request .* No OpenIDConnect provider found/,
    },
    {
      thrown: createNamedError(
        'CredentialsProviderError',
        'Could not load credentials from any providers',
      ),
      code: 'aws-credentials-missing',
      message: /^No AWS credentials were found/,
    },
    {
      thrown: createNamedError(
        'CredentialsProviderError',
        'Could not resolve credentials using profile: [x]',
      ),
      code: 'aws-credentials-missing',
      message: /^The configured source of AWS credentials failed: .*profile: \[x\]$/,
    },
    {
      thrown: Object.assign(new Error("ENOENT: no such file, open '/token'"), {
        code: 'ENOENT',
        syscall: 'open',
      }),
      code: 'aws-credentials-missing',
      message: /^The configured source .* open '\/token'$/,
    },
    {
      thrown: createNamedError('ExpiredTokenException', 'Token expired'),
      code: 'aws-credentials-expired',
      message: /Token expired$/,
    },
    {
      thrown: createNamedError('TimeoutError', 'connect ETIMEDOUT'),
      code: 'aws-request-failed',
      message: /^The AWS request for credentials failed: TimeoutError/,
    },
  ])('translates $thrown.message', ({ thrown, code, message }) => {
    const error = translateCredentialError(thrown)
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
  })
})

test('names a source that was skipped', () => {
  const thrown = createNamedError(
    'CredentialsProviderError',
    'Could not load credentials from any providers',
  )
  expect(translateCredentialError(thrown, 'Command failed: x').message).toBe(
    'The configured source of AWS credentials failed: Command failed: x',
  )
})

test.each<[unknown, string]>([
  [createNamedError('LimitExceededException', 'x'), 'LimitExceededException'],
  ['text', 'text'],
  [undefined, 'undefined'],
])('errorName(%p)', (thrown, name) => {
  expect(errorName(thrown)).toBe(name)
})
