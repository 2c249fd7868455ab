/** The class of the Service's own load balancer, which Kubernetes drops with the type. */
import { expect } from '@jest/globals'
import type { World } from '../../sandbox/world.ts'
import { changed, expectFailure, expectRefusal, expectSuccess, labScenario, sandboxScenario } from './harness.ts'

const nlb = 'service.k8s.aws/nlb'
const restore = { mode: 'destroy', host: '', certificate: '', 'private-key': '', 'restore-service-type': 'LoadBalancer' }

interface LiveService {
  readonly metadata: { readonly managedFields?: readonly { readonly manager?: string }[] }
  readonly spec: { readonly type: string; readonly loadBalancerClass?: string }
  readonly status: { readonly loadBalancer?: { readonly ingress?: readonly { readonly hostname: string }[] } }
}

/** The Service, and whether fields of it belong to the action. */
async function service(world: World): Promise<{ type: string; loadBalancerClass: string | undefined; address: string; isHeld: boolean }> {
  const { metadata, spec, status } = JSON.parse(await world.kubectl('get', 'service', 'milvus-demo', '-o', 'json', '--show-managed-fields')) as LiveService
  const isHeld = metadata.managedFields?.some(({ manager }) => manager === 'milvus-alb-action') ?? false
  return { type: spec.type, loadBalancerClass: spec.loadBalancerClass, address: status.loadBalancer?.ingress?.[0]?.hostname ?? '', isHeld }
}

for (const helm of [4, 3] as const) {
  sandboxScenario("the lab's cluster has no webhook of the controller for Services", `helm ${helm}: a Service whose class is dropped with its type: said before, set again by a rollback and by destroy, and refused without consent`, async (scenario) => {
    const { world, run } = scenario
    await world.useHelm(helm)
    expect(await service(world)).toMatchObject({ type: 'LoadBalancer', loadBalancerClass: nlb, isHeld: false })

    await world.overrideAlb({ respond: 502 })
    const failed = expectFailure(await run({ 'on-failure': 'rollback', 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
    const said = `It is an internal Network Load Balancer of the AWS Load Balancer Controller, by spec.loadBalancerClass ${nlb}, which Kubernetes drops with the type: made LoadBalancer again by hand, the Service would get an internet-facing Classic Load Balancer of the cloud provider.`
    expect(failed.summary).toContain(said)
    expect(failed.log).toContain('comes back with a new load balancer under a new name (an internal Network Load Balancer of the AWS Load Balancer Controller)')
    expect(changed(failed)).toEqual(expect.arrayContaining(['release spec.loadBalancerClass', 'release revision']))
    expect(await service(world)).toMatchObject({ type: 'LoadBalancer', loadBalancerClass: nlb, isHeld: false })
    await world.overrideAlb({ respond: undefined })

    expectSuccess(await run())
    expect(await service(world)).toMatchObject({ type: 'ClusterIP', loadBalancerClass: undefined, address: '' })

    const text = await expectRefusal(scenario, restore, 'service-class-lost')
    for (const part of ['Service milvus-demo would get an internet-facing Classic Load Balancer of the cloud provider', `restore-load-balancer-class to the class that it had (${nlb} of the AWS Load Balancer Controller`]) expect(text).toContain(part)

    const restored = expectSuccess(await run({ ...restore, 'restore-load-balancer-class': nlb }))
    expect(changed(restored)).toEqual(['ingress load balancer', 'release spec.loadBalancerClass', 'release service.type', 'certificate certificate'])
    expect(restored.summary).toContain('Service milvus-demo gets an internal Network Load Balancer of the AWS Load Balancer Controller.')
    expect(await service(world)).toMatchObject({ type: 'LoadBalancer', loadBalancerClass: nlb, isHeld: false })
    expect((await service(world)).address).toMatch(/^k8s-milvus-milvusde-/)

    // As a run leaves it that was killed between its two writes: helm meets no conflict when the type changes again.
    world.kubernetes.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'milvus-demo', namespace: world.namespace }, spec: { type: 'LoadBalancer', loadBalancerClass: nlb } }, 'milvus-alb-action', true)
    expect(await service(world)).toMatchObject({ isHeld: true })
    expectSuccess(await run())
    expect(await service(world)).toMatchObject({ type: 'ClusterIP', isHeld: false })
    const classless = expectSuccess(await run({ ...restore, 'restore-load-balancer-class': 'none' }))
    expect(classless.summary).toContain('Service milvus-demo gets an internet-facing Classic Load Balancer of the cloud provider.')
    expect(await service(world)).toMatchObject({ type: 'LoadBalancer', loadBalancerClass: undefined })
  })

  labScenario('the sandbox plays it with the webhook', `helm ${helm}: a real API server takes the class with the type, and drops it with the type`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus()
    expectSuccess(await run())
    expectSuccess(await run({ ...restore, 'restore-load-balancer-class': nlb }))
    expect(await service(world)).toMatchObject({ type: 'LoadBalancer', loadBalancerClass: nlb, isHeld: false })
    expectSuccess(await run())
    expect(await service(world)).toMatchObject({ type: 'ClusterIP', loadBalancerClass: undefined, isHeld: false })
  }, { start: 'empty' })
}
