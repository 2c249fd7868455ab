/** A failed probe reports the targets of the ALB. */
import { expect } from '@jest/globals'
import { expectFailure, expectSuccess, expectWarnings, getErrorAnnotation } from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { createObjects } from './manual-operations.ts'
import { waitUntil } from '../../testing/wait.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

scenario(
  "a failed probe names the targets and the controller's events about their binding",
  async ({ environment, run }) => {
    expectSuccess(await run())
    await environment.overrideAlb({ fixedStatus: 504 })
    const unboundRun = await run(shortProbe)
    expectFailure(unboundRun, 'probe', 'probe-target-timeout')
    expect(getErrorAnnotation(unboundRun)).toMatch(/1 target: [\d.]+:19530 healthy\./)

    const {
      items: [binding],
    } = JSON.parse(await environment.kubectl('get', 'targetgroupbindings', '-o', 'json')) as {
      items: { metadata: { name: string; uid: string } }[]
    }
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const message =
      'expected exactly one securityGroup tagged with kubernetes.io/cluster/production for eni eni-1, got: [sg-1 sg-2] (clusterName: production)'
    await createObjects(environment, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'binding.1', namespace: environment.namespace },
      type: 'Warning',
      reason: 'FailedNetworkReconcile',
      message,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      involvedObject: {
        apiVersion: 'elbv2.k8s.aws/v1beta1',
        kind: 'TargetGroupBinding',
        namespace: environment.namespace,
        name: binding?.metadata.name,
        uid: binding?.metadata.uid,
      },
      source: { component: 'targetGroupBinding' },
      reportingComponent: 'targetGroupBinding',
      reportingInstance: '',
    })
    const errorAnnotation = getErrorAnnotation(await run(shortProbe))
    expect(errorAnnotation).toContain(
      `reports for TargetGroupBinding ${binding?.metadata.name ?? ''}: FailedNetworkReconcile: ${message}.`,
    )
    expect(errorAnnotation).toContain('on one security group only')
  },
)

scenario(
  'a Service without pods: the probe reports that no target is registered',
  async ({ environment, run }) => {
    await createObjects(environment, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'without-pods' },
      spec: { selector: { app: 'absent' }, ports: [{ name: 'milvus', port: 19530 }] },
    })
    const result = await run({ ...shortProbe, service: 'without-pods' })
    expectFailure(result, 'probe', 'probe-no-targets')
    expect(getErrorAnnotation(result)).toContain('No target is registered in the target group.')
  },
)

simulatorScenario(
  'unhealthy targets are named with the reason and what to do',
  "moto's targets are always healthy",
  async ({ environment, run }) => {
    expectSuccess(await run({ 'security-groups': environment.securityGroup }))
    for (const { targets } of environment.awsState.targetGroups.values())
      for (const target of targets) target.unhealthyReason = 'Target.Timeout'
    await environment.overrideAlb({ fixedStatus: 504 })
    const text = getErrorAnnotation(
      await run({ ...shortProbe, 'security-groups': environment.securityGroup }),
    )
    expect(text).toMatch(
      /1 target: [\d.]+:19530 unhealthy \(Target\.Timeout: Request timed out\)\./,
    )
    expect(text).toContain(
      'add alb.ingress.kubernetes.io/manage-backend-security-group-rules: "true" to annotations',
    )
  },
)

simulatorScenario(
  'an unhealthy target beside a healthy one is a warning of a deployment too, and one in its first health checks is awaited',
  "moto's targets are always healthy",
  async ({ environment, run }) => {
    await environment.kubectl('scale', 'deployment', 'milvus-demo-standalone', '--replicas=2')
    const first = await waitUntil(() => {
      const groups = [...environment.awsState.targetGroups.values()]
      const targets = groups.flatMap((group) => group.targets)
      return targets.length === 2 && targets[0]
    })
    first.unhealthyReason = 'Target.Timeout'
    const result = expectSuccess(await run())
    expectWarnings(result, ['unhealthy (Target.Timeout: Request timed out); '])
    expect(result.summary).toContain('1 of 1 address, 1 of 2 targets, 20 of 20 calls')
    delete first.unhealthyReason
    first.healthyAt = Date.now() + 2_000
    expect(expectSuccess(await run()).summary).toContain('2 of 2 targets, 20 of 20 calls')
  },
)
