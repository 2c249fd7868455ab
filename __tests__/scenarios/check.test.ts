/**
 * Mode check and dry-run: differences are reported and nothing changes. A deploy fixes what a check
 * reports.
 */
import { expect } from '@jest/globals'
import {
  optionalForCheck,
  requiredForDriftDetection,
  requiredForClassParamsDrift,
  requiredForCheck,
} from '../../testing/required-permissions.ts'
import type { RunResult } from '../../testing/runner.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  replaceRuleWithFixedResponse,
  deleteListener,
  deleteLoadBalancer,
  deleteRule,
  replaceRuleWithHttp1Forward,
  getListener,
  modifyListener,
  setLoadBalancerAttribute,
} from './alb-manual-operations.ts'
import {
  createObjects,
  deleteCertificate,
  getObject,
  importCertificate,
  selectRevocablePermissions,
} from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  simulatorScenario,
  scenario,
  setDefaultStart,
  type Scenario,
} from './harness.ts'

setDefaultStart('deployed')

const checkInputs = { mode: 'check', 'probe-timeout': '1s' }
/** Without the values that only a role with access to Secrets can compare. */
const checkInputsWithoutValues = { ...checkInputs, 'private-key': '', values: '' }

/** A check that read everything and found no drift. */
function expectClean(run: RunResult): RunResult {
  expect(expectSuccess(run).outputs).toMatchObject({
    drift: 'false',
    changed: 'false',
    changes: '[]',
  })
  return run
}

/** A check that found these differences, as `step path`. */
function expectDrift(run: RunResult, differences: readonly string[]): RunResult {
  expect({
    differences: listChanges(run),
    drift: run.outputs['drift'],
    changed: run.outputs['changed'],
    log: run.outputs['drift'] === 'true' ? '' : run.log,
  }).toEqual({ differences, drift: 'true', changed: 'false', log: '' })
  expect(run.exitCode).toBe(1)
  expect(getErrorAnnotation(run)).toMatch(/The deployment has \d+ differences? from the inputs/)
  return run
}

/** The cluster and AWS received only reads, and not even an access review. */
function expectOnlyReads(environment: TestEnvironment, requestOffset: number): void {
  const ownRequests = environment.requestLog.requests
    .slice(requestOffset)
    .filter(({ userAgent: client }) => /milvus-alb-action|^Helm/i.test(client))
  expect(
    ownRequests
      .filter(
        ({ isMutating: mutating, service: part, operation }) =>
          mutating || (part === 'kubernetes' && !operation.startsWith('GET ')),
      )
      .map(({ service: part, operation }) => `${part} ${operation}`),
  ).toEqual([])
  expect(ownRequests.length).toBeGreaterThan(0)
}

scenario(
  'the documented permissions for a check suffice to find no drift, and a check only reads',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const env = await environment.assumeRole('', 'check')
    const [requestOffset, helmCallCount] = [
      environment.requestLog.requests.length,
      (await environment.helmCalls()).length,
    ]
    const result = expectClean(await run(checkInputsWithoutValues, { env }))
    expect(result.summary).toMatch(/^## ✅ No drift: the deployment matches the inputs/)
    expect(result.outputs).toMatchObject({
      'alb-address': expect.stringContaining('.elb.'),
      'certificate-expiry': expect.stringMatching(/^\d{4}-/),
      'milvus-version': expect.stringMatching(/^v?2/),
    })
    // A role with permission to deploy suffices, too.
    expectClean(await run(checkInputs, { env: await environment.assumeRole() }))
    // With neither certificate nor key, the check reads the certificate of the Ingress.
    expect(
      expectClean(await run({ ...checkInputsWithoutValues, certificate: '' }, { env })).outputs[
        'certificate-arn'
      ],
    ).toBe(result.outputs['certificate-arn'])
    expectOnlyReads(environment, requestOffset)
    expect(await environment.helmCalls()).toHaveLength(helmCallCount)

    const incompleteCheck = await run({ ...checkInputs, 'private-key': '' }, { env })
    expectFailure(incompleteCheck, 'preflight', 'drift-unknown')
    expect(incompleteCheck.outputs['drift']).toBe('unknown')
    expect(getErrorAnnotation(incompleteCheck)).toContain(
      'could not check the releases of helm (list and get secrets), so chart-version and values were not compared',
    )
  },
)

scenario(
  'each permission of a check is denied in turn: the check names it, or reports what it could not read',
  async ({ environment, run }) => {
    expectSuccess(await run())
    for (const { permission, step, code } of selectRevocablePermissions(
      environment,
      requiredForCheck,
    )) {
      const result = expectFailure(
        await run(checkInputsWithoutValues, {
          env: await environment.assumeRole(permission, 'check'),
        }),
        step,
        code,
      )
      expect({ permission, drift: result.outputs['drift'] }).toEqual({
        permission,
        drift: 'unknown',
      })
    }
    const expectUnknown = async (table: typeof requiredForDriftDetection): Promise<void> => {
      for (const { permission, unreadable } of selectRevocablePermissions(environment, table)) {
        const result = expectFailure(
          await run(checkInputsWithoutValues, {
            env: await environment.assumeRole(permission, 'check'),
          }),
          'preflight',
          'drift-unknown',
        )
        expect(getErrorAnnotation(result)).toContain(unreadable)
        expect(result.outputs['drift']).toBe('unknown')
      }
    }
    await expectUnknown(requiredForDriftDetection)
    for (const permission of optionalForCheck)
      expectClean(
        await run(checkInputsWithoutValues, {
          env: await environment.assumeRole(permission, 'check'),
        }),
      )
    await createObjects(environment, {
      apiVersion: 'elbv2.k8s.aws/v1beta1',
      kind: 'IngressClassParams',
      metadata: { name: 'alb' },
      spec: {},
    })
    await environment.kubectl(
      'patch',
      'ingressclass',
      'alb',
      '--type',
      'merge',
      '-p',
      '{"spec":{"parameters":{"apiGroup":"elbv2.k8s.aws","kind":"IngressClassParams","name":"alb"}}}',
    )
    await expectUnknown(requiredForClassParamsDrift)
  },
)

/** Checks, deploys with the same inputs, and checks again. */
async function expectFixedByDeploy(
  run: Scenario['run'],
  differences: readonly string[],
  inputs: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const driftRun = expectDrift(
    await run({ ...inputs, ...checkInputs, 'private-key': '' }),
    differences,
  )
  expectSuccess(await run(inputs))
  expectClean(await run({ ...inputs, ...checkInputs }))
  return driftRun
}

scenario(
  'before the first deployment everything differs, and a deploy applies it',
  async ({ environment, run }) => {
    const driftRun = expectFailure(
      await run({ ...checkInputs, 'private-key': '' }),
      'certificate',
      'drift-found',
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
      'This check cannot tell which pods the upgrade would restart: it is not allowed to read the releases of helm, and a check does not render the chart',
    )
    const env = await environment.assumeRole()
    expectSuccess(await run({}, { env }))
    expectClean(await run(checkInputs, { env }))
  },
  { start: 'installed' },
)

scenario(
  'a change made in the cluster is found with its author, and reverted',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await environment.kubectl(
      'annotate',
      '--overwrite',
      'ingress',
      'milvus-demo',
      'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08',
    )
    while ((await getListener(environment)).SslPolicy !== 'ELBSecurityPolicy-2016-08')
      await new Promise((resolve) => setTimeout(resolve, 50))
    const driftAfterEdit = expectDrift(await run(checkInputs), ['ingress ssl-policy'])
    expect(driftAfterEdit.outputs['changes']).toMatch(
      /differs from the inputs: changed by kubectl-annotate at \d{4}-[^,"]*Z, and a deploy reverts it only with force-conflicts: true"/,
    )
    expect(getErrorAnnotation(driftAfterEdit)).toContain(
      'ssl-policy is ELBSecurityPolicy-2016-08, expected ELBSecurityPolicy-TLS13-1-2-2021-06',
    )
    const forceInputs = { 'force-conflicts': 'true' }
    const forcedDrift = await expectFixedByDeploy(run, ['ingress ssl-policy'], forceInputs)
    expect(forcedDrift.outputs['changes']).toMatch(
      /differs from the inputs: changed by kubectl-annotate at \d{4}-[^,"]*Z"/,
    )

    await environment.kubectl(
      'patch',
      'service',
      'milvus-demo',
      '--type',
      'merge',
      '-p',
      '{"spec":{"type":"NodePort"}}',
    )
    await expectFixedByDeploy(run, ['release service.type'], forceInputs)
  },
)

simulatorScenario(
  "after the controller's ModifyRule moto ties no target group to the load balancer",
  'a Service that moved to another port is found, and the Ingress is fixed',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const { spec } = (await getObject(environment, 'service', 'milvus-demo')) as unknown as {
      spec: { ports: { name: string }[] }
    }
    const index = spec.ports.findIndex(({ name }) => name === 'milvus')
    await environment.kubectl(
      'patch',
      'service',
      'milvus-demo',
      '--type',
      'json',
      '-p',
      JSON.stringify([{ op: 'replace', path: `/spec/ports/${index}/port`, value: 19531 }]),
    )
    await expectFixedByDeploy(run, ['ingress spec.rules'])
  },
)

scenario('changed inputs are found without the private key', async ({ environment, run }) => {
  expectSuccess(await run())
  const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
  await expectFixedByDeploy(run, ['certificate certificate'], {
    certificate: renewed.fullchain,
    'private-key': renewed.privateKey,
  })
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
      /ACM certificate \S+ does not exist in this account and region\..*The deployment has 2 differences from the inputs/s,
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
  'a change made in AWS is found by its value, and reverted',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await modifyListener(environment, { SslPolicy: 'ELBSecurityPolicy-2016-08' })
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    await expectFixedByDeploy(run, [
      'load-balancer ssl-policy',
      'load-balancer attribute idle_timeout.timeout_seconds',
    ])
    await deleteRule(environment)
    expect(listChanges(await run(checkInputs))).toEqual([
      `load-balancer rule for ${environment.host}`,
    ])
    expectSuccess(await run())
    await replaceRuleWithFixedResponse(environment)
    expect(listChanges(await run(checkInputs))).toEqual([
      `load-balancer rule for ${environment.host}`,
    ])
    expectSuccess(await run())
    await replaceRuleWithHttp1Forward(environment)
    expect(listChanges(await run({ ...checkInputs, probe: 'off' }))).toEqual([
      'load-balancer protocol version',
    ])
    expectSuccess(await run())
    await deleteListener(environment)
    expect(listChanges(await run(checkInputs))).toEqual(['load-balancer protocol'])
    expectSuccess(await run())
    await deleteLoadBalancer(environment)
    expect(listChanges(await run(checkInputs))).toEqual(['load-balancer DNS name'])
    expectSuccess(await run())
    expectClean(await run(checkInputs))
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
      /^::warning.*The deployment has 1 difference from the inputs: .*idle_timeout.timeout_seconds is 60, expected 600/m,
    )
    expect(warningRun.summary).toMatch(/^## ⚠️ Drift: 1 difference/)

    await environment.overrideAlb({ fixedStatus: 504 })
    const failedRun = expectFailure(await run(checkInputs), 'probe', 'probe-target-timeout')
    expect(failedRun.outputs['drift']).toBe('true')
    expect(getErrorAnnotation(failedRun)).toContain(
      'The deployment has 1 difference from the inputs',
    )
    expectFailure(
      await run({ ...checkInputs, 'fail-on-drift': 'false' }),
      'probe',
      'probe-target-timeout',
    )
  },
)

scenario(
  'a dry run changes nothing, and lists what the next deploy changes',
  async ({ environment, run, writes }) => {
    const dryRun = expectSuccess(await run({ 'dry-run': 'true' }))
    expect(writes()).toEqual([])
    expect(dryRun.outputs).toMatchObject({ changed: 'false' })
    expect(dryRun.summary).toMatch(/^## 📋 Dry run: \d+ changes planned/)
    const deployRun = expectSuccess(await run())
    expect(listChanges(dryRun)).toEqual(listChanges(deployRun))

    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    const secondDryRun = expectSuccess(await run({ 'dry-run': 'true' }))
    expect(secondDryRun.outputs['alb-address']).toBe(deployRun.outputs['alb-address'])
    expect(listChanges(secondDryRun)).toEqual(listChanges(expectSuccess(await run())))
    expect(expectSuccess(await run({ 'dry-run': 'true' })).summary).toMatch(
      /^## 📋 Dry run: 0 changes planned/,
    )

    // A dry run fails with the same messages as a deploy, before anything changes.
    await environment.kubectl(
      'annotate',
      '--overwrite',
      'ingress',
      'milvus-demo',
      'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08',
    )
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const inputs = { certificate: renewed.fullchain, 'private-key': renewed.privateKey }
    const dryRunFailure = expectFailure(
      await run({ ...inputs, 'dry-run': 'true' }),
      'ingress',
      'ingress-conflict',
    )
    const deployFailure = expectFailure(await run(inputs), 'ingress', 'ingress-conflict')
    expect(writes()).toEqual([])
    expect(getErrorAnnotation(deployFailure)).toBe(getErrorAnnotation(dryRunFailure))
  },
)
