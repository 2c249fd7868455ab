/** The class of the Service's own load balancer, which Kubernetes drops with the type. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  listChanges,
} from './expectations.ts'
import { labScenario, simulatorScenario } from './harness.ts'
import { destroyInputs, shortProbe } from './run-inputs.ts'

const nlbClass = 'service.k8s.aws/nlb'

const restoreInputs = {
  ...destroyInputs,
  'restore-service-type': 'LoadBalancer',
}

interface LiveService {
  readonly metadata: { readonly managedFields?: readonly { readonly manager?: string }[] }
  readonly spec: { readonly type: string; readonly loadBalancerClass?: string }
  readonly status: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly hostname: string }[] }
  }
}

/** The Service, and whether the action owns fields of it. */
async function getService(environment: TestEnvironment): Promise<{
  type: string
  loadBalancerClass: string | undefined
  address: string
  isOwned: boolean
}> {
  const { metadata, spec, status } = JSON.parse(
    await environment.kubectl(
      'get',
      'service',
      'milvus-demo',
      '-o',
      'json',
      '--show-managed-fields',
    ),
  ) as LiveService
  const isOwned =
    metadata.managedFields?.some(({ manager }) => manager === 'milvus-alb-action') ?? false
  return {
    type: spec.type,
    loadBalancerClass: spec.loadBalancerClass,
    address: status.loadBalancer?.ingress?.[0]?.hostname ?? '',
    isOwned,
  }
}

for (const helm of [4, 3] as const) {
  simulatorScenario(
    `Helm ${helm}: a Service that loses its class with its type: announced, restored by rollback and destroy, rejected without consent`,
    "the lab's cluster has no webhook of the controller for Services",
    async (scenario) => {
      const { environment, run } = scenario
      await environment.useHelm(helm)
      expect(await getService(environment)).toMatchObject({
        type: 'LoadBalancer',
        loadBalancerClass: nlbClass,
        isOwned: false,
      })

      await environment.overrideAlb({ fixedStatus: 502 })
      const failedRun = expectFailure(
        await run({ 'on-failure': 'rollback', ...shortProbe }),
        'probe',
        'probe-target-failed',
      )
      const expectedWarning = `It is an internal Network Load Balancer of the AWS Load Balancer Controller, selected by spec.loadBalancerClass ${nlbClass}, which Kubernetes drops with the type: changed back to LoadBalancer by hand, the Service would get an internet-facing Classic Load Balancer of the cloud provider.`
      expect(failedRun.summary).toContain(expectedWarning)
      expect(failedRun.log).toContain(
        'is restored with a new load balancer under a new name (an internal Network Load Balancer of the AWS Load Balancer Controller)',
      )
      expect(listChanges(failedRun)).toEqual(
        expect.arrayContaining(['release spec.loadBalancerClass', 'release revision']),
      )
      expect(await getService(environment)).toMatchObject({
        type: 'LoadBalancer',
        loadBalancerClass: nlbClass,
        isOwned: false,
      })
      await environment.overrideAlb({ fixedStatus: undefined })

      expectSuccess(await run())
      expect(await getService(environment)).toMatchObject({
        type: 'ClusterIP',
        loadBalancerClass: undefined,
        address: '',
      })

      const text = await expectFailureWithoutWrites(scenario, restoreInputs, 'service-class-lost')
      expectToContainAll(text, [
        'Service milvus-demo would get an internet-facing Classic Load Balancer of the cloud provider',
        `restore-load-balancer-class to its former class (${nlbClass} of the AWS Load Balancer Controller`,
      ])

      const restoredRun = expectSuccess(
        await run({ ...restoreInputs, 'restore-load-balancer-class': nlbClass }),
      )
      expect(listChanges(restoredRun)).toEqual([
        'ingress load balancer',
        'release spec.loadBalancerClass',
        'release service.type',
        'certificate certificate',
      ])
      expect(restoredRun.summary).toContain(
        'Service milvus-demo gets an internal Network Load Balancer of the AWS Load Balancer Controller.',
      )
      expect(await getService(environment)).toMatchObject({
        type: 'LoadBalancer',
        loadBalancerClass: nlbClass,
        isOwned: false,
      })
      expect((await getService(environment)).address).toMatch(/^k8s-milvus-milvusde-/)

      // The state after a run that was killed between its two writes: Helm meets no conflict when
      // the type changes again.
      environment.kubernetes.apply(
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'milvus-demo', namespace: environment.namespace },
          spec: { type: 'LoadBalancer', loadBalancerClass: nlbClass },
        },
        'milvus-alb-action',
        true,
      )
      expect(await getService(environment)).toMatchObject({ isOwned: true })
      expectSuccess(await run())
      expect(await getService(environment)).toMatchObject({ type: 'ClusterIP', isOwned: false })
      const withoutClassRun = expectSuccess(
        await run({ ...restoreInputs, 'restore-load-balancer-class': 'none' }),
      )
      expect(withoutClassRun.summary).toContain(
        'Service milvus-demo gets an internet-facing Classic Load Balancer of the cloud provider.',
      )
      expect(await getService(environment)).toMatchObject({
        type: 'LoadBalancer',
        loadBalancerClass: undefined,
      })
    },
  )

  labScenario(
    `Helm ${helm}: a real API server sets and drops the class with the type`,
    'the simulator covers it with the webhook',
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus()
      expectSuccess(await run())
      expectSuccess(await run({ ...restoreInputs, 'restore-load-balancer-class': nlbClass }))
      expect(await getService(environment)).toMatchObject({
        type: 'LoadBalancer',
        loadBalancerClass: nlbClass,
        isOwned: false,
      })
      expectSuccess(await run())
      expect(await getService(environment)).toMatchObject({
        type: 'ClusterIP',
        loadBalancerClass: undefined,
        isOwned: false,
      })
    },
    { start: 'empty' },
  )
}
