import { expect, test } from '@jest/globals'
import type { CertificateDetail } from '@aws-sdk/client-acm'
import { describeRenewalProblem } from '../../../src/clients/aws/acm-status.ts'

test.each<{ name: string; detail: CertificateDetail | undefined; problem: RegExp | undefined }>([
  {
    name: 'imported',
    detail: { Type: 'IMPORTED', RenewalEligibility: 'INELIGIBLE' },
    problem: /^ACM does not renew imported certificates$/,
  },
  {
    name: 'issued by ACM, and not in use',
    detail: { Type: 'AMAZON_ISSUED', RenewalEligibility: 'INELIGIBLE' },
    problem: /not in use$/,
  },
  {
    name: 'issued by a private CA outside of ACM',
    detail: { Type: 'PRIVATE', RenewalEligibility: 'INELIGIBLE' },
    problem: /^ACM renews only private certificates that were requested in ACM, /,
  },
  {
    name: 'requested by an ACME client',
    detail: {
      Type: 'AMAZON_ISSUED',
      RenewalEligibility: 'INELIGIBLE',
      CertificateKeyPairOrigin: 'ACME',
    },
    problem: /an ACME client requested; that client has to$/,
  },
  {
    name: 'of a type that the SDK does not know yet',
    detail: { Type: 'QUANTUM' as CertificateDetail['Type'], RenewalEligibility: 'INELIGIBLE' },
    problem: /^it is not known whether ACM renews certificates of type QUANTUM$/,
  },
  {
    name: 'private, and renewed by ACM',
    detail: { Type: 'PRIVATE', RenewalEligibility: 'ELIGIBLE' },
    problem: undefined,
  },
  {
    name: 'one that the role may not describe',
    detail: undefined,
    problem: /^ACM does not renew imported certificates$/,
  },
])('why ACM will not renew a certificate that is $name', ({ detail, problem }) => {
  const text = describeRenewalProblem(detail)
  if (problem) expect(text).toMatch(problem)
  else expect(text).toBeUndefined()
})
