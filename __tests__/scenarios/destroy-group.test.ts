/** Mode destroy with an ALB that other Ingresses of the group use. */
import { expect } from '@jest/globals'
import { listCertificateArns } from './acm-manual-operations.ts'
import { listLoadBalancerNames } from './alb-manual-operations.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { buildGroupMember } from './ingress-manual-operations.ts'
import { createObjects } from './manual-operations.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('deployed')

scenario(
  'the ALB of a group is kept for its other member, with a certificate that it uses',
  async (scenario) => {
    const { environment, run } = scenario
    const { outputs } = expectSuccess(await run({ 'group-name': 'shared' }))
    const arn = outputs['certificate-arn'] ?? ''
    await createObjects(
      environment,
      buildGroupMember(environment, 'z-other', { 'certificate-arn': arn }),
    )
    await environment.kubectl(
      'wait',
      '--for=jsonpath={.status.loadBalancer.ingress}',
      'ingress/z-other',
      '--timeout=30s',
    )
    const result = expectSuccess(await run(destroyInputs))
    expect(listChanges(result)).toEqual(['ingress load balancer'])
    expect(result.log).toMatch(
      /Load balancer k8s-shared-\S+ is kept, because group shared has other members: Ingress z-other\./,
    )
    expect(result.log).toContain(
      `ACM certificate ${arn} of this target is kept, because it is still used by Ingress z-other.`,
    )
    expect(await listLoadBalancerNames(environment)).toEqual([outputs['alb-address']])

    // It is deleted when nothing uses it any more. Without the Ingress, its tag identifies it.
    await environment.kubectl('delete', 'ingress', 'z-other')
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
    expect(await listCertificateArns(environment)).toEqual([])
  },
)

scenario(
  'with group members in another namespace, the ALB and the certificate it needs are kept',
  async (scenario) => {
    const { environment, run } = scenario
    const { outputs } = expectSuccess(await run({ 'group-name': 'shared' }))
    const arn = outputs['certificate-arn'] ?? ''
    await environment.kubectl('create', 'namespace', 'elsewhere')
    const groupMember = buildGroupMember(environment, 'z-other', { 'certificate-arn': arn })
    const metadata = { ...groupMember.metadata, namespace: 'elsewhere' }
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'milvus-demo', namespace: 'elsewhere' },
      spec: { selector: { app: 'other' }, ports: [{ port: 19530 }] },
    }
    await createObjects(environment, service, { ...groupMember, metadata })
    await environment.kubectl(
      'wait',
      '--for=jsonpath={.status.loadBalancer.ingress}',
      '--namespace',
      'elsewhere',
      'ingress/z-other',
      '--timeout=30s',
    )
    const first = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '15s' }),
      'certificate',
      'certificate-in-use',
    )
    expect(first.log).toMatch(
      /Load balancer k8s-shared-\S+ is kept, because group shared has other members: Ingresses of other namespaces\./,
    )
    expect(getErrorAnnotation(first)).toMatch(
      /according to ACM it is still used by app\/k8s-shared-\S+/,
    )
    const second = await run(destroyInputs)
    expectUnchanged(second)
    expect(second.summary).toContain(
      'of this target is kept, because it is still used by app/k8s-shared-',
    )
    expect(await listCertificateArns(environment)).toEqual([arn])
    expect(await listLoadBalancerNames(environment)).toEqual([outputs['alb-address']])
  },
)
