/** Mode destroy with restore-service-type, which restores the Service's own load balancer. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { resetServiceDuringUpgrade } from './faults.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { getObject, getServiceType, patchObject } from './manual-operations.ts'
import { destroyInputs, serviceOnlyInputs } from './run-inputs.ts'

setDefaultStart('deployed')

/** The address of the Service's own load balancer. */
const getServiceAddress = (environment: TestEnvironment): Promise<string> =>
  environment.kubectl(
    'get',
    'service',
    'milvus-demo',
    '-o',
    'jsonpath={.status.loadBalancer.ingress[0].hostname}',
  )

scenario(
  "restore-service-type restores the Service's load balancer and keeps all values; a second run changes nothing",
  async (scenario) => {
    const { environment, run, writes } = scenario
    expectSuccess(await run())
    const restoreInputs = {
      ...destroyInputs,
      'restore-service-type': 'LoadBalancer',
      'restore-load-balancer-class': 'none',
    }
    const result = expectSuccess(await run(restoreInputs))
    expect(listChanges(result)).toEqual([
      'ingress load balancer',
      'release service.type',
      'certificate certificate',
    ])
    expect(await getServiceType(environment)).toBe('LoadBalancer')
    expect(result.log).toContain('(requested by input restore-service-type):')
    expect(result.summary).toContain(
      `Service milvus-demo has a load balancer of its own: ${await getServiceAddress(environment)}. Point the DNS record at it.`,
    )
    expect(result.summary).toMatch(/^## ✅ Removed: Ingress .*; the Service type was restored$/m)
    expect(await environment.helm('get', 'values', 'milvus-demo')).toContain('bucketName: precious')

    const secondDestroy = await run(restoreInputs)
    expectUnchanged(secondDestroy)
    expect(secondDestroy.log).toMatch(
      /^::group::✓ release: unchanged, Service milvus-demo is of type LoadBalancer/m,
    )
    expect(writes()).toEqual([])
    expect(
      listChanges(
        expectSuccess(await run({ ...destroyInputs, 'restore-service-type': 'NodePort' })),
      ),
    ).toEqual(['release service.type'])
    expect(await getServiceType(environment)).toBe('NodePort')
  },
)

scenario(
  'restore-service-type is rejected before anything is removed if the Service has another owner or no release',
  async (scenario) => {
    const { environment, run } = scenario
    expectSuccess(await run())
    const restoreInputs = { ...destroyInputs, 'restore-service-type': 'LoadBalancer' }
    await environment.kubectl(
      'label',
      'service',
      'milvus-demo',
      'helm.toolkit.fluxcd.io/name=milvus',
    )
    const managed = await expectFailureWithoutWrites(
      scenario,
      restoreInputs,
      'release-managed-elsewhere',
    )
    expectToContainAll(managed, [
      'Flux (HelmRelease milvus)',
      'LoadBalancer)',
      'remove restore-service-type',
    ])
    await environment.kubectl('label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name-')
    await environment.helm('uninstall', 'milvus-demo', '--wait')
    expect(
      await expectFailureWithoutWrites(scenario, restoreInputs, 'release-not-found'),
    ).toContain('If the release was uninstalled, remove restore-service-type.')
    expect(
      await expectFailureWithoutWrites(scenario, destroyInputs, 'release-not-found'),
    ).toContain('Set ingress-name to the Ingress that this action created: milvus-demo.')
    expect(
      listChanges(expectSuccess(await run({ ...destroyInputs, 'ingress-name': 'milvus-demo' }))),
    ).toEqual(['ingress load balancer', 'certificate certificate'])
  },
)

scenario(
  'a Service reset by someone during its restoration is reported, and a later run continues',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const removeFault = resetServiceDuringUpgrade(environment, 'ClusterIP')
    const restoreInputs = { ...destroyInputs, 'restore-service-type': 'NodePort' }
    expect(
      getErrorAnnotation(
        expectFailure(await run(restoreInputs), 'release', 'service-not-restored'),
      ),
    ).toContain('is of type ClusterIP')
    removeFault()
    expect(
      getErrorAnnotation(expectFailure(await run(restoreInputs), 'preflight', 'release-conflict')),
    ).toContain('force-conflicts')
    expect(
      listChanges(expectSuccess(await run({ ...restoreInputs, 'force-conflicts': 'true' }))),
    ).toContain('certificate certificate')
    expect(await getServiceType(environment)).toBe('NodePort')
  },
)

scenario(
  'destroy with restore-service-type: a Service once applied with kubectl is a conflict before anything is removed',
  async (scenario) => {
    const { environment, run } = scenario
    await patchObject(
      environment,
      'service/milvus-demo',
      { spec: { type: 'ClusterIP', loadBalancerSourceRanges: null } },
      'kubectl-client-side-apply',
    )
    expectSuccess(await run(serviceOnlyInputs))
    const restoreInputs = {
      ...destroyInputs,
      values: '',
      'restore-service-type': 'LoadBalancer',
      'restore-load-balancer-class': 'none',
    }
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { ...restoreInputs, 'restore-load-balancer-class': '' },
        'service-class-lost',
      ),
    ).toContain('Others changed objects of release milvus-demo')
    const text = await expectFailureWithoutWrites(scenario, restoreInputs, 'release-conflict')
    expect(text).toContain(
      'Service milvus-demo: .spec.type is ClusterIP (set by kubectl-client-side-apply) and would become LoadBalancer',
    )
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeDefined()
    expectSuccess(await run({ ...restoreInputs, 'force-conflicts': 'true' }))
    expect(await getObject(environment, 'service', 'milvus-demo')).toMatchObject({
      spec: { type: 'LoadBalancer' },
    })
  },
  { start: 'installed' },
)
