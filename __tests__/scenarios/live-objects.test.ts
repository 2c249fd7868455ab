/** What others changed in the live objects of a release: found before helm undoes it, or stops at it with the Service already changed. */
import { expect } from '@jest/globals'
import type { World } from '../../sandbox/world.ts'
import { autoscale, get, patch, scale, setImage, upgradeByHand } from './hands.ts'
import { expectRefusal, expectSuccess, scenario, scenariosStart } from './harness.ts'

scenariosStart('empty')

/** helm is run for the Service only. */
const noValues = { values: '' }
const takeOver = { ...noValues, 'force-conflicts': 'true' }

/** What a Deployment runs, and how often. */
async function deployment(world: World, name: string): Promise<{ replicas: number; image: string }> {
  const [replicas = '', image = ''] = (await world.kubectl('get', 'deployment', name, '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}')).split(' ')
  return { replicas: Number(replicas), image }
}

for (const helm of [4, 3] as const) {
  scenario(`helm ${helm}: pods, an image and a ConfigMap that people changed are named before any write, and overwritten only with force-conflicts`, async (scenario) => {
    const { world, run } = scenario
    await world.useHelm(helm)
    await world.installMilvus({ mode: 'cluster' })
    await upgradeByHand(world)
    await scale(world, 'milvus-demo-querynode', 5)
    await setImage(world, 'milvus-demo-proxy', 'proxy', 'registry.example.com/milvus:patched')
    await patch(world, 'configmap/milvus-demo', { data: { 'user.yaml': 'canary-of-a-person' } })

    const text = await expectRefusal(scenario, noValues, 'release-conflict')
    for (const part of [
      helm === 4 ? 'helm would stop at them in the middle of the upgrade' : 'the upgrade would undo it',
      'Deployment milvus-demo-querynode: .spec.replicas is 5 (set by kubectl) and would become 1',
      'Deployment milvus-demo-proxy: .spec.template.spec.containers[name="proxy"].image is registry.example.com/milvus:patched (set by kubectl-set) and would become milvusdb/milvus:v2.5.16',
      'ConfigMap milvus-demo: .data.user.yaml (set by kubectl-patch)',
    ]) expect(text).toContain(part)
    expect(text).not.toContain('canary-of-a-person')

    const taken = expectSuccess(await run(takeOver))
    expect(taken.summary).toContain('Because force-conflicts is true, helm overwrites what others changed in release milvus-demo: ')
    expect(await deployment(world, 'milvus-demo-querynode')).toMatchObject({ replicas: 1 })
    expect(await deployment(world, 'milvus-demo-proxy')).toMatchObject({ image: 'milvusdb/milvus:v2.5.16' })
    expect((await get(world, 'configmap', 'milvus-demo'))?.['data']).not.toMatchObject({ 'user.yaml': 'canary-of-a-person' })
  })

  scenario(`helm ${helm}: replicas that an autoscaler sets ${helm === 4 ? 'are a conflict, with the value that leaves them to it' : 'are no difference'}`, async (scenario) => {
    const { world, run } = scenario
    await world.useHelm(helm)
    await world.installMilvus()
    await autoscale(world, 'milvus-demo-standalone', 2)
    const left = 'standalone: {replicas: -1}'
    if (helm === 4) {
      const text = await expectRefusal(scenario, noValues, 'release-conflict')
      for (const part of ['.spec.replicas is 2 (set by kube-controller-manager) and would become 1', 'set replicas: -1 in values']) expect(text).toContain(part)
      expectSuccess(await run({ values: left }))
      expect(await deployment(world, 'milvus-demo-standalone')).toMatchObject({ replicas: 2 })
      return
    }
    // helm 3 writes no ConfigMap that nobody changed, and does without the right to.
    const result = expectSuccess(await run(noValues, { environment: await world.assumeRole('patch configmaps') }))
    expect(result.log).toContain('An autoscaler sets the replicas of Deployment milvus-demo-standalone: helm sets them to 1, and the autoscaler sets them again.')
    expect(result.summary).toContain('Preflight did not check whether others changed configmaps of release milvus-demo: this identity has no patch permission for them.')
  })
}

scenario('destroy with restore-service-type: a Service that was once applied with kubectl is a conflict before anything is removed', async (scenario) => {
  const { world, run } = scenario
  await patch(world, 'service/milvus-demo', { spec: { type: 'ClusterIP', loadBalancerSourceRanges: null } }, 'kubectl-client-side-apply')
  expectSuccess(await run(noValues))
  const restore = { mode: 'destroy', host: '', certificate: '', 'private-key': '', values: '', 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'none' }
  expect(await expectRefusal(scenario, { ...restore, 'restore-load-balancer-class': '' }, 'service-class-lost')).toContain('Others changed objects of release milvus-demo')
  const text = await expectRefusal(scenario, restore, 'release-conflict')
  expect(text).toContain('Service milvus-demo: .spec.type is ClusterIP (set by kubectl-client-side-apply) and would become LoadBalancer')
  expect(await get(world, 'ingress', 'milvus-demo')).toBeDefined()
  expectSuccess(await run({ ...restore, 'force-conflicts': 'true' }))
  expect(await get(world, 'service', 'milvus-demo')).toMatchObject({ spec: { type: 'LoadBalancer' } })
}, { start: 'installed' })

scenario('a Service that Terraform or Pulumi keeps through a program of its own is left to it, and one of an unknown program is named', async (scenario) => {
  const { world, run } = scenario
  for (const [manager, says] of [['terraform-provider-helm_v2.12.1_x5', 'Terraform (a helm_release'], ['pulumi-resource-kubernetes', 'Pulumi (a Release, Chart or Service of a stack']] as const) {
    await patch(world, 'service/milvus-demo', { spec: { sessionAffinity: 'ClientIP' } }, manager)
    const text = await expectRefusal(scenario, noValues, 'release-managed-elsewhere')
    for (const part of [says, 'Make the change there (service.type in the values of the', 'give service: milvus-demo in place of release']) expect(text).toContain(part)
    await patch(world, 'service/milvus-demo', { spec: { sessionAffinity: 'None' } })
  }
  await patch(world, 'service/milvus-demo', { spec: { sessionAffinity: 'ClientIP' } }, 'fleetagent')
  expect(expectSuccess(await run(noValues)).summary).toContain('Fields of Service milvus-demo were set by fleetagent, which this action does not know')
}, { start: 'installed' })
