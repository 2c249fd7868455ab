/** Ingresses that share an ALB, and changes of an Ingress that create another ALB. */
import { expect } from '@jest/globals'
import { importCertificate, importOtherCertificate } from './acm-manual-operations.ts'
import { listLoadBalancerNames, setLoadBalancerAttribute } from './alb-manual-operations.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import {
  annotationPrefix,
  buildGroupMember,
  createIngressClass,
} from './ingress-manual-operations.ts'
import {
  annotateObject,
  createObjects,
  getObject,
  type KubernetesObject,
} from './manual-operations.ts'
import { waitUntil } from '../../testing/wait.ts'
import type { Scenario } from './scenario-run.ts'

setDefaultStart('cluster-ip')

const groupInputs = { 'group-name': 'shared' }

const getAddress = async ({ environment }: Scenario, name: string): Promise<unknown> =>
  (
    (await getObject(environment, 'ingress', name))?.['status'] as
      { loadBalancer?: { ingress?: { hostname?: string }[] } } | undefined
  )?.loadBalancer?.ingress?.[0]?.hostname

scenario('a group of two Ingresses shares one ALB, and both get its address', async (scenario) => {
  const { environment, run } = scenario
  const arn = await importOtherCertificate(environment)
  await createObjects(
    environment,
    buildGroupMember(environment, 'a-other', { 'certificate-arn': arn }),
  )
  const first = expectSuccess(await run(groupInputs))
  expect(await listLoadBalancerNames(environment)).toEqual([first.outputs['alb-address']])
  expect(await getAddress(scenario, 'a-other')).toBe(first.outputs['alb-address'])
  expect(await getAddress(scenario, 'milvus-demo')).toBe(first.outputs['alb-address'])
  // The first member of the group sets the default certificate, so it is not drift.
  expectUnchanged(await run(groupInputs))
  // Without the input, an annotation of another field manager keeps the Ingress in its group.
  expectSuccess(await run())
  await annotateObject(environment, 'ingress/milvus-demo', `${annotationPrefix}/group.name=shared`)
  await waitUntil(
    async () => (await getAddress(scenario, 'milvus-demo')) === first.outputs['alb-address'],
  )
  const annotated = await run()
  expectUnchanged(annotated)
  expect(annotated.log).not.toContain('another ALB with a new name')
})

scenario(
  'a group member with conflicting settings is reported before anything is written',
  async (scenario) => {
    const { environment, run, writes } = scenario
    await createObjects(
      environment,
      buildGroupMember(environment, 'other', {
        scheme: 'internal',
        'certificate-arn': 'arn',
        'ssl-policy': 'ELBSecurityPolicy-2016-08',
        'load-balancer-attributes': 'idle_timeout.timeout_seconds=60',
      }),
    )
    const result = await run(groupInputs)
    expectFailure(result, 'preflight', 'ingress-group-conflict')
    expect(writes()).toEqual([])
    expect(getErrorAnnotation(result)).toContain(
      'Ingress other of group shared disagrees with this Ingress, so the controller would reject the group: scheme is internal, not internet-facing; load-balancer-attributes idle_timeout.timeout_seconds is 60, not 600; ssl-policy is ELBSecurityPolicy-2016-08, not ELBSecurityPolicy-TLS13-1-2-2021-06.',
    )
  },
)

scenario(
  'group members by another class, by the class itself and by the legacy annotation are compared',
  async (scenario) => {
    const { environment } = scenario
    const ports = (port: number) => JSON.stringify([{ HTTPS: port }])
    const build = (name: string, annotations: Readonly<Record<string, string>>) =>
      buildGroupMember(environment, name, { 'listen-ports': ports(8443), ...annotations })
    const withSpec = (member: KubernetesObject, spec: object): KubernetesObject => ({
      ...member,
      spec: { ...(member['spec'] as object), ...spec },
    })
    await createIngressClass(environment, 'internal', {
      scheme: 'internal',
      group: { name: 'shared' },
    })
    const legacy = buildGroupMember(environment, 'legacy', { 'shield-advanced-protection': 'true' })
    const annotations = { ...legacy.metadata.annotations, 'kubernetes.io/ingress.class': 'alb' }
    await createObjects(
      environment,
      // The annotation does not count: the class sets the group, and the scheme.
      withSpec(build('by-class', { 'group.name': 'other' }), { ingressClassName: 'internal' }),
      withSpec(
        { ...legacy, metadata: { ...legacy.metadata, annotations } },
        { ingressClassName: undefined },
      ),
      build('unordered', { 'group.order': 'first' }),
      // Not a member: its class is another controller's.
      withSpec(build('nginx', { scheme: 'internal' }), { ingressClassName: 'nginx' }),
    )
    const text = await expectFailureWithoutWrites(
      scenario,
      {
        ...groupInputs,
        annotations: `${annotationPrefix}/shield-advanced-protection: "false"`,
      },
      'ingress-group-conflict',
    )
    expectToContainAll(text, [
      'Ingress by-class of group shared disagrees with this Ingress, so the controller would reject the group: scheme is internal, not internet-facing.',
      'Ingress legacy of group shared disagrees with this Ingress, so the controller would reject the group: shield-advanced-protection is true, not false.',
      'Ingress unordered of group shared has group.order first, which is not an integer from -1000 to 1000, so the controller stops the whole group without an event.',
    ])
    expect(text).not.toContain('nginx')
  },
)

scenario('a group member with the same host is a warning', async (scenario) => {
  const { environment, run } = scenario
  const arn = await importCertificate(environment)
  await createObjects(
    environment,
    buildGroupMember(
      environment,
      'z-other',
      { 'certificate-arn': arn },
      { host: environment.host },
    ),
  )
  expect(expectSuccess(await run(groupInputs)).log).toMatch(
    /^::warning.*Ingress z-other of group shared also serves host milvus.example.com. The first of the two/m,
  )
})

scenario('another Ingress of the group that breaks this one is named', async (scenario) => {
  const { environment, run } = scenario
  const arn = await importCertificate(environment)
  await createObjects(
    environment,
    buildGroupMember(environment, 'other', { 'certificate-arn': arn }, { port: 80 }),
  )
  const result = await run(groupInputs)
  expectFailure(result, 'load-balancer', 'controller-refused')
  expect(getErrorAnnotation(result)).toContain(
    'unable to find port 80 on service milvus/milvus-demo',
  )
  expect(getErrorAnnotation(result)).toContain(
    'The error is about Ingress milvus/other of the same group.',
  )
  await environment.kubectl('delete', 'ingress', 'other', '--wait=false')
  expectSuccess(await run(groupInputs))
})

scenario(
  'a change of scheme replaces the ALB, which is announced first',
  async ({ environment, run }) => {
    const oldAddress = expectSuccess(await run()).outputs['alb-address'] ?? ''
    const result = expectSuccess(await run({ scheme: 'internal' }))
    expect(result.log).toMatch(
      new RegExp(
        `^::warning.*scheme changes from internet-facing to internal: another ALB with a new name replaces ${oldAddress}\\. Point the DNS record of milvus.example.com at the new name`,
        'm',
      ),
    )
    expect(result.outputs['alb-address']).not.toBe(oldAddress)
    expect(await listLoadBalancerNames(environment)).toEqual([result.outputs['alb-address']])
    const second = await run({ scheme: 'internal' })
    expectUnchanged(second)
    expect(second.log).not.toContain('another ALB with a new name')
  },
)

scenario(
  'a change that would replace a protected ALB is rejected before anything is written',
  async (scenario) => {
    const { environment, run } = scenario
    const protection = (value: string) => ({
      annotations: `alb.ingress.kubernetes.io/load-balancer-attributes: deletion_protection.enabled=${value}`,
    })
    expectSuccess(await run(protection('true')))
    await createIngressClass(environment, 'platform', { group: { name: 'shared' } })
    await createIngressClass(environment, 'auto', {}, 'eks.amazonaws.com/alb')
    const replacements = [
      { scheme: 'internal' },
      { 'group-name': 'shared' },
      { 'ingress-class': 'platform' },
      { 'ingress-class': 'auto' },
    ]
    for (const inputs of replacements)
      expect(
        await expectFailureWithoutWrites(scenario, inputs, 'load-balancer-protected'),
      ).toContain('The change of ingress-class, scheme or group-name replaces load balancer k8s-')
    // Protection that was turned on in AWS.
    expectSuccess(await run(protection('false')))
    await setLoadBalancerAttribute(environment, 'deletion_protection.enabled', 'true')
    await expectFailureWithoutWrites(scenario, { scheme: 'internal' }, 'load-balancer-protected')
    await setLoadBalancerAttribute(environment, 'deletion_protection.enabled', 'false')
    expectSuccess(await run({ scheme: 'internal' }))
  },
)
