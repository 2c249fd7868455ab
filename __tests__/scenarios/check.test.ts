/** Mode check reports differences and changes nothing. A deploy fixes what a check reports. */
import { expect } from '@jest/globals'
import { deleteCertificate, importCertificate } from './acm-manual-operations.ts'
import { modifyListener, setLoadBalancerAttribute } from './alb-manual-operations.ts'
import { certificateInputs } from './certificate-inputs.ts'
import {
  checkInputs,
  checkInputsWithoutValues,
  expectClean,
  expectDrift,
  expectFixedByDeploy,
} from './check-expectations.ts'
import { expectFailure, expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('deployed')

scenario(
  'before the first deployment everything differs, and a deploy applies it',
  async ({ environment, run }) => {
    const driftRun = expectFailure(
      await run({ ...checkInputs, 'private-key': '' }),
      'certificate',
      'drift-found',
    )
    expect(driftRun.log.match(/^::group::(. [a-z-]+: .*) \(\d+\.\d s\)$/gm)).toEqual(
      [
        '✓ preflight: no problems found',
        '≠ certificate: 1 object differs',
        '≠ release: 1 object differs',
        '≠ ingress: 1 object differs (9 fields)',
        '– load-balancer: skipped, the Ingress does not exist yet',
        '– probe: skipped, there is no load balancer to call',
      ].map((title) => expect.stringContaining(`::group::${title} (`) as unknown),
    )
    expect(listChanges(driftRun).slice(0, 2)).toEqual([
      'certificate certificate',
      'release service.type',
    ])
    const incompleteCheck = await run(
      { ...checkInputsWithoutValues, certificate: '' },
      { env: await environment.assumeRole('', 'check') },
    )
    expect(listChanges(incompleteCheck)[0]).toBe('release service.type')
    expect(incompleteCheck.summary).toContain(
      'This check cannot tell which pods the upgrade would restart: it is not allowed to read the releases of Helm, and a check does not render the chart',
    )
    const env = await environment.assumeRole()
    expectSuccess(await run({}, { env }))
    expectClean(await run(checkInputs, { env }))
  },
  { start: 'installed' },
)

scenario('changed inputs are found without the private key', async ({ environment, run }) => {
  expectSuccess(await run())
  const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
  await expectFixedByDeploy(run, ['certificate certificate'], certificateInputs(renewed))
  const inputDrift = await run({
    ...checkInputs,
    certificate: renewed.fullchain,
    'private-key': '',
    values: 'proxy: {replicas: 2}',
    'chart-version': '5.0.20',
    'idle-timeout': '5m',
  })
  expectDrift(inputDrift, [
    'release chart version',
    'release values.proxy.replicas',
    'ingress load-balancer-attributes',
  ])
  expect(inputDrift.outputs['failed-step']).toBe('release')
})

scenario(
  'a certificate that expires soon is an output and a warning of a check, not drift',
  async ({ run }) => {
    const { 'certificate-expiry': expiry } = expectSuccess(await run()).outputs
    for (const inputs of [checkInputs, { ...checkInputsWithoutValues, certificate: '' }]) {
      const result = expectClean(await run({ ...inputs, 'expiry-warning': '365' }))
      expect(result.log).toMatch(/^::warning.*The certificate for .* expires in \d+ days, on /m)
      expect(result.outputs['certificate-expiry']).toBe(expiry)
    }
  },
)

scenario(
  'a failed step hides no drift of the others: a certificate deleted from ACM, and one for another host',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    await modifyListener(environment, { certificate: await importCertificate(environment) })
    await deleteCertificate(environment, arn)
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    const awsDifferences = [
      'load-balancer default certificate',
      'load-balancer attribute idle_timeout.timeout_seconds',
    ]
    const missingCertificateRun = expectFailure(
      await run({ ...checkInputsWithoutValues, certificate: '' }),
      'certificate',
      'certificate-not-found',
    )
    expect({
      drift: missingCertificateRun.outputs['drift'],
      differences: listChanges(missingCertificateRun),
    }).toEqual({ drift: 'true', differences: awsDifferences })
    expect(getErrorAnnotation(missingCertificateRun)).toMatch(
      /ACM certificate \S+ does not exist in this account and region\..*The deployment differs from the inputs in 2 objects/s,
    )
    const other = await environment.certificateAuthority.issue({ hosts: ['other.example.com'] })
    const mismatchedRun = expectFailure(
      await run({ ...checkInputs, certificate: other.fullchain, 'private-key': '' }),
      'preflight',
      'certificate-host-mismatch',
    )
    expect(listChanges(mismatchedRun)).toEqual([
      'certificate certificate',
      'ingress certificate-arn',
      ...awsDifferences,
    ])

    // The certificate set on the listener by hand covers the host, so the probe accepts it.
    await expectFixedByDeploy(run, ['ingress certificate-arn', ...awsDifferences])
  },
)

scenario(
  'drift and a failed probe are both in the annotation; fail-on-drift applies only to drift',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    const warningRun = expectSuccess(await run({ ...checkInputs, 'fail-on-drift': 'false' }))
    expect(warningRun.outputs['drift']).toBe('true')
    expect(warningRun.log).toMatch(
      /^::warning.*The deployment differs from the inputs in 1 object: .*idle_timeout.timeout_seconds is 60, expected 600/m,
    )
    expect(warningRun.summary).toMatch(/^## ⚠️ Drift: 1 object differs from the inputs/)

    await environment.overrideAlb({ fixedStatus: 504 })
    const failedRun = expectFailure(await run(checkInputs), 'probe', 'probe-target-timeout')
    expect(failedRun.outputs['drift']).toBe('true')
    expect(getErrorAnnotation(failedRun)).toContain(
      'The deployment differs from the inputs in 1 object',
    )
    expectFailure(
      await run({ ...checkInputs, 'fail-on-drift': 'false' }),
      'probe',
      'probe-target-timeout',
    )
  },
)
