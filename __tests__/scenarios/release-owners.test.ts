/** A Service and a release that others manage or have changed. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from '@jest/globals'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { installHelm3 } from '../../testing/cli-tools.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
} from './expectations.ts'
import { resetServiceDuringUpgrade } from './faults.ts'
import { scenario } from './harness.ts'
import { getObject, patchObject } from './manual-operations.ts'
import { serviceOnlyInputs } from './run-inputs.ts'

scenario(
  'a Service managed by Argo CD, Flux or the Milvus Operator: an upgrade is rejected, and nothing to change is a note',
  async (scenario) => {
    const { environment, run } = scenario
    for (const { command, mark, value, owner } of [
      {
        command: 'annotate',
        mark: 'argocd.argoproj.io/tracking-id',
        value: 'vectors:/Service:milvus/milvus-demo',
        owner: 'Argo CD (Application vectors)',
      },
      {
        command: 'label',
        mark: 'argocd.argoproj.io/instance',
        value: 'vectors',
        owner: 'Argo CD (Application vectors)',
      },
      {
        command: 'label',
        mark: 'helm.toolkit.fluxcd.io/name',
        value: 'milvus',
        owner: 'Flux (HelmRelease milvus)',
      },
    ]) {
      await environment.kubectl(command, 'service', 'milvus-demo', `${mark}=${value}`)
      const text = await expectFailureWithoutWrites(scenario, {}, 'release-managed-elsewhere')
      expectToContainAll(text, [owner, 'set service: milvus-demo instead of release'])
      await environment.kubectl(command, 'service', 'milvus-demo', `${mark}-`)
    }
    expectSuccess(await run())
    await environment.kubectl(
      'label',
      'service',
      'milvus-demo',
      'helm.toolkit.fluxcd.io/name=milvus',
    )
    const unchangedRun = await run()
    expectUnchanged(unchangedRun)
    expect(unchangedRun.summary).toContain(
      'is managed by Flux (HelmRelease milvus), and needs no change',
    )
  },
)

scenario(
  'a Service managed by Terraform or Pulumi is left to it, and an unknown manager is named',
  async (scenario) => {
    const { environment, run } = scenario
    for (const { manager, expectedText } of [
      { manager: 'terraform-provider-helm_v2.12.1_x5', expectedText: 'Terraform (a helm_release' },
      {
        manager: 'pulumi-resource-kubernetes',
        expectedText: 'Pulumi (a Release, Chart or Service of a stack',
      },
    ] as const) {
      await patchObject(
        environment,
        'service/milvus-demo',
        { spec: { sessionAffinity: 'ClientIP' } },
        manager,
      )
      const text = await expectFailureWithoutWrites(
        scenario,
        serviceOnlyInputs,
        'release-managed-elsewhere',
      )
      expectToContainAll(text, [
        expectedText,
        'Make the change there (service.type in the values of the',
        'set service: milvus-demo instead of release',
      ])
      await patchObject(environment, 'service/milvus-demo', { spec: { sessionAffinity: 'None' } })
    }
    await patchObject(
      environment,
      'service/milvus-demo',
      { spec: { sessionAffinity: 'ClientIP' } },
      'fleetagent',
    )
    expect(expectSuccess(await run(serviceOnlyInputs)).summary).toContain(
      'Fields of Service milvus-demo were set by fleetagent, which this action does not know',
    )
  },
)

scenario(
  'a patched Service is reported as a conflict for Helm, unless force-conflicts overwrites it',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await patchObject(environment, 'service/milvus-demo', { spec: { type: 'LoadBalancer' } })
    const rejectedRun = await run()
    expectFailure(rejectedRun, 'preflight', 'release-conflict')
    expect(rejectedRun.log).toContain(
      'Service milvus-demo: .spec.type is LoadBalancer (set by kubectl-patch) and would become ClusterIP',
    )
    expectSuccess(await run({ 'force-conflicts': 'true' }))
    expect(await getObject(environment, 'service', 'milvus-demo')).toMatchObject({
      spec: { type: 'ClusterIP' },
    })
  },
)

scenario('a Service that someone resets while Helm still waits', async ({ environment, run }) => {
  resetServiceDuringUpgrade(environment, 'LoadBalancer')
  expectFailure(await run(), 'release', 'service-not-cluster-ip')
})

scenario(
  'a release installed by Helm 3: force-conflicts applies to the Ingress, and Helm 4 stays client-side',
  async ({ environment, run }) => {
    const values = join(environment.directory, 'values.json')
    await writeFile(values, JSON.stringify(modeValues.standalone))
    const chart = [
      'milvus-demo',
      'milvus',
      '--repo',
      environment.chartRepository.url,
      '--version',
      '4.2.58',
      '--namespace',
      environment.namespace,
    ]
    await promisify(execFile)(
      await installHelm3(),
      ['install', ...chart, '--values', values, '--set', 'service.type=LoadBalancer', '--wait'],
      { env: { HOME: environment.directory, KUBECONFIG: environment.kubeconfig } },
    )
    await environment.overrideAlb({ fixedStatus: 504 })
    const failed = await run({
      ...serviceOnlyInputs,
      'force-conflicts': 'true',
      'on-failure': 'rollback',
      'probe-timeout': '1s',
    })
    expectFailure(failed, 'probe', 'probe-target-timeout')
    expect(await getObject(environment, 'service', 'milvus-demo')).toMatchObject({
      spec: { type: 'LoadBalancer' },
    })
    await environment.overrideAlb({ fixedStatus: undefined })
    expectSuccess(await run({ ...serviceOnlyInputs, 'force-conflicts': 'true' }))
    expect(
      (await environment.helmCalls()).filter((call) => call.includes('--force-conflicts')),
    ).toEqual([])
  },
  { start: 'empty' },
)
