/**
 * Changes by others to live objects of a release are found before Helm reverts them, or stops at
 * them with the Service already changed.
 */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import { expectFailureWithoutWrites, expectSuccess, expectToContainAll } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { upgradeRelease } from './helm-manual-operations.ts'
import {
  createAutoscaler,
  getObject,
  patchObject,
  scaleDeployment,
  setDeploymentImage,
} from './manual-operations.ts'
import { serviceOnlyInputs } from './run-inputs.ts'

setDefaultStart('empty')

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
    `Helm ${helm}: replicas, an image and a ConfigMap changed by hand are named before any write, and overwritten only with force-conflicts`,
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
      expectToContainAll(text, [
        helm === 4
          ? 'Helm would stop at these fields in the middle of the upgrade'
          : 'the upgrade would undo these changes',
        'Deployment milvus-demo-querynode: .spec.replicas is 5 (set by kubectl) and would become 1',
        'Deployment milvus-demo-proxy: .spec.template.spec.containers[name="proxy"].image is registry.example.com/milvus:patched (set by kubectl-set) and would become milvusdb/milvus:v2.5.16',
        'ConfigMap milvus-demo: .data.user.yaml (set by kubectl-patch)',
      ])
      expect(text).not.toContain('canary-of-a-person')

      const forcedRun = expectSuccess(await run(forceInputs))
      expect(forcedRun.summary).toContain(
        'Because force-conflicts is true, Helm overwrites what others changed in release milvus-demo: ',
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
    `Helm ${helm}: replicas set by an autoscaler ${helm === 4 ? 'are a conflict, with the value that leaves them to it' : 'are not a difference'}`,
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
        expectToContainAll(text, [
          '.spec.replicas is 2 (set by kube-controller-manager) and would become 1',
          'set replicas: -1 in values',
        ])
        expectSuccess(await run({ values: autoscaledValues }))
        expect(await getDeployment(environment, 'milvus-demo-standalone')).toMatchObject({
          replicas: 2,
        })
        return
      }
      // Helm 3 does not write an unchanged ConfigMap, and does not need the permission.
      const result = expectSuccess(
        await run(serviceOnlyInputs, { env: await environment.assumeRole('patch configmaps') }),
      )
      expect(result.log).toContain(
        'An autoscaler sets the replicas of Deployment milvus-demo-standalone: Helm sets them to 1, and the autoscaler sets them again.',
      )
      expect(result.summary).toContain(
        'Preflight did not check whether others changed configmaps of release milvus-demo: this identity has no patch permission for them.',
      )
    },
  )
}
