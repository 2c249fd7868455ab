/** Which certificate in ACM is used: the action's own, one with a given ARN, or an equal one. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import {
  findCertificate,
  importCertificate,
  importOtherCertificate,
  listCertificates,
  removeTags,
} from './acm-manual-operations.ts'
import { certificateArnInputs, certificateInputs } from './certificate-inputs.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { annotateObject, getObject } from './manual-operations.ts'
import { waitUntil } from '../../testing/wait.ts'

setDefaultStart('cluster-ip')

scenario(
  'an equal certificate that ACM already has is used',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    const result = await run()
    expectSuccess(result)
    expect(result.outputs['certificate-arn']).toBe(arn)
    expect(writes()).not.toContain('acm ImportCertificate')
  },
)

scenario(
  'a certificate that covers other names too is not overwritten',
  async ({ environment, run }) => {
    const multiNameCertificate = await environment.certificateAuthority.issue({
      hosts: [environment.host, 'shop.example.com'],
    })
    const { 'certificate-arn': arn = '' } = expectSuccess(
      await run(certificateInputs(multiNameCertificate)),
    ).outputs
    // Not even when this action imported it: another target may use it for its own host.
    const rejected = expectFailure(
      await run({ 'certificate-arn': arn }),
      'certificate',
      'certificate-not-ours',
    )
    expect(getErrorAnnotation(rejected)).toContain(
      'covers shop.example.com, which input certificate does not',
    )
    await removeTags(environment, arn)
    const result = await run()
    expectSuccess(result)
    expect(result.outputs['certificate-arn']).not.toBe(arn)
    expect((await findCertificate(environment, arn))?.x509.raw).toEqual(
      new X509Certificate(multiNameCertificate.certificate).raw,
    )
  },
)

scenario(
  'after the Ingress was deleted by hand, its certificate is found again and none is imported',
  async ({ environment, run, writes }) => {
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    await environment.kubectl('delete', 'ingress', 'milvus-demo', '--wait=false')
    await waitUntil(
      async () => (await getObject(environment, 'ingress', 'milvus-demo')) === undefined,
    )
    const secondRun = expectSuccess(await run())
    expect(secondRun.outputs['certificate-arn']).toBe(arn)
    expect(writes().filter((write) => write.startsWith('acm'))).toEqual([])
  },
)

scenario(
  'an Ingress that someone moved to another certificate: the run names its own, and restores it on request',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const other = await importOtherCertificate(environment)
    await annotateObject(
      environment,
      'ingress/milvus-demo',
      `alb.ingress.kubernetes.io/certificate-arn=${other}`,
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
  'a certificate-arn that no ALB should serve is rejected with the reason',
  'moto has issued certificates only',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    const stored = environment.awsState.certificates.get(arn)
    if (!stored) throw new Error('the import is not there')
    const dnsRecord = {
      Name: '_x.milvus.example.com.',
      Type: 'CNAME',
      Value: '_y.acm-validations.aws.',
    }
    for (const { detail, expectedText } of [
      {
        detail: {
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
        expectedText:
          'is not issued yet. What to do: Create the DNS record _x.milvus.example.com. CNAME _y.acm-validations.aws.',
      },
      {
        detail: { Status: 'VALIDATION_TIMED_OUT', Type: 'AMAZON_ISSUED' },
        expectedText: 'nobody validated it within 72 hours',
      },
      {
        detail: { Status: 'FAILED', Type: 'AMAZON_ISSUED', FailureReason: 'CAA_ERROR' },
        expectedText: 'its request failed: CAA_ERROR',
      },
      {
        detail: { Status: 'REVOKED', RevocationReason: 'KEY_COMPROMISE' },
        expectedText: 'is revoked (KEY_COMPROMISE)',
      },
      { detail: { Status: 'INACTIVE' }, expectedText: 'is inactive' },
    ] as const) {
      stored.describeOverrides = detail
      const result = await run(certificateArnInputs(arn))
      expectFailure(result, 'certificate', 'certificate-not-issued')
      expect(getErrorAnnotation(result).replace(/\s+/g, ' ')).toContain(expectedText)
      expect(writes()).toEqual([])
    }
  },
)

simulatorScenario(
  'a certificate that is not issued on the live Ingress does not stop one of the inputs; under certificate-arn it does',
  'moto has issued certificates only',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    expect(expectSuccess(await run()).outputs['certificate-arn']).toBe(arn)
    const stored = environment.awsState.certificates.get(arn)
    if (!stored) throw new Error('the import is not there')
    for (const Status of ['PENDING_VALIDATION', 'VALIDATION_TIMED_OUT', 'FAILED'] as const) {
      stored.describeOverrides = { Status, Type: 'AMAZON_ISSUED' }
      const deployed = expectSuccess(await run({ 'force-conflicts': 'true' }))
      expect(deployed.outputs['certificate-arn']).not.toBe(arn)
      const result = await run({ 'certificate-arn': arn, 'replace-certificate': 'true' })
      expectFailure(result, 'certificate', 'certificate-not-issued')
      expect(writes()).toEqual([])
      await annotateObject(
        environment,
        'ingress/milvus-demo',
        `alb.ingress.kubernetes.io/certificate-arn=${arn}`,
      )
    }
  },
)

scenario(
  'a foreign certificate under certificate-arn is rejected, and replaced on request',
  async ({ environment, run, writes }) => {
    const arn = await importCertificate(environment)
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const inputs = {
      ...certificateInputs(renewed),
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
  'the resources that use a foreign certificate are named',
  'moto does not report what uses a certificate',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const result = await run({
      ...certificateInputs(renewed),
      'certificate-arn': arn,
      'ingress-name': 'another',
    })
    expectFailure(result, 'certificate', 'certificate-not-ours')
    expect(getErrorAnnotation(result)).toMatch(/it is used by app\/k8s-milvus-[^ ]+/)
  },
)

scenario('a certificate ARN that does not exist', async ({ environment, run, writes }) => {
  const { account, region } = environment
  const arn = `arn:aws:acm:${region}:${account}:certificate/00000000-0000-4000-8000-000000000000`
  const inputs = certificateArnInputs(arn)
  const result = expectFailure(await run(inputs), 'certificate', 'certificate-not-found')
  expect(writes()).toEqual([])
  expect(getErrorAnnotation(result)).toContain(arn)
})
