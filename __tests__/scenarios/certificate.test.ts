/**
 * Certificates in practice: a given ARN, other usages, other keys, many certificates, and an expiry
 * that is near.
 */
import { expect } from '@jest/globals'
import { listCertificates, importCertificate, findCertificate } from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  scenario,
  setDefaultStart,
} from './harness.ts'

setDefaultStart('cluster-ip')

scenario(
  'a foreign certificate under certificate-arn is rejected, and replaced on request',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const inputs = {
      certificate: renewed.fullchain,
      'private-key': renewed.privateKey,
      'certificate-arn': arn,
    }
    expectFailure(await run(inputs), 'certificate', 'certificate-not-ours')
    expect(writes()).toEqual([])
    const replaced = expectSuccess(await run({ ...inputs, 'replace-certificate': 'true' }))
    expect(replaced.outputs['certificate-arn']).toBe(arn)
    expect((await findCertificate(environment, arn))?.x509.serialNumber.toLowerCase()).toBe(
      (await listCertificates(environment))[0]?.x509.serialNumber.toLowerCase(),
    )
    expectUnchanged(await run(inputs))
  },
)

simulatorScenario(
  'moto does not say what uses a certificate',
  'the resources that use a foreign certificate are named',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const result = await run({
      certificate: renewed.fullchain,
      'private-key': renewed.privateKey,
      'certificate-arn': arn,
      'ingress-name': 'another',
    })
    expectFailure(result, 'certificate', 'certificate-not-ours')
    expect(getErrorAnnotation(result)).toMatch(/it is used by app\/k8s-milvus-[^ ]+/)
  },
)

simulatorScenario(
  'moto lets usages go',
  'a reimport that would remove key usages becomes a new certificate, and the old one is deleted',
  async ({ environment, run }) => {
    const broadUsage = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyUsage: ['digitalSignature', 'keyEncipherment', 'dataEncipherment'],
    })
    const first = expectSuccess(
      await run({ certificate: broadUsage.fullchain, 'private-key': broadUsage.privateKey }),
    )
    const narrowUsage = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyUsage: ['digitalSignature'],
    })
    const second = expectSuccess(
      await run({ certificate: narrowUsage.fullchain, 'private-key': narrowUsage.privateKey }),
    )
    expect(second.outputs['certificate-arn']).not.toBe(first.outputs['certificate-arn'])
    // The next run finds what remains of the first.
    expect(
      listChanges(
        expectSuccess(
          await run({ certificate: narrowUsage.fullchain, 'private-key': narrowUsage.privateKey }),
        ),
      ),
    ).toEqual(['certificate certificate'])
    expect((await listCertificates(environment)).map(({ arn }) => arn)).toEqual([
      second.outputs['certificate-arn'],
    ])
  },
)

simulatorScenario(
  'a role in the lab is one for all of a run',
  'a superseded certificate that cannot be deleted is named in a note',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const largerKey = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyAlgorithm: 'RSA_3072',
    })
    const inputs = { certificate: largerKey.fullchain, 'private-key': largerKey.privateKey }
    for (const deniedAction of ['acm:DescribeCertificate', 'acm:DeleteCertificate']) {
      environment.aws.authorize = (_principal, requestedAction) => requestedAction !== deniedAction
      const result = expectSuccess(await run(inputs))
      expect(result.summary).toContain(arn)
      expect(result.summary).toContain(deniedAction)
    }
    environment.aws.authorize = () => true
    expectSuccess(await run(inputs))
    expect(await findCertificate(environment, arn)).toBeUndefined()
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

scenario('a reimport whose response is lost', async ({ environment, run }) => {
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
  environment.requestLog.injectFault({
    service: 'acm',
    operation: 'ImportCertificate',
    times: 1,
    reset: 'after',
  })
  expect(
    expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }))
      .outputs['certificate-arn'],
  ).toBe(arn)
  expect(await listCertificates(environment)).toHaveLength(1)
})

scenario(
  'an expiry that is near is a warning, for a given certificate and for one in ACM',
  async ({ environment, run }) => {
    const expiringCertificate = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      notBefore: new Date(Date.now() - 80 * 86_400_000),
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
          certificate: '',
          'private-key': '',
          'certificate-arn': arn,
          'expiry-warning': '5',
        }),
      ).log,
    ).not.toMatch(/^::warning .*ends in/m)
    expect(
      expectSuccess(await run({ certificate: '', 'private-key': '', 'certificate-arn': arn })).log,
    ).toMatch(/^::warning .*expires in 9 days/m)
  },
)
