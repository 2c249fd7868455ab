/** The API of ACM: throttling, pages, quotas, lost responses, and an organization's policies. */
import { expect } from '@jest/globals'
import { findCertificate, importCertificate, listCertificates } from './acm-manual-operations.ts'
import { certificateInputs } from './certificate-inputs.ts'
import {
  expectFailure,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import type { Scenario } from './scenario-run.ts'

setDefaultStart('cluster-ip')

const acmFault = (code: string, message: string) =>
  ({ service: 'acm', error: { status: 400, code, message } }) as const

const throttlingFault = acmFault('ThrottlingException', 'Rate exceeded')

/** The number of requests to ACM for an operation. */
const countRequests = ({ environment }: Pick<Scenario, 'environment'>, operation: string): number =>
  environment.requestLog.requests.filter(
    (request) => request.service === 'acm' && request.operation === operation,
  ).length

scenario(
  'a throttled ACM call is retried a bounded number of times, a first import never blindly',
  async (scenario) => {
    const { environment, run } = scenario
    environment.faults.inject({
      ...throttlingFault,
      operation: 'ListCertificates',
      times: 2,
    })
    environment.faults.inject({
      ...throttlingFault,
      operation: 'ImportCertificate',
      times: 1,
    })
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    expect(await listCertificates(environment)).toHaveLength(1)
    // Two requests are rejected and one succeeds: ACM has not carried out a throttled import, so
    // there is nothing to search for.
    expect([
      countRequests(scenario, 'ListCertificates') - 1,
      countRequests(scenario, 'ImportCertificate'),
    ]).toEqual([3, 2])
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    environment.faults.inject({
      ...throttlingFault,
      operation: 'GetCertificate',
      times: 2,
    })
    environment.faults.inject({
      ...throttlingFault,
      operation: 'ListTagsForCertificate',
      times: 2,
    })
    environment.faults.inject({
      ...throttlingFault,
      operation: 'ImportCertificate',
      times: 2,
    })
    expect(expectSuccess(await run(certificateInputs(renewed))).outputs['certificate-arn']).toBe(
      arn,
    )
    expect(countRequests(scenario, 'ImportCertificate')).toBe(5)
  },
)

scenario(
  'permanent throttling by ACM fails the run after a bounded number of calls',
  async (scenario) => {
    scenario.environment.faults.inject({
      ...throttlingFault,
      operation: 'ListCertificates',
    })
    const result = await scenario.run()
    expectFailure(result, 'certificate', 'aws-request-failed')
    expect(getErrorAnnotation(result)).toContain(
      'AWS still throttles acm:ListCertificates after several attempts: Rate exceeded',
    )
    expect(countRequests(scenario, 'ListCertificates')).toBe(4)
  },
)

scenario(
  'the quotas for imports per year and for stored certificates are told apart',
  async ({ environment, run }) => {
    for (const { message, problem, remedy } of [
      {
        message: 'Error: you have reached your limit of 20 certificates in the last year.',
        problem: 'the quota of imports in the last 365 days is used up',
        remedy: 'replace-certificate: true',
      },
      {
        message:
          'You have reached the maximum number of certificates. Delete certificates that are not in use, or contact AWS Support to request an increase.',
        problem: 'the quota of certificates in this account and region is used up',
        remedy: 'Delete unused certificates',
      },
    ] as const) {
      environment.faults.inject({
        ...acmFault('LimitExceededException', message),
        operation: 'ImportCertificate',
        times: 1,
      })
      const result = await run()
      expectFailure(result, 'certificate', 'certificate-quota-exceeded')
      expectToContainAll(getErrorAnnotation(result), [message, problem, remedy])
    }
  },
)

scenario(
  'a missing tag required by a tag policy or a service control policy points to input tags',
  async ({ environment, run }) => {
    for (const { code, message, failure } of [
      {
        code: 'TagPolicyException',
        message:
          "The tag policy does not allow the specified value for the following tag key: 'team'.",
        failure: 'certificate-refused',
      },
      {
        code: 'TooManyTagsException',
        message: 'the TagSet contains too many Tags',
        failure: 'certificate-refused',
      },
      {
        code: 'AccessDeniedException',
        message:
          'User: x is not authorized to perform: acm:ImportCertificate with an explicit deny in a service control policy',
        failure: 'aws-access-denied',
      },
    ] as const) {
      environment.faults.inject({
        ...acmFault(code, message),
        operation: 'ImportCertificate',
        times: 1,
      })
      const result = await run()
      expectFailure(result, 'certificate', failure)
      expect(getErrorAnnotation(result)).toContain(message)
      expect(getErrorAnnotation(result)).toContain('input tags')
    }
    const { 'certificate-arn': arn } = expectSuccess(await run({ tags: 'team: search' })).outputs
    expect((await findCertificate(environment, arn))?.tags).toMatchObject({
      team: 'search',
      'milvus-alb-action/host': environment.host,
    })
  },
)

simulatorScenario(
  "the action's certificate is found on the last of many pages",
  'moto returns all certificates on one page',
  async ({ environment, run }) => {
    const other = await environment.certificateAuthority.issue({ hosts: ['other.example.com'] })
    const first = await importCertificate(environment, other)
    const stored = environment.awsState.certificates.get(first)
    if (!stored) throw new Error('the import is not there')
    for (let number = 0; number < 1_100; number += 1)
      environment.awsState.certificates.set(`${first}${number}`, {
        ...stored,
        arn: `${first}${number}`,
        tags: new Map(),
      })
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    const before = environment.requestLog.requests.length
    expectUnchanged(await run())
    const newRequests = environment.requestLog.requests.slice(before)
    expect(
      newRequests.filter(({ operation }) => operation === 'ListCertificates').length,
    ).toBeGreaterThan(1)
    expect(
      newRequests
        .filter(({ operation }) => ['GetCertificate', 'ListTagsForCertificate'].includes(operation))
        .map(({ body }) => (JSON.parse(body) as { CertificateArn: string }).CertificateArn),
    ).toEqual([arn, arn])
  },
)

scenario(
  'in an account with many certificates, tags are read only of candidates',
  async ({ environment, run }) => {
    const other = await environment.certificateAuthority.issue({ hosts: ['other.example.com'] })
    for (let number = 0; number < 60; number += 1) await importCertificate(environment, other)
    const before = environment.requestLog.requests.length
    expectSuccess(await run())
    expect(
      environment.requestLog.requests
        .slice(before)
        .filter(({ operation }) =>
          ['ListTagsForCertificate', 'GetCertificate'].includes(operation),
        ),
    ).toEqual([])
  },
)

scenario(
  'an import whose response is lost does not create two certificates',
  async ({ environment, run }) => {
    environment.faults.inject({
      service: 'acm',
      operation: 'ImportCertificate',
      times: 1,
      reset: 'after',
    })
    expectSuccess(await run())
    expect(await listCertificates(environment)).toHaveLength(1)
  },
)

scenario('a certificate that ACM rejects', async (scenario) => {
  const message = 'You have reached your limit of 5000 certificates in the last year'
  scenario.environment.faults.inject({
    service: 'acm',
    operation: 'ImportCertificate',
    error: { status: 400, code: 'LimitExceededException', message },
  })
  expectFailure(await scenario.run(), 'certificate', 'certificate-quota-exceeded')
})
