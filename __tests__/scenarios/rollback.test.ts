/** on-failure: a run that fails leaves what it changed, or puts it back. */
import { expect } from '@jest/globals'
import type { World } from '../../sandbox/world.ts'
import { annotation, changed, expectBeside, expectFailure, expectRefusal, expectSuccess, scenario } from './harness.ts'
import { applyGuide, certificates, get, importByHand, ingressAnnotations, loadBalancers } from './hands.ts'

const rollback = { 'on-failure': 'rollback' }

/** What a run may change, as a person sees it; status, versions and helm's count of revisions go on. */
async function stateOf(world: World): Promise<unknown> {
  const [ingress, service, values] = await Promise.all([get(world, 'ingress', 'milvus-demo'), get(world, 'service', 'milvus-demo'), world.helm('get', 'values', 'milvus-demo')])
  return {
    annotations: ingress && await ingressAnnotations(world), spec: ingress?.['spec'], type: (service?.['spec'] as { type?: string } | undefined)?.type, values,
    certificates: (await certificates(world)).map(({ arn, x509 }) => `${arn} ${x509.serialNumber}`).sort(),
  }
}

scenario('rollback of a first deployment that the controller refuses: nothing is left of it', async ({ world, run }) => {
  const before = await stateOf(world)
  world.controller.options.unknownIds = ['sg-unknown']
  const result = expectFailure(await run({ ...rollback, 'security-groups': 'sg-unknown' }), 'load-balancer', 'controller-refused')
  expect(await stateOf(world)).toEqual(before)
  expect(await loadBalancers(world)).toEqual([])
  expect(annotation(result)).not.toContain('put back')
  for (const step of ['ingress', 'release', 'certificate']) expect(result.log).toMatch(new RegExp(`✓ ${step}: put back: `))
  // Said before the first change.
  expect(result.log.indexOf('comes back with a new load balancer under a new name')).toBeLessThan(result.log.indexOf('✓ certificate'))
  expect(changed(result)).toEqual(expect.arrayContaining(['ingress load balancer', 'release revision', 'certificate certificate']))
  expectSuccess(await run(rollback))
}, { steersController: true })

scenario('rollback of a change that the probe refutes: Ingress and certificate are as they were', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('annotate', 'ingress', 'milvus-demo', 'example.com/team=search')
  const before = await stateOf(world)
  // Of another type: ACM takes it only under a new ARN.
  const other = await world.authority.issue({ hosts: [world.host], key: 'RSA_3072' })
  await world.overrideAlb({ respond: 502 })
  const inputs = { ...rollback, certificate: other.fullchain, 'private-key': other.privateKey, 'idle-timeout': '1h', annotations: 'alb.ingress.kubernetes.io/healthcheck-interval-seconds: "30"', 'probe-timeout': '1s' }
  const result = expectFailure(await run(inputs), 'probe', 'probe-target-failed')
  expect(await stateOf(world)).toEqual(before)
  expect(annotation(result)).not.toContain('put back')
  await world.overrideAlb({ respond: undefined })
  expect(changed(expectSuccess(await run(inputs)))).toEqual(expect.arrayContaining(['ingress certificate-arn', 'ingress load-balancer-attributes']))
})

scenario('rollback of an upgrade that helm does not end: the release is as in the revision before', async ({ world, run }) => {
  const before = await stateOf(world)
  const service = 'PATCH /api/v1/namespaces/milvus/services/milvus-demo'
  world.traffic.inject({ part: 'kubernetes', operation: service, client: /^Helm/, times: 1, error: { status: 403, code: 'Forbidden', message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no' } })
  const result = expectFailure(await run({ ...rollback, values: 'proxy: {replicas: 2}' }), 'release', 'helm-upgrade-failed')
  expect(await stateOf(world)).toEqual(before)
  expect(result.outputs['release-revision']).toBe('3')
  expect(await world.helm('status', 'milvus-demo')).toContain('STATUS: deployed')
  expectSuccess(await run(rollback))
})

scenario('cutover last and rollback: when the switch does not end, the old load balancer is back and nothing else is there', async ({ world, run }) => {
  const before = await stateOf(world)
  const service = 'PATCH /api/v1/namespaces/milvus/services/milvus-demo'
  world.traffic.inject({ part: 'kubernetes', operation: service, client: /^Helm/, times: 1, error: { status: 403, code: 'Forbidden', message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no' } })
  expectFailure(await run({ ...rollback, cutover: 'last' }), 'release', 'helm-upgrade-failed')
  expect(await stateOf(world)).toEqual(before)
})

scenario('a rollback that does not succeed is said beside the failure, with what is left', async ({ world, run }) => {
  await world.overrideAlb({ respond: 502 })
  const mend = world.traffic.inject({ part: 'kubernetes', operation: /^DELETE .*\/ingresses\/milvus-demo$/, error: { status: 403, code: 'Forbidden', message: 'admission webhook "validate.kyverno.svc-fail" denied the request: keep it' } })
  const result = expectFailure(await run({ ...rollback, 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
  expect(annotation(result)).toMatch(/Not everything that this run changed was put back\. Ingress milvus-demo: .*keep it\. [\s\S]*ACM certificate [^ ]* stays/)
  expectBeside(result, 'rollback-incomplete')
  mend()
  await world.overrideAlb({ respond: undefined })
  expectSuccess(await run(rollback))
})

scenario('rollback of an Ingress that was taken over from kubectl: it is not this action\'s afterwards either', async ({ world, run }) => {
  await applyGuide(world, await importByHand(world))
  const before = await stateOf(world)
  await world.overrideAlb({ respond: 502 })
  expectFailure(await run({ ...rollback, 'idle-timeout': '1h', 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
  expect(await stateOf(world)).toEqual(before)
  expectFailure(await run({ mode: 'destroy' }), 'preflight', 'ingress-not-ours')
})

scenario('rollback when somebody else upgraded the release meanwhile: theirs is left, and said', async ({ world, run }) => {
  await world.overrideAlb({ respond: 502 })
  const release = world.holdLoadBalancers()
  const upgrade = () => world.helm('upgrade', 'milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--reuse-values', '--set', 'proxy.replicas=2')
  const result = expectFailure(await run({ ...rollback, 'probe-timeout': '1s' }, { onLine: (line) => {
    if (line.includes('✓ release: 1 change')) void upgrade().then(release)
  } }), 'probe', 'probe-target-failed')
  expectBeside(result, 'rollback-incomplete')
  expect(annotation(result)).toMatch(/Somebody else has upgraded release milvus-demo too: revision 3 is deployed, and this run had seen 1/)
  expect(await world.helm('get', 'values', 'milvus-demo')).toContain('replicas: 2')
})

scenario('a rollback that could not delete the Ingress is refused before anything is made', async (scenario) => {
  expect(await expectRefusal(scenario, rollback, 'cluster-forbidden', await scenario.world.assumeRole('delete ingresses'))).toContain('delete ingresses')
  expectSuccess(await scenario.run({}, { environment: await scenario.world.assumeRole('delete ingresses') }))
})

scenario('a renewal cannot be rolled back: said before it is made', async ({ world, run }) => {
  expectSuccess(await run())
  const renewed = await world.authority.issue({ hosts: [world.host] })
  await world.overrideAlb({ respond: 502 })
  const result = expectFailure(await run({ ...rollback, certificate: renewed.fullchain, 'private-key': renewed.privateKey, 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
  expect(result.log.indexOf('ACM has no way back')).toBeGreaterThan(0)
  expect(result.log.indexOf('ACM has no way back')).toBeLessThan(result.log.indexOf('✓ certificate'))
  expect(changed(result)).toEqual(['certificate certificate'])
})

scenario('without rollback, a run that fails leaves what it changed, and the next goes on from there', async ({ world, run }) => {
  await world.overrideAlb({ respond: 502 })
  expectFailure(await run({ 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
  await world.overrideAlb({ respond: undefined })
  expect(changed(expectSuccess(await run()))).toEqual([])
})
