/** Ingresses that share an ALB, and changes of the Ingress that make another ALB. */
import { expect } from '@jest/globals'
import { create, get, importByHand, loadBalancers, type KubernetesObject } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, scenario, scenariosStart, type Scenario } from './harness.ts'

scenariosStart('cluster-ip')

const prefix = 'alb.ingress.kubernetes.io'
const shared = { 'group-name': 'shared' }

/** Another Ingress of the group, for Milvus' Service as well. */
function member({ world }: Scenario, name: string, annotations: Record<string, string>, { host = 'other.example.com', port = 19530 } = {}): KubernetesObject {
  const all = { 'group.name': 'shared', 'scheme': 'internet-facing', 'backend-protocol-version': 'GRPC', 'target-type': 'ip', 'listen-ports': `[{"HTTPS":${world.listenPort}}]`, ...annotations }
  const rule = { host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'milvus-demo', port: { number: port } } } }] } }
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: world.namespace, annotations: Object.fromEntries(Object.entries(all).map(([key, value]) => [`${prefix}/${key}`, value])) }, spec: { ingressClassName: 'alb', rules: [rule] } }
}

const addressOf = async ({ world }: Scenario, name: string): Promise<unknown> =>
  ((await get(world, 'ingress', name))?.['status'] as { loadBalancer?: { ingress?: { hostname?: string }[] } } | undefined)?.loadBalancer?.ingress?.[0]?.hostname

scenario('a group of two shares one ALB, and each has its address', async (scenario) => {
  const { world, run } = scenario
  const arn = await importByHand(world, await world.authority.issue({ hosts: ['other.example.com'] }))
  await create(world, member(scenario, 'a-other', { 'certificate-arn': arn }))
  const first = expectSuccess(await run(shared))
  expect(await loadBalancers(world)).toEqual([first.outputs['alb-address']])
  expect(await addressOf(scenario, 'a-other')).toBe(first.outputs['alb-address'])
  expect(await addressOf(scenario, 'milvus-demo')).toBe(first.outputs['alb-address'])
  // The default certificate is that of the other one, which comes first: no change by hand.
  expectUnchanged(await run(shared))
})

scenario('a member of the group that disagrees is refused before anything is written', async (scenario) => {
  const { world, run, writes } = scenario
  await create(world, member(scenario, 'other', { 'scheme': 'internal', 'certificate-arn': 'arn', 'ssl-policy': 'ELBSecurityPolicy-2016-08', 'load-balancer-attributes': 'idle_timeout.timeout_seconds=60' }))
  const result = await run(shared)
  expectFailure(result, 'preflight', 'ingress-group-conflict')
  expect(writes()).toEqual([])
  expect(annotation(result)).toContain('Ingress other of group shared says otherwise than this one will, and the controller refuses a group that disagrees: scheme is internal, not internet-facing; load-balancer-attributes idle_timeout.timeout_seconds is 60, not 600; ssl-policy is ELBSecurityPolicy-2016-08, not ELBSecurityPolicy-TLS13-1-2-2021-06.')
})

scenario('a member of the group with the same host is a warning', async (scenario) => {
  const { world, run } = scenario
  const arn = await importByHand(world)
  await create(world, member(scenario, 'z-other', { 'certificate-arn': arn }, { host: world.host }))
  expect(expectSuccess(await run(shared)).log).toMatch(/^::warning.*Ingress z-other of group shared has host milvus.example.com too: the one that comes first/m)
})

scenario('another Ingress of the group that spoils ours is named', async (scenario) => {
  const { world, run } = scenario
  const arn = await importByHand(world)
  await create(world, member(scenario, 'other', { 'certificate-arn': arn }, { port: 80 }))
  const result = await run(shared)
  expectFailure(result, 'load-balancer', 'controller-refused')
  expect(annotation(result)).toContain('unable to find port 80 on service milvus/milvus-demo')
  expect(annotation(result)).toContain('This is about Ingress milvus/other of the same group, not about ours')
  await world.kubectl('delete', 'ingress', 'other', '--wait=false')
  expectSuccess(await run(shared))
})

scenario('another scheme is another ALB, which is said before it is made', async ({ world, run }) => {
  const before = expectSuccess(await run()).outputs['alb-address'] ?? ''
  const result = expectSuccess(await run({ scheme: 'internal' }))
  expect(result.log).toMatch(new RegExp(`^::warning.*scheme changes from internet-facing to internal: that is another ALB with a new name in place of ${before}\\. Point the DNS record of milvus.example.com at the new name`, 'm'))
  expect(result.outputs['alb-address']).not.toBe(before)
  expect(await loadBalancers(world)).toEqual([result.outputs['alb-address']])
  const second = await run({ scheme: 'internal' })
  expectUnchanged(second)
  expect(second.log).not.toContain('another ALB with a new name')
})

scenario('a name for an ALB that is there does nothing, and an old class annotation wins: both are said', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('annotate', 'ingress', 'milvus-demo', 'kubernetes.io/ingress.class=alb')
  const result = expectSuccess(await run({ 'load-balancer-name': 'vectors' }))
  expect(changed(result)).toEqual(['ingress load-balancer-name'])
  expect(result.log).toMatch(/^::warning.*load-balancer-name vectors does nothing to the ALB that is there \(k8s-/m)
  expect(result.log).toMatch(/^::warning.*kubernetes.io\/ingress.class: alb, which wins over ingress-class/m)
})
