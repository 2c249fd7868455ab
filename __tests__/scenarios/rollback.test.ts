/** on-failure: a failed run keeps its changes, or rolls them back. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import { importCertificate, listCertificates } from './acm-manual-operations.ts'
import { listLoadBalancerNames } from './alb-manual-operations.ts'
import { certificateInputs, issueWithLargerKey } from './certificate-inputs.ts'
import {
  expectAdditionalFailure,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { denyAdmission, denyHelmOnce } from './faults.ts'
import { scenario } from './harness.ts'
import { upgradeRelease } from './helm-manual-operations.ts'
import { applyGuideIngress, getIngressAnnotations } from './ingress-manual-operations.ts'
import { annotateObject, getObject } from './manual-operations.ts'
import { shortProbe } from './run-inputs.ts'

const rollbackInputs = { 'on-failure': 'rollback' }

/**
 * The state that a run may change, as a person sees it, without status, versions and Helm's
 * revision numbers.
 */
async function captureState(environment: TestEnvironment): Promise<unknown> {
  const [ingress, service, values] = await Promise.all([
    getObject(environment, 'ingress', 'milvus-demo'),
    getObject(environment, 'service', 'milvus-demo'),
    environment.helm('get', 'values', 'milvus-demo'),
  ])
  return {
    annotations: ingress && (await getIngressAnnotations(environment)),
    spec: ingress?.['spec'],
    type: (service?.['spec'] as { type?: string } | undefined)?.type,
    values,
    certificates: (await listCertificates(environment))
      .map(({ arn, x509 }) => `${arn} ${x509.serialNumber}`)
      .sort(),
  }
}

scenario(
  'rollback of a first deployment that the controller rejects leaves nothing',
  async ({ environment, run }) => {
    const before = await captureState(environment)
    environment.controller.options.unknownIds = ['sg-00000000']
    const result = expectFailure(
      await run({ ...rollbackInputs, 'security-groups': 'sg-00000000' }),
      'load-balancer',
      'controller-refused',
    )
    expect(await captureState(environment)).toEqual(before)
    expect(await listLoadBalancerNames(environment)).toEqual([])
    for (const name of ['endpoint', 'certificate-arn', 'certificate-expires-soon'])
      expect(result.outputs[name]).toBe('')
    expect(getErrorAnnotation(result)).not.toContain('rollback is incomplete')
    for (const step of ['ingress', 'release', 'certificate'])
      expect(result.log).toMatch(new RegExp(`✓ ${step}: rolled back: `))
    // This is announced before the first change.
    expect(
      result.log.indexOf('is restored with a new load balancer under a new name'),
    ).toBeLessThan(result.log.indexOf('✓ certificate'))
    expect(listChanges(result)).toEqual(
      expect.arrayContaining([
        'ingress load balancer',
        'release revision',
        'certificate certificate',
      ]),
    )
    expectSuccess(await run(rollbackInputs))
  },
  { requiresSimulatedController: true },
)

scenario(
  'rollback of a change that fails the probe restores Ingress and certificate',
  async ({ environment, run }) => {
    const { outputs } = expectSuccess(await run())
    await annotateObject(environment, 'ingress/milvus-demo', 'example.com/team=search')
    const before = await captureState(environment)
    const other = await issueWithLargerKey(environment)
    await environment.overrideAlb({ fixedStatus: 502 })
    const inputs = {
      ...rollbackInputs,
      ...certificateInputs(other),
      'idle-timeout': '1h',
      annotations: 'alb.ingress.kubernetes.io/healthcheck-interval-seconds: "30"',
      ...shortProbe,
    }
    const result = expectFailure(await run(inputs), 'probe', 'probe-target-failed')
    expect(await captureState(environment)).toEqual(before)
    expect(result.outputs).toMatchObject({
      'certificate-arn': outputs['certificate-arn'],
      'certificate-expiry': '',
      'certificate-expires-soon': '',
    })
    expect(getErrorAnnotation(result)).not.toContain('rollback is incomplete')
    await environment.overrideAlb({ fixedStatus: undefined })
    expect(listChanges(expectSuccess(await run(inputs)))).toEqual(
      expect.arrayContaining(['ingress certificate-arn', 'ingress load-balancer-attributes']),
    )
  },
)

scenario(
  'rollback of an upgrade that Helm does not finish restores the previous revision',
  async ({ environment, run }) => {
    const before = await captureState(environment)
    environment.faults.inject(denyHelmOnce(/^PATCH .*\/services\/milvus-demo$/))
    const result = expectFailure(
      await run({ ...rollbackInputs, values: 'proxy: {replicas: 2}' }),
      'release',
      'helm-upgrade-failed',
    )
    expect(await captureState(environment)).toEqual(before)
    expect(result.outputs['release-revision']).toBe('3')
    expect(await environment.helm('status', 'milvus-demo')).toContain('STATUS: deployed')
    expectSuccess(await run(rollbackInputs))
  },
)

scenario(
  'cutover: last with rollback: if the switch does not finish, only the old load balancer remains',
  async ({ environment, run }) => {
    const before = await captureState(environment)
    environment.faults.inject(denyHelmOnce(/^PATCH .*\/services\/milvus-demo$/))
    expectFailure(
      await run({ ...rollbackInputs, cutover: 'last' }),
      'release',
      'helm-upgrade-failed',
    )
    expect(await captureState(environment)).toEqual(before)
  },
)

scenario(
  'an incomplete rollback is reported beside the failure, with what remains',
  async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: 502 })
    const removeFault = environment.faults.inject(
      denyAdmission(/^DELETE .*\/ingresses\/milvus-demo$/, 'keep it'),
    )
    const result = expectFailure(
      await run({ ...rollbackInputs, ...shortProbe }),
      'probe',
      'probe-target-failed',
    )
    expect(getErrorAnnotation(result)).toMatch(
      /The rollback is incomplete\. Ingress milvus-demo: .*keep it\. [\s\S]*ACM certificate [^ ]* was kept/,
    )
    expectAdditionalFailure(result, 'rollback-incomplete')
    removeFault()
    await environment.overrideAlb({ fixedStatus: undefined })
    expectSuccess(await run(rollbackInputs))
  },
)

scenario(
  'rollback of an Ingress adopted from kubectl returns its ownership',
  async ({ environment, run }) => {
    await applyGuideIngress(environment, await importCertificate(environment))
    const before = await captureState(environment)
    await environment.overrideAlb({ fixedStatus: 502 })
    expectFailure(
      await run({ ...rollbackInputs, 'idle-timeout': '1h', ...shortProbe }),
      'probe',
      'probe-target-failed',
    )
    expect(await captureState(environment)).toEqual(before)
    expectFailure(await run({ mode: 'destroy' }), 'preflight', 'ingress-not-ours')
  },
)

scenario(
  'rollback does not touch a revision that someone else deployed meanwhile, and says so',
  async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: 502 })
    const releaseLoadBalancers = environment.pauseLoadBalancerProvisioning()
    const result = expectFailure(
      await run(
        { ...rollbackInputs, ...shortProbe },
        {
          onLine: (line) => {
            if (line.includes('✓ release: 1 object changed'))
              void upgradeRelease(environment, { flags: ['--set', 'proxy.replicas=2'] }).then(
                releaseLoadBalancers,
              )
          },
        },
      ),
      'probe',
      'probe-target-failed',
    )
    expectAdditionalFailure(result, 'rollback-incomplete')
    expect(getErrorAnnotation(result)).toMatch(
      /Release milvus-demo was also upgraded outside this run: revision 3 is deployed, and this run started at revision 1/,
    )
    expect(await environment.helm('get', 'values', 'milvus-demo')).toContain('replicas: 2')
  },
)

const protectedInputs = {
  annotations:
    'alb.ingress.kubernetes.io/load-balancer-attributes: deletion_protection.enabled=true',
}

scenario(
  'rollback keeps an Ingress whose ALB is protected, which is announced first',
  async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: 502 })
    const result = expectFailure(
      await run({ ...rollbackInputs, ...protectedInputs, ...shortProbe }),
      'probe',
      'probe-target-failed',
    )
    expect(result.log.indexOf('its certificate stay: deletion protection')).toBeGreaterThan(0)
    expect(result.log.indexOf('its certificate stay: deletion protection')).toBeLessThan(
      result.log.indexOf('✓ certificate'),
    )
    expectAdditionalFailure(result, 'rollback-incomplete')
    const ingress = await getObject(environment, 'ingress', 'milvus-demo')
    expect(ingress?.metadata).not.toHaveProperty('deletionTimestamp')
    expect(result.outputs['alb-address']).not.toBe('')
  },
  { start: 'cluster-ip' },
)

scenario(
  'a rollback that could not delete the Ingress is rejected before anything is created',
  async (scenario) => {
    expect(
      await expectFailureWithoutWrites(
        scenario,
        rollbackInputs,
        'cluster-forbidden',
        await scenario.environment.assumeRole('delete ingresses'),
      ),
    ).toContain('delete ingresses')
    expectSuccess(
      await scenario.run({}, { env: await scenario.environment.assumeRole('delete ingresses') }),
    )
  },
)

scenario(
  'a renewal cannot be rolled back, which is announced first',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    await environment.overrideAlb({ fixedStatus: 502 })
    const result = expectFailure(
      await run({
        ...rollbackInputs,
        ...certificateInputs(renewed),
        ...shortProbe,
      }),
      'probe',
      'probe-target-failed',
    )
    expect(result.log.indexOf('ACM cannot restore the old one')).toBeGreaterThan(0)
    expect(result.log.indexOf('ACM cannot restore the old one')).toBeLessThan(
      result.log.indexOf('✓ certificate'),
    )
    expect(listChanges(result)).toEqual(['certificate certificate'])
  },
)

scenario(
  'without rollback, a failed run keeps its changes, and the next run continues from there',
  async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: 502 })
    expectFailure(await run(shortProbe), 'probe', 'probe-target-failed')
    await environment.overrideAlb({ fixedStatus: undefined })
    expect(listChanges(expectSuccess(await run()))).toEqual([])
  },
)

scenario(
  'an error that nothing catches is a failure with outputs, summary and rollback',
  async ({ environment, run }) => {
    const before = await captureState(environment)
    const preload = new URL('../../testing/uncaught-error.mjs', import.meta.url).href
    const env = {
      NODE_OPTIONS: `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${preload}`,
      UNCAUGHT_AT_PORT: String(environment.listenPort),
    }
    for (const UNCAUGHT_AS of ['event', 'rejection']) {
      const inputs = { ...rollbackInputs, 'idle-timeout': '30m' }
      const result = await run(inputs, { env: { ...env, UNCAUGHT_AS } })
      expectFailure(result, 'probe', 'internal-error')
      expect(getErrorAnnotation(result)).toContain('the injected error that nothing catches')
      expect(result.log).toMatch(/✓ ingress: rolled back: /)
      expect(await captureState(environment)).toEqual(before)
    }
  },
  { start: 'deployed' },
)
