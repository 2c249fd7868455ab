/** Mode destroy: what this action made goes, and nothing else. */
import { expect } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { neededToDestroy } from '../../sandbox/permission-table.ts'
import { setAttribute } from './alb-by-hand.ts'
import { applyGuide, certificates, create, get, importByHand, letLeaseRunOut, loadBalancers, untag, type KubernetesObject, takenAway } from './hands.ts'
import { annotation, changed, expectFailure, expectRefusal, expectSuccess, expectUnchanged, scenario, scenariosStart, type Scenario } from './harness.ts'

scenariosStart('deployed')

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
  expect(result.summary).toMatch(/^## ✅ Removed: Ingress milvus\/milvus-demo, ACM certificate$/m)
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
}, { start: 'cluster-ip' })

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
  const result = expectFailure(await run({ ...destroy, 'load-balancer-timeout': '15s' }), 'certificate', 'certificate-in-use')
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

scenario('killed at each of its writes, and cancelled in the wait: the next run removes the rest', async ({ world, run }) => {
  expectSuccess(await run())
  world.controller.options.silent = true
  const deleting = world.traffic.next(({ operation }) => /^DELETE .*\/ingresses\/milvus-demo$/.test(operation))
  // Main is killed: nobody but post and the next run can clean up.
  await act(world, destroy, { onStart: (child) => void deleting.then(() => child.kill('SIGKILL')) })
  await letLeaseRunOut(world)
  // With its Lease it has looked, and what it asks ELB from then on is of the wait.
  const taken = world.traffic.next(({ operation, client }) => client.startsWith('milvus-alb-action') && /^PUT .*\/leases\//.test(operation))
  const waiting = taken.then(() => world.traffic.next(({ operation }) => operation === 'DescribeLoadBalancers'))
  const result = expectFailure(await run(destroy, { onStart: (child) => void waiting.then(() => child.kill('SIGINT')) }), 'ingress', 'cancelled')
  expect(result.summary).toContain('Cancelled in ingress')
  world.controller.options.silent = false
  const going = world.traffic.next(({ operation }) => operation === 'DeleteCertificate')
  await act(world, destroy, { onStart: (child) => void going.then(() => child.kill('SIGKILL')) })
  await letLeaseRunOut(world)
  expectSuccess(await run(destroy))
  expect(await loadBalancers(world)).toEqual([])
  expect(await arns({ world })).toEqual([])
}, { steersController: true })

scenario('an Ingress that was made anew under the same name while this run looked is not removed', async ({ world, run }) => {
  expectSuccess(await run())
  const path = `/apis/networking.k8s.io/v1/namespaces/${world.namespace}/ingresses/milvus-demo`
  let open = (): void => undefined
  world.traffic.inject({ part: 'kubernetes', operation: `DELETE ${path}`, times: 1, until: new Promise((resolve) => (open = resolve)) })
  const deleting = world.traffic.next(({ operation }) => operation === `DELETE ${path}`)
  const removal = run(destroy)
  await deleting
  await world.kubectl('delete', 'ingress', 'milvus-demo')
  await applyGuide(world, await importByHand(world))
  open()
  expect(annotation(expectFailure(await removal, 'ingress', 'ingress-refused'))).toContain('Somebody made it anew at the same time')
  expect(await get(world, 'ingress', 'milvus-demo')).toBeDefined()
})

scenario('members of the group in another namespace: the ALB and the certificate that it still needs stay', async (scenario) => {
  const { world, run } = scenario
  const { outputs } = expectSuccess(await run({ 'group-name': 'shared' }))
  const arn = outputs['certificate-arn'] ?? ''
  await world.kubectl('create', 'namespace', 'elsewhere')
  const own = member(scenario, 'z-other', arn)
  const metadata = { ...own.metadata, namespace: 'elsewhere' }
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'milvus-demo', namespace: 'elsewhere' }, spec: { selector: { app: 'other' }, ports: [{ port: 19530 }] } }
  await create(world, service, { ...own, metadata })
  await world.kubectl('wait', '--for=jsonpath={.status.loadBalancer.ingress}', '--namespace', 'elsewhere', 'ingress/z-other', '--timeout=30s')
  const first = expectFailure(await run({ ...destroy, 'load-balancer-timeout': '15s' }), 'certificate', 'certificate-in-use')
  expect(first.log).toMatch(/Load balancer k8s-shared-\S+ stays, because group shared has other members: Ingresses of other namespaces\./)
  expect(annotation(first)).toMatch(/app\/k8s-shared-\S+ still uses it, says ACM/)
  const second = await run(destroy)
  expectUnchanged(second)
  expect(second.summary).toContain('was made by this action and stays: app/k8s-shared-')
  expect(await arns({ world })).toEqual([arn])
  expect(await loadBalancers(world)).toEqual([outputs['alb-address']])
})

/** The Service of the release. */
async function service({ world }: Pick<Scenario, 'world'>): Promise<{ type: string; address: string }> {
  const [type = '', address = ''] = (await world.kubectl('get', 'service', 'milvus-demo', '-o', 'jsonpath={.spec.type} {.status.loadBalancer.ingress[0].hostname}')).split(' ')
  return { type, address }
}

scenario('restore-service-type gives the Service a load balancer of its own again, and keeps all values; again it changes nothing', async (scenario) => {
  const { world, run, writes } = scenario
  expectSuccess(await run())
  const restore = { ...destroy, 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'none' }
  const result = expectSuccess(await run(restore))
  expect(changed(result)).toEqual(['ingress load balancer', 'release service.type', 'certificate certificate'])
  const { type, address } = await service(scenario)
  expect(type).toBe('LoadBalancer')
  expect(result.log).toContain('(restore-service-type asks for it):')
  expect(result.summary).toContain(`Service milvus-demo has a load balancer of its own: ${address}. Point the DNS record at it.`)
  expect(result.summary).toMatch(/^## ✅ Removed: Ingress .*; the Service has another type$/m)
  expect(await world.helm('get', 'values', 'milvus-demo')).toContain('bucketName: precious')

  const again = await run(restore)
  expectUnchanged(again)
  expect(again.log).toMatch(/^::group::✓ release: unchanged, Service milvus-demo is of type LoadBalancer/m)
  expect(writes()).toEqual([])
  expect(changed(expectSuccess(await run({ ...destroy, 'restore-service-type': 'NodePort' })))).toEqual(['release service.type'])
  expect((await service(scenario)).type).toBe('NodePort')
})

scenario('restore-service-type is refused before anything is removed where somebody else manages the Service, and without a release', async (scenario) => {
  const { world, run } = scenario
  expectSuccess(await run())
  const restore = { ...destroy, 'restore-service-type': 'LoadBalancer' }
  await world.kubectl('label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name=milvus')
  const managed = await expectRefusal(scenario, restore, 'release-managed-elsewhere')
  for (const part of ['Flux (HelmRelease milvus)', 'LoadBalancer)', 'take restore-service-type out']) expect(managed).toContain(part)
  await world.kubectl('label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name-')
  await world.helm('uninstall', 'milvus-demo', '--wait')
  expect(await expectRefusal(scenario, restore, 'release-not-found')).toContain('Take restore-service-type out when the release is gone')
  expect(await expectRefusal(scenario, destroy, 'release-not-found')).toContain('Set ingress-name to the Ingress that this action made: milvus-demo.')
  expect(changed(expectSuccess(await run({ ...destroy, 'ingress-name': 'milvus-demo' })))).toEqual(['ingress load balancer', 'certificate certificate'])
})

scenario('somebody sets the Service back while it is restored: said, and a later run goes on', async ({ world, run }) => {
  expectSuccess(await run())
  const applied = world.traffic.next(({ operation, client }) => client.startsWith('Helm') && /^PATCH .*\/services\/milvus-demo$/.test(operation))
  const back = applied.then(async () => {
    await world.kubectl('patch', 'service', 'milvus-demo', '-p', '{"spec":{"type":"ClusterIP"}}')
  })
  // helm's last word on a revision.
  const mend = world.traffic.inject({ part: 'kubernetes', operation: /^PUT .*\/secrets\/.*\.v\d+$/, until: back })
  const restore = { ...destroy, 'restore-service-type': 'NodePort' }
  expect(annotation(expectFailure(await run(restore), 'release', 'service-not-restored'))).toContain('is of type ClusterIP')
  mend()
  expect(annotation(expectFailure(await run(restore), 'preflight', 'release-conflict'))).toContain('force-conflicts')
  expect(changed(expectSuccess(await run({ ...restore, 'force-conflicts': 'true' })))).toContain('certificate certificate')
  expect((await service({ world })).type).toBe('NodePort')
})

scenario('each permission of mode destroy is taken away in turn, and the run says which', async (scenario) => {
  const { world, run } = scenario
  expectSuccess(await run())
  for (const { permission, step, code } of takenAway(world, neededToDestroy)) {
    const { outputs, log } = await run(destroy, { environment: await world.assumeRole(permission) })
    expect({ permission, step: outputs['failed-step'], code: outputs['failure-code'], log: outputs['failure-code'] === code ? '' : log }).toEqual({ permission, step, code, log: '' })
  }
  expect(await expectRefusal(scenario, { ...destroy, 'restore-service-type': 'NodePort' }, 'cluster-forbidden', await world.assumeRole('patch services'))).toContain('patch services')
  expectSuccess(await run(destroy, { environment: await world.assumeRole() }))
  expect(await arns({ world })).toEqual([])
})

scenario('dry-run of destroy: what would go, and nothing goes', async ({ world, run, writes }) => {
  expectSuccess(await run())
  const rehearsed = expectSuccess(await run({ ...destroy, 'dry-run': 'true', 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'service.k8s.aws/nlb' }))
  expect(writes()).toEqual([])
  expect(rehearsed.outputs['changed']).toBe('false')
  expect(rehearsed.summary).toContain('Dry run: 4 changes would be made')
  const removed = expectSuccess(await run({ ...destroy, 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'service.k8s.aws/nlb' }))
  expect(changed(removed)).toEqual(changed(rehearsed))
  expect(await get(world, 'ingress', 'milvus-demo')).toBeUndefined()
})
