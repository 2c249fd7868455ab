/**
 * Changes by others to live objects of a release are found before helm reverts them, or stops at
 * them with the Service already changed.
 */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  createAutoscaler,
  getObject,
  patchObject,
  scaleDeployment,
  setDeploymentImage,
  upgradeRelease,
} from './manual-operations.ts'
import { expectFailureWithoutWrites, expectSuccess, scenario, setDefaultStart } from './harness.ts'

setDefaultStart('empty')

/** helm runs only for the Service. */
const serviceOnlyInputs = { values: '' }
const forceInputs = { ...serviceOnlyInputs, 'force-conflicts': 'true' }

/** The image and replicas of a Deployment. */
async function getDeployment(
  environment: TestEnvironment,
  name: string,
): Promise<{ replicas: number; image: string }> {
  const [replicas = '', image = ''] = (
    await environment.kubectl(
      'get',
      'deployment',
      name,
      '-o',
      'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}',
    )
  ).split(' ')
  return { replicas: Number(replicas), image }
}

for (const helm of [4, 3] as const) {
  scenario(
    `helm ${helm}: replicas, an image and a ConfigMap changed by hand are named before any write, and overwritten only with force-conflicts`,
    async (scenario) => {
      const { environment, run } = scenario
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      await upgradeRelease(environment)
      await scaleDeployment(environment, 'milvus-demo-querynode', 5)
      await setDeploymentImage(
        environment,
        'milvus-demo-proxy',
        'proxy',
        'registry.example.com/milvus:patched',
      )
      await patchObject(environment, 'configmap/milvus-demo', {
        data: { 'user.yaml': 'canary-of-a-person' },
      })

      const text = await expectFailureWithoutWrites(scenario, serviceOnlyInputs, 'release-conflict')
      for (const part of [
        helm === 4
          ? 'helm would stop at these fields in the middle of the upgrade'
          : 'the upgrade would undo these changes',
        'Deployment milvus-demo-querynode: .spec.replicas is 5 (set by kubectl) and would become 1',
        'Deployment milvus-demo-proxy: .spec.template.spec.containers[name="proxy"].image is registry.example.com/milvus:patched (set by kubectl-set) and would become milvusdb/milvus:v2.5.16',
        'ConfigMap milvus-demo: .data.user.yaml (set by kubectl-patch)',
      ])
        expect(text).toContain(part)
      expect(text).not.toContain('canary-of-a-person')

      const forcedRun = expectSuccess(await run(forceInputs))
      expect(forcedRun.summary).toContain(
        'Because force-conflicts is true, helm overwrites what others changed in release milvus-demo: ',
      )
      expect(await getDeployment(environment, 'milvus-demo-querynode')).toMatchObject({
        replicas: 1,
      })
      expect(await getDeployment(environment, 'milvus-demo-proxy')).toMatchObject({
        image: 'milvusdb/milvus:v2.5.16',
      })
      expect(
        (await getObject(environment, 'configmap', 'milvus-demo'))?.['data'],
      ).not.toMatchObject({ 'user.yaml': 'canary-of-a-person' })
    },
  )

  scenario(
    `helm ${helm}: replicas set by an autoscaler ${helm === 4 ? 'are a conflict, with the value that leaves them to it' : 'are not a difference'}`,
    async (scenario) => {
      const { environment, run } = scenario
      await environment.useHelm(helm)
      await environment.installMilvus()
      await createAutoscaler(environment, 'milvus-demo-standalone', 2)
      const autoscaledValues = 'standalone: {replicas: -1}'
      if (helm === 4) {
        const text = await expectFailureWithoutWrites(
          scenario,
          serviceOnlyInputs,
          'release-conflict',
        )
        for (const part of [
          '.spec.replicas is 2 (set by kube-controller-manager) and would become 1',
          'set replicas: -1 in values',
        ])
          expect(text).toContain(part)
        expectSuccess(await run({ values: autoscaledValues }))
        expect(await getDeployment(environment, 'milvus-demo-standalone')).toMatchObject({
          replicas: 2,
        })
        return
      }
      // helm 3 does not write an unchanged ConfigMap, and does not need the permission.
      const result = expectSuccess(
        await run(serviceOnlyInputs, { env: await environment.assumeRole('patch configmaps') }),
      )
      expect(result.log).toContain(
        'An autoscaler sets the replicas of Deployment milvus-demo-standalone: helm sets them to 1, and the autoscaler sets them again.',
      )
      expect(result.summary).toContain(
        'Preflight did not check whether others changed configmaps of release milvus-demo: this identity has no patch permission for them.',
      )
    },
  )
}

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
      mode: 'destroy',
      host: '',
      certificate: '',
      'private-key': '',
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

scenario(
  'a Service managed by Terraform or Pulumi is left to it, and an unknown manager is named',
  async (scenario) => {
    const { environment, run } = scenario
    for (const [manager, expectedText] of [
      ['terraform-provider-helm_v2.12.1_x5', 'Terraform (a helm_release'],
      ['pulumi-resource-kubernetes', 'Pulumi (a Release, Chart or Service of a stack'],
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
      for (const part of [
        expectedText,
        'Make the change there (service.type in the values of the',
        'set service: milvus-demo instead of release',
      ])
        expect(text).toContain(part)
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
  { start: 'installed' },
)
