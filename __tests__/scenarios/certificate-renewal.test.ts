/** A renewed certificate keeps its ARN, unless ACM cannot import it under the same one. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { findCertificate, listCertificates, removeTags } from './acm-manual-operations.ts'
import { certificateInputs, issueWithLargerKey } from './certificate-inputs.ts'
import type { KeyUsageName } from '../../testing/certificates.ts'
import {
  expectFailure,
  expectSuccess,
  expectToContainAll,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

scenario(
  'a renewed certificate keeps its ARN, and the ALB serves it',
  async ({ environment, run, writes }) => {
    const first = await run()
    const renewed = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      validityDays: 120,
    })
    const second = await run({
      certificate: renewed.certificate,
      'certificate-chain': renewed.chain,
      'private-key': Buffer.from(renewed.privateKey).toString('base64'),
    })
    expectSuccess(second)
    expect(second.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
    expect(writes()).toEqual(['acm ImportCertificate'])
    expect(
      (await findCertificate(environment, second.outputs['certificate-arn']))?.x509.raw,
    ).toEqual(new X509Certificate(renewed.certificate).raw)
    expect(await listCertificates(environment)).toHaveLength(1)
  },
)

simulatorScenario(
  'the probe waits until the ALB serves a renewed certificate',
  'Envoy serves a renewed certificate at once',
  async ({ environment, run }) => {
    await run()
    await environment.alb.setOverrides({ certificatePropagationMs: 1_000 })
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const second = await run(certificateInputs(renewed))
    expectSuccess(second)
    expect(second.durationMs).toBeGreaterThan(1_000)
  },
)

scenario(
  'a certificate with another key type is imported as a new one, and the Ingress moves to it',
  async ({ environment, run }) => {
    const first = await run()
    const largerKey = await issueWithLargerKey(environment)
    const second = await run(certificateInputs(largerKey))
    expectSuccess(second)
    expect(second.outputs['certificate-arn']).not.toBe(first.outputs['certificate-arn'])
    expect(listChanges(second)).toEqual([
      'certificate certificate',
      'ingress certificate-arn',
      'certificate certificate',
    ])
    expect(await listCertificates(environment)).toHaveLength(1)
    expect((await run(certificateInputs(largerKey))).outputs['changed']).toBe('false')
  },
)

simulatorScenario(
  'a re-import that would remove key usages becomes a new certificate, and the old one is deleted',
  'moto accepts a re-import that removes key usages',
  async ({ environment, run }) => {
    const broadUsage = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyUsage: ['digitalSignature', 'keyEncipherment', 'dataEncipherment'],
    })
    const first = expectSuccess(await run(certificateInputs(broadUsage)))
    const narrowUsage = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyUsage: ['digitalSignature'],
    })
    const second = expectSuccess(await run(certificateInputs(narrowUsage)))
    expect(second.outputs['certificate-arn']).not.toBe(first.outputs['certificate-arn'])
    // The next run finds what remains of the first.
    expect(listChanges(expectSuccess(await run(certificateInputs(narrowUsage))))).toEqual([
      'certificate certificate',
    ])
    expect((await listCertificates(environment)).map(({ arn }) => arn)).toEqual([
      second.outputs['certificate-arn'],
    ])
  },
)

simulatorScenario(
  'a re-import under a given certificate-arn that ACM rejects fails in every run, and imports nothing else',
  'moto accepts a re-import that removes key usages',
  async ({ environment, run, writes }) => {
    const issue = (keyUsage: readonly KeyUsageName[]) =>
      environment.certificateAuthority.issue({ hosts: [environment.host], keyUsage })
    const broadUsage = await issue(['digitalSignature', 'keyEncipherment', 'dataEncipherment'])
    const { 'certificate-arn': arn = '' } = expectSuccess(
      await run(certificateInputs(broadUsage)),
    ).outputs
    await removeTags(environment, arn)
    const narrowUsage = await issue(['digitalSignature'])
    const inputs = {
      ...certificateInputs(narrowUsage),
      'certificate-arn': arn,
      'replace-certificate': 'true',
    }
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const rejected = expectFailure(await run(inputs), 'certificate', 'certificate-refused')
      expectToContainAll(getErrorAnnotation(rejected), [
        arn,
        'Key usage values cannot be removed on re-import',
        'leave certificate-arn empty',
      ])
      expect(writes().filter((write) => write.startsWith('acm'))).toEqual(['acm ImportCertificate'])
    }
    expect((await listCertificates(environment)).map((certificate) => certificate.arn)).toEqual([
      arn,
    ])
    // The same usages under the same ARN are accepted.
    const renewed = await issue(['digitalSignature', 'keyEncipherment', 'dataEncipherment'])
    const replaced = expectSuccess(await run({ ...inputs, ...certificateInputs(renewed) }))
    expect(replaced.outputs['certificate-arn']).toBe(arn)
  },
)

simulatorScenario(
  'a superseded certificate that cannot be deleted is named in a note',
  'a role in the lab stays the same during a run',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const largerKey = await issueWithLargerKey(environment)
    const inputs = certificateInputs(largerKey)
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
  'ACM fails to delete a superseded certificate: a note, and the next run deletes it',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const inputs = certificateInputs(await issueWithLargerKey(environment))
    for (const error of [
      { status: 500, code: 'InternalFailure', message: 'try again' },
      { status: 400, code: 'ExpiredTokenException', message: 'token expired' },
      { status: 400, code: 'UnrecognizedClientException', message: 'token invalid' },
    ]) {
      const removeFault = environment.faults.inject({
        service: 'acm',
        operation: 'DeleteCertificate',
        error,
      })
      const result = expectSuccess(await run(inputs))
      expectToContainAll(result.summary, [arn, 'was not deleted', error.message])
      removeFault()
    }
    expectSuccess(await run(inputs))
    expect(await findCertificate(environment, arn)).toBeUndefined()
  },
)

scenario('a re-import whose response is lost', async ({ environment, run }) => {
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
  environment.faults.inject({
    service: 'acm',
    operation: 'ImportCertificate',
    times: 1,
    reset: 'after',
  })
  expect(expectSuccess(await run(certificateInputs(renewed))).outputs['certificate-arn']).toBe(arn)
  expect(await listCertificates(environment)).toHaveLength(1)
})
