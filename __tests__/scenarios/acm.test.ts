/**
 * ACM in practice: throttling, pages, quotas, an organization's policies, and certificates in every
 * state.
 */
import { setTimeout } from 'node:timers/promises'
import { expect } from '@jest/globals'
import { issueSelfSigned } from '../../testing/certificates.ts'
import {
  listCertificates,
  getObject,
  importCertificate,
  findCertificate,
} from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  scenario,
  setDefaultStart,
  type Scenario,
} from './harness.ts'

setDefaultStart('cluster-ip')

const dayMs = 86_400_000
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
    environment.requestLog.injectFault({
      ...throttlingFault,
      operation: 'ListCertificates',
      times: 2,
    })
    environment.requestLog.injectFault({
      ...throttlingFault,
      operation: 'ImportCertificate',
      times: 1,
    })
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    expect(await listCertificates(environment)).toHaveLength(1)
    // Two requests are rejected and two succeed: one before the import, one to find out whether the
    // throttled import arrived.
    expect([
      countRequests(scenario, 'ListCertificates') - 1,
      countRequests(scenario, 'ImportCertificate'),
    ]).toEqual([4, 2])
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    environment.requestLog.injectFault({
      ...throttlingFault,
      operation: 'GetCertificate',
      times: 2,
    })
    environment.requestLog.injectFault({
      ...throttlingFault,
      operation: 'ListTagsForCertificate',
      times: 2,
    })
    environment.requestLog.injectFault({
      ...throttlingFault,
      operation: 'ImportCertificate',
      times: 2,
    })
    expect(
      expectSuccess(
        await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }),
      ).outputs['certificate-arn'],
    ).toBe(arn)
    expect(countRequests(scenario, 'ImportCertificate')).toBe(5)
  },
)

scenario(
  'permanent throttling by ACM fails the run after a bounded number of calls',
  async (scenario) => {
    scenario.environment.requestLog.injectFault({
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
    for (const [message, problem, remedy] of [
      [
        'Error: you have reached your limit of 20 certificates in the last year.',
        'the quota of imports in the last 365 days is used up',
        'replace-certificate: true',
      ],
      [
        'You have reached the maximum number of certificates. Delete certificates that are not in use, or contact AWS Support to request an increase.',
        'the quota of certificates in this account and region is used up',
        'Delete unused certificates',
      ],
    ] as const) {
      environment.requestLog.injectFault({
        ...acmFault('LimitExceededException', message),
        operation: 'ImportCertificate',
        times: 1,
      })
      const result = await run()
      expectFailure(result, 'certificate', 'certificate-quota-exceeded')
      for (const part of [message, problem, remedy])
        expect(getErrorAnnotation(result)).toContain(part)
    }
  },
)

scenario(
  'a missing tag required by a tag policy or a service control policy points to input tags',
  async ({ environment, run }) => {
    for (const [code, message, failure] of [
      [
        'TagPolicyException',
        "The tag policy does not allow the specified value for the following tag key: 'team'.",
        'certificate-refused',
      ],
      ['TooManyTagsException', 'the TagSet contains too many Tags', 'certificate-refused'],
      [
        'AccessDeniedException',
        'User: x is not authorized to perform: acm:ImportCertificate with an explicit deny in a service control policy',
        'aws-access-denied',
      ],
    ] as const) {
      environment.requestLog.injectFault({
        ...acmFault(code, message),
        operation: 'ImportCertificate',
        times: 1,
      })
      const result = await run()
      expectFailure(result, 'certificate', failure)
      expect(getErrorAnnotation(result)).toContain(message)
      expect(getErrorAnnotation(result)).toMatch(/input tags|give them as input tags/)
    }
    const { 'certificate-arn': arn } = expectSuccess(await run({ tags: 'team: search' })).outputs
    expect((await findCertificate(environment, arn))?.tags).toMatchObject({
      team: 'search',
      'milvus-alb-action/host': environment.host,
    })
  },
)

simulatorScenario(
  'moto has one page of any size',
  "the action's certificate is found on the last of many pages",
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
  'after the Ingress was deleted by hand, its certificate is found again and none is imported',
  async ({ environment, run, writes }) => {
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    await environment.kubectl('delete', 'ingress', 'milvus-demo', '--wait=false')
    while ((await getObject(environment, 'ingress', 'milvus-demo')) !== undefined)
      await setTimeout(100)
    const secondRun = expectSuccess(await run())
    expect(secondRun.outputs['certificate-arn']).toBe(arn)
    expect(writes().filter((write) => write.startsWith('acm'))).toEqual([])
  },
)

scenario(
  'an Ingress that someone moved to another certificate: the run names its own, and restores it on request',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const other = await importCertificate(
      environment,
      await environment.certificateAuthority.issue({ hosts: ['other.example.com'] }),
    )
    await environment.kubectl(
      'annotate',
      'ingress',
      'milvus-demo',
      `alb.ingress.kubernetes.io/certificate-arn=${other}`,
      '--overwrite',
    )
    expectFailure(await run(), 'ingress', 'ingress-conflict')
    const restored = expectSuccess(await run({ 'force-conflicts': 'true' }))
    expect([restored.outputs['certificate-arn'], listChanges(restored)]).toEqual([
      arn,
      ['ingress certificate-arn'],
    ])
  },
)

simulatorScenario(
  'moto makes no certificate that is not issued',
  'a certificate-arn that no ALB should serve is rejected with the reason',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    const stored = environment.awsState.certificates.get(arn)
    if (!stored) throw new Error('the import is not there')
    const dnsRecord = {
      Name: '_x.milvus.example.com.',
      Type: 'CNAME',
      Value: '_y.acm-validations.aws.',
    }
    for (const [detail, expectedText] of [
      [
        {
          Status: 'PENDING_VALIDATION',
          Type: 'AMAZON_ISSUED',
          DomainValidationOptions: [
            {
              DomainName: environment.host,
              ValidationStatus: 'PENDING_VALIDATION',
              ResourceRecord: dnsRecord,
            },
          ],
        },
        'is not issued yet. What to do: Create the DNS record _x.milvus.example.com. CNAME _y.acm-validations.aws.',
      ],
      [
        { Status: 'VALIDATION_TIMED_OUT', Type: 'AMAZON_ISSUED' },
        'nobody validated it within 72 hours',
      ],
      [
        { Status: 'FAILED', Type: 'AMAZON_ISSUED', FailureReason: 'CAA_ERROR' },
        'its request failed: CAA_ERROR',
      ],
      [{ Status: 'REVOKED', RevocationReason: 'KEY_COMPROMISE' }, 'is revoked (KEY_COMPROMISE)'],
      [{ Status: 'INACTIVE' }, 'is inactive'],
    ] as const) {
      stored.describeOverrides = detail
      const result = await run({ certificate: '', 'private-key': '', 'certificate-arn': arn })
      expectFailure(result, 'certificate', 'certificate-not-issued')
      expect(getErrorAnnotation(result).replace(/\s+/g, ' ')).toContain(expectedText)
      expect(writes()).toEqual([])
    }
  },
)

simulatorScenario(
  'moto renews nothing',
  'an expiry that is near is a warning only if ACM cannot renew the certificate',
  async ({ environment, run }) => {
    const arn = await importCertificate(
      environment,
      await environment.certificateAuthority.issue({
        hosts: [environment.host],
        notBefore: new Date(Date.now() - 80 * dayMs),
        validityDays: 9,
      }),
    )
    const stored = environment.awsState.certificates.get(arn)
    if (!stored) throw new Error('the import is not there')
    const inputs = { certificate: '', 'private-key': '', 'certificate-arn': arn }
    stored.describeOverrides = { Type: 'AMAZON_ISSUED', RenewalEligibility: 'ELIGIBLE' }
    expect(expectSuccess(await run(inputs)).log).not.toMatch(/^::warning .*ends in/m)
    stored.describeOverrides = {
      Type: 'AMAZON_ISSUED',
      RenewalEligibility: 'ELIGIBLE',
      RenewalSummary: {
        RenewalStatus: 'PENDING_VALIDATION',
        DomainValidationOptions: [
          {
            DomainName: environment.host,
            ValidationStatus: 'PENDING_VALIDATION',
            ResourceRecord: { Name: '_x', Type: 'CNAME', Value: '_y' },
          },
        ],
        UpdatedAt: 0,
      },
    }
    expect((await run(inputs)).log).toMatch(
      /^::warning .*expires in 8 days, .*ACM cannot renew it \(PENDING_VALIDATION\): Create the DNS record _x CNAME _y/m,
    )
    // Without permission to describe it, the certificate counts as an imported one.
    environment.aws.authorize = (_principal, action) => action !== 'acm:DescribeCertificate'
    expect(expectSuccess(await run(inputs)).log).toMatch(
      /^::warning .*ACM does not renew imported certificates/m,
    )
  },
)

scenario(
  'the expiry warning defaults to 30 days or a third of the lifetime, and expiry-warning overrides it',
  async ({ environment, run }) => {
    const now = Date.now()
    const hasExpiryWarning = async (
      lifetimeDays: number,
      daysLeft: number,
      extraInputs: Record<string, string> = {},
    ): Promise<boolean> => {
      const { fullchain, privateKey } = await environment.certificateAuthority.issue({
        hosts: [environment.host],
        notBefore: new Date(now - (lifetimeDays - daysLeft) * dayMs),
        notAfter: new Date(now + daysLeft * dayMs),
      })
      // The namespace does not exist, so nothing changes. Preflight reports the certificate first.
      return /^::warning .*expires in \d+ days?, on /m.test(
        (
          await run({
            certificate: fullchain,
            'private-key': privateKey,
            namespace: 'nowhere',
            ...extraInputs,
          })
        ).log,
      )
    }
    const cases: readonly (readonly [
      lifetime: number,
      left: number,
      more: Record<string, string>,
      expected: boolean,
    ])[] = [
      [398, 31, {}, false],
      [398, 29, {}, true],
      [90, 31, {}, false],
      [90, 29, {}, true],
      [6, 2.5, {}, false],
      [6, 1.5, {}, true],
      [398, 60, { 'expiry-warning': '90' }, true],
      [90, 1, { 'expiry-warning': '0' }, false],
      [90, 10, { 'expiry-warning': '7d' }, false],
    ]
    for (const [lifetimeDays, daysLeft, extraInputs, expected] of cases)
      expect([
        lifetimeDays,
        daysLeft,
        extraInputs,
        await hasExpiryWarning(lifetimeDays, daysLeft, extraInputs),
      ]).toEqual([lifetimeDays, daysLeft, extraInputs, expected])
  },
)

scenario(
  "Let's Encrypt's fullchain as the chain, a chain with its root, and a reversed chain all work",
  async ({ environment, run }) => {
    const { certificate, fullchain, chain, privateKey } = environment.certificate
    expectSuccess(
      await run({ certificate, 'certificate-chain': fullchain, 'private-key': privateKey }),
    )
    for (const inputs of [
      { certificate: fullchain, 'certificate-chain': fullchain },
      { certificate, 'certificate-chain': chain },
      { certificate: chain + certificate, 'certificate-chain': '' },
    ]) {
      expectUnchanged(await run({ 'private-key': privateKey, ...inputs }))
    }
    const withRoot = await run({
      certificate: fullchain,
      'certificate-chain': environment.certificateAuthority.root,
      'private-key': privateKey,
    })
    expect(expectSuccess(withRoot).log).not.toContain('are not in order')
  },
)

scenario(
  'a chain that only probe-ca contains is used, with a note',
  async ({ environment, run }) => {
    const { certificate, privateKey } = environment.certificate
    const inputs = {
      certificate,
      'private-key': privateKey,
      'probe-ca':
        environment.certificateAuthority.intermediate + environment.certificateAuthority.root,
    }
    expect(expectSuccess(await run(inputs)).summary).toContain('They were found in probe-ca')
    expectUnchanged(await run(inputs))
  },
)

scenario(
  'a self-signed certificate end to end: the note names probe-ca, and the run passes with it',
  async ({ environment, run }) => {
    const selfSignedCertificate = await issueSelfSigned({ hosts: [environment.host] })
    const inputs = {
      certificate: selfSignedCertificate.certificate,
      'private-key': selfSignedCertificate.privateKey,
    }
    const withoutProbeCa = await run({ ...inputs, 'probe-timeout': '2s' })
    expectFailure(withoutProbeCa, 'probe', 'probe-certificate-untrusted')
    expect(withoutProbeCa.summary).toContain('The probe fails unless probe-ca contains it.')
    expectSuccess(await run({ ...inputs, 'probe-ca': selfSignedCertificate.certificate }))
  },
)

scenario(
  'an RSA key of 1024 bits is a warning: ACM accepts it, clients may not',
  async ({ environment, run }) => {
    const weakKeyCertificate = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyAlgorithm: 'RSA_1024',
    })
    const result = await run({
      certificate: weakKeyCertificate.fullchain,
      'private-key': weakKeyCertificate.privateKey,
      probe: 'off',
    })
    expect(expectSuccess(result).log).toMatch(/^::warning .*1024-bit RSA key: ACM accepts it/m)
  },
)
