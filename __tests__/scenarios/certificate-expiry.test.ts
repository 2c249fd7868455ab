/** Warnings before a certificate expires. */
import { expect } from '@jest/globals'
import { importCertificate } from './acm-manual-operations.ts'
import { certificateArnInputs, certificateInputs, dayMs } from './certificate-inputs.ts'
import { expectSuccess } from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

simulatorScenario(
  'an expiry that is near is a warning only if ACM cannot renew the certificate',
  'moto does not renew certificates',
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
    const inputs = certificateArnInputs(arn)
    stored.describeOverrides = { Type: 'AMAZON_ISSUED', RenewalEligibility: 'ELIGIBLE' }
    expect(expectSuccess(await run(inputs)).log).not.toMatch(/^::warning .*expires in/m)
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

/** How long a certificate is valid, and how long it still is. */
interface Lifetime {
  readonly lifetimeDays: number
  readonly daysLeft: number
}

scenario(
  'the expiry warning defaults to 30 days or a third of the lifetime, and expiry-warning overrides it',
  async ({ environment, run }) => {
    const now = Date.now()
    /** The inputs with a certificate of this lifetime. */
    const issueInputs = async ({ lifetimeDays, daysLeft }: Lifetime) =>
      certificateInputs(
        await environment.certificateAuthority.issue({
          hosts: [environment.host],
          notBefore: new Date(now - (lifetimeDays - daysLeft) * dayMs),
          notAfter: new Date(now + daysLeft * dayMs),
        }),
      )
    for (const { expiryWarning, isExpected, ...lifetime } of [
      { lifetimeDays: 398, daysLeft: 31, isExpected: false },
      { lifetimeDays: 398, daysLeft: 29, isExpected: true },
      { lifetimeDays: 90, daysLeft: 31, isExpected: false },
      { lifetimeDays: 90, daysLeft: 29, isExpected: true },
      { lifetimeDays: 6, daysLeft: 2.5, isExpected: false },
      { lifetimeDays: 6, daysLeft: 1.5, isExpected: true },
      { lifetimeDays: 398, daysLeft: 60, expiryWarning: '90', isExpected: true },
      { lifetimeDays: 90, daysLeft: 1, expiryWarning: '0', isExpected: false },
      { lifetimeDays: 90, daysLeft: 10, expiryWarning: '7d', isExpected: false },
    ]) {
      // The namespace does not exist, so nothing changes. Preflight reports the certificate first.
      const { log } = await run({
        ...(await issueInputs(lifetime)),
        namespace: 'nowhere',
        ...(expiryWarning !== undefined && { 'expiry-warning': expiryWarning }),
      })
      const hasWarning = /^::warning .*expires in \d+ days?, on /m.test(log)
      expect({ ...lifetime, expiryWarning, hasWarning }).toEqual({
        ...lifetime,
        expiryWarning,
        hasWarning: isExpected,
      })
    }
  },
)

scenario(
  'an expiry that is near is a warning, for a given certificate and for one in ACM',
  async ({ environment, run }) => {
    const expiringCertificate = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      notBefore: new Date(Date.now() - 80 * dayMs),
      validityDays: 10,
    })
    const first = expectSuccess(
      await run({
        certificate: expiringCertificate.chain + expiringCertificate.certificate,
        'private-key': expiringCertificate.privateKey,
      }),
    )
    expect(first.log).toMatch(/^::warning .*expires in 9 days, on /m)
    expect(first.summary).toContain('are not in order')
    const { 'certificate-arn': arn = '' } = first.outputs
    expect(
      expectSuccess(
        await run({
          ...certificateArnInputs(arn),
          'expiry-warning': '5',
        }),
      ).log,
    ).not.toMatch(/^::warning .*expires in/m)
    expect(expectSuccess(await run(certificateArnInputs(arn))).log).toMatch(
      /^::warning .*expires in 9 days/m,
    )
  },
)
