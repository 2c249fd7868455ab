/** Mode destroy: what this action made goes, and nothing else. */
import { expect } from '@jest/globals'
import { neededToDestroy } from '../../sandbox/permission-table.ts'
import { setAttribute } from './alb-by-hand.ts'
import { applyGuide, certificates, create, get, importByHand, loadBalancers, untag, type KubernetesObject } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, scenario, type Scenario } from './harness.ts'

/** Only what a removal needs: no host, no certificate. */
const destroy = { mode: 'destroy', host: '', certificate: '', 'private-key': '', 'certificate-chain': '' }
const prefix = 'alb.ingress.kubernetes.io'

const arns = async ({ world }: Pick<Scenario, 'world'>): Promise<string[]> => (await certificates(world)).map(({ arn }) => arn)

/** Another Ingress of group shared. */
function member({ world }: Scenario, name: string, certificateArn: string, group = 'shared'): KubernetesObject {
  const annotations = { 'group.name': group, 'scheme': 'internet-facing', 'backend-protocol-version': 'GRPC', 'target-type': 'ip', 'listen-ports': `[{"HTTPS":${world.listenPort}}]`, 'certificate-arn': certificateArn }
  const rule = { host: 'other.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'milvus-demo', port: { number: 19530 } } } }] } }
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: world.namespace, annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}/${key}`, value])) }, spec: { ingressClassName: 'alb', rules: [rule] } }
}

scenario('destroy removes the Ingress, its ALB and its certificate, and leaves all else; again it changes nothing', async ({ world, run, writes }) => {
  const other = await importByHand(world, await world.authority.issue({ hosts: ['other.example.com'] }))
  const { outputs } = expectSuccess(await run())
  const [services, releases] = [await world.kubectl('get', 'services', '-o', 'name'), await world.helm('list', '--short')]
  const result = expectSuccess(await run(destroy))
  expect(changed(result)).toEqual(['ingress load balancer', 'certificate certificate'])
  expect(writes()).toEqual([`kubernetes DELETE /apis/networking.k8s.io/v1/namespaces/${world.namespace}/ingresses/milvus-demo`, 'acm DeleteCertificate'])
  expect(result.log).toMatch(/^::group::✓ ingress: milvus-demo is gone, and load balancer k8s-\S+ with it/m)
  expect(result.summary).toMatch(/^## ✅ Removed: Ingress milvus\/milvus-demo, ACM certificate arn:/)
  expect(result.summary).not.toContain('pymilvus')
  expect(await get(world, 'ingress', 'milvus-demo')).toBeUndefined()
  expect(await loadBalancers(world)).toEqual([])
  expect(await arns({ world })).toEqual([other])
  expect(outputs['certificate-arn']).not.toBe(other)
  expect([await world.kubectl('get', 'services', '-o', 'name'), await world.helm('list', '--short')]).toEqual([services, releases])

  const again = await run(destroy)
  expectUnchanged(again)
  expect(again.summary).toContain('Nothing was left to remove')
  expect(writes()).toEqual([])
  expectSuccess(await run())
})

scenario('an Ingress that somebody else made is not removed, and its owner is named', async ({ world, run, writes }) => {
  await applyGuide(world, await importByHand(world))
  const result = expectFailure(await run(destroy), 'preflight', 'ingress-not-ours')
  expect(annotation(result)).toContain('Ingress milvus-demo was not made by this action, and is not removed: it belongs to kubectl-client-side-apply.')
  expect(writes()).toEqual([])
})

scenario('a certificate without our tag stays, and is named', async ({ world, run }) => {
  const { outputs } = expectSuccess(await run())
  const arn = outputs['certificate-arn'] ?? ''
  await untag(world, arn)
  const result = expectSuccess(await run(destroy))
  expect(changed(result)).toEqual(['ingress load balancer'])
  expect(result.summary).toContain('was not made by this action for it, and stays')
  expect(await arns({ world })).toEqual([arn])
})

scenario('of a group the ALB stays for the other member, and so does a certificate that it names', async (scenario) => {
  const { world, run } = scenario
  const { outputs } = expectSuccess(await run({ 'group-name': 'shared' }))
  const arn = outputs['certificate-arn'] ?? ''
  await create(world, member(scenario, 'z-other', arn))
  await world.kubectl('wait', '--for=jsonpath={.status.loadBalancer.ingress}', 'ingress/z-other', '--timeout=30s')
  const result = expectSuccess(await run(destroy))
  expect(changed(result)).toEqual(['ingress load balancer'])
  expect(result.log).toMatch(/Load balancer k8s-shared-\S+ stays, because group shared has other members: Ingress z-other\./)
  expect(result.log).toContain(`ACM certificate ${arn} was made by this action and stays: Ingress z-other uses it.`)
  expect(await loadBalancers(world)).toEqual([outputs['alb-address']])

  // When nothing names it any more, it goes: also without the Ingress it is known by its tag.
  await world.kubectl('delete', 'ingress', 'z-other')
  expect(changed(expectSuccess(await run(destroy)))).toEqual(['certificate certificate'])
  expect(await arns({ world })).toEqual([])
})

scenario('ACM says for a while that a certificate is in use; and when it goes on, the next run deletes it', async ({ world, run }) => {
  expectSuccess(await run())
  const inUse = { part: 'acm', operation: 'DeleteCertificate', error: { status: 400, code: 'ResourceInUseException', message: 'The certificate is in use.' } } as const
  const mend = world.traffic.inject(inUse)
  const result = expectFailure(await run({ ...destroy, 'load-balancer-timeout': '2s' }), 'certificate', 'certificate-in-use')
  expect(annotation(result)).toContain('run the job again in half an hour')
  expect(await get(world, 'ingress', 'milvus-demo')).toBeUndefined()
  mend()
  world.traffic.inject({ ...inUse, times: 2 })
  expect(changed(expectSuccess(await run(destroy)))).toEqual(['certificate certificate'])
  expect(await arns({ world })).toEqual([])
})

scenario('deletion protection is refused before anything is deleted, by the annotation and by ELB', async ({ world, run, writes }) => {
  const attributes = (value: string) => ({ annotations: JSON.stringify({ [`${prefix}/load-balancer-attributes`]: `deletion_protection.enabled=${value}` }) })
  expectSuccess(await run(attributes('true')))
  expect(annotation(expectFailure(await run(destroy), 'preflight', 'load-balancer-protected'))).toContain('Run mode: deploy once with deletion_protection.enabled=false')
  expectSuccess(await run(attributes('false')))
  await setAttribute(world, 'deletion_protection.enabled', 'true')
  const result = expectFailure(await run(destroy), 'preflight', 'load-balancer-protected')
  expect(annotation(result)).toMatch(/aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:\S+ --attributes/)
  expect(writes()).toEqual([])
  await setAttribute(world, 'deletion_protection.enabled', 'false')
  expectSuccess(await run(destroy))
})

scenario('a finalizer that nobody takes off: what holds the Ingress is said, and the next run waits on', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('patch', 'ingress', 'milvus-demo', '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/metadata/finalizers/-', value: 'example.com/hold' }]))
  const result = expectFailure(await run({ ...destroy, 'load-balancer-timeout': '2s' }), 'ingress', 'ingress-not-deleted')
  expect(annotation(result)).toMatch(/within 2 s: finalizer example\.com\/hold holds Ingress milvus-demo; load balancer k8s-\S+ is gone\./)
  expect(annotation(result)).toContain("Make what put example.com/hold on the Ingress do its work")
  const again = expectFailure(await run({ ...destroy, 'load-balancer-timeout': '1s' }), 'ingress', 'ingress-not-deleted')
  expect(changed(again)).toEqual([])
  await world.kubectl('patch', 'ingress', 'milvus-demo', '--type=json', '-p', JSON.stringify([{ op: 'remove', path: '/metadata/finalizers' }]))
  expect(changed(expectSuccess(await run(destroy)))).toEqual(['certificate certificate'])
})

scenario('a controller that does nothing: the wait says what is still there', async ({ world, run }) => {
  expectSuccess(await run())
  world.controller.options.silent = true
  const result = expectFailure(await run({ ...destroy, 'load-balancer-timeout': '2s' }), 'ingress', 'ingress-not-deleted')
  expect(annotation(result)).toMatch(/finalizer ingress\.k8s\.aws\/resources holds Ingress milvus-demo; load balancer k8s-\S+ is active\./)
  expect(annotation(result)).toContain("Mend what the controller's log says")
  world.controller.options.silent = false
  expectSuccess(await run(destroy))
}, { steersController: true })

scenario('killed when the Ingress was deleted: the next run removes the rest', async ({ world, run }) => {
  expectSuccess(await run())
  const deleting = world.traffic.next(({ operation }) => /^DELETE .*\/ingresses\/milvus-demo$/.test(operation))
  // main is killed, so that only post and the next run can clean up.
  await run(destroy, { onStart: (child) => void deleting.then(() => child.kill('SIGINT')) })
  expectSuccess(await run(destroy))
  expect(await loadBalancers(world)).toEqual([])
  expect(await arns({ world })).toEqual([])
})

scenario('each permission of mode destroy is taken away in turn, and the run says which', async ({ world, run }) => {
  expectSuccess(await run())
  for (const { permission, step, code } of neededToDestroy) {
    const { outputs, log } = await run(destroy, { environment: await world.assumeRole(permission) })
    expect({ permission, step: outputs['failed-step'], code: outputs['failure-code'], log: outputs['failure-code'] === code ? '' : log }).toEqual({ permission, step, code, log: '' })
  }
  expectSuccess(await run(destroy, { environment: await world.assumeRole() }))
  expect(await arns({ world })).toEqual([])
})
