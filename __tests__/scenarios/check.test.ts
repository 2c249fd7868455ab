/** mode check and dry-run: what differs is said and nothing is changed; what a check reports, a deploy heals. */
import { expect } from '@jest/globals'
import { dispensableForCheck, leavingDriftUnknown, leavingParamsUnknown, neededForCheck } from '../../sandbox/permission-table.ts'
import type { ActionRun } from '../../sandbox/runner.ts'
import type { World } from '../../sandbox/world.ts'
import { answerByRule, deleteListener, deleteLoadBalancer, deleteRule, forwardToHttp1, listener, modifyListener, setAttribute } from './alb-by-hand.ts'
import { create, deleteInAcm, get, importByHand, takenAway } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, sandboxScenario, scenario, scenariosStart, type Scenario } from './harness.ts'

scenariosStart('deployed')

const check = { mode: 'check', 'probe-timeout': '1s' }
/** Without what only a role that may read Secrets can compare. */
const withoutValues = { ...check, 'private-key': '', values: '' }

/** A check that saw everything, and found nothing. */
function expectClean(run: ActionRun): ActionRun {
  expect(expectSuccess(run).outputs).toMatchObject({ drift: 'false', changed: 'false', changes: '[]' })
  return run
}

/** A check that found these differences, as `step path`. */
function expectDrift(run: ActionRun, differences: readonly string[]): ActionRun {
  expect({ differences: changed(run), drift: run.outputs['drift'], changed: run.outputs['changed'], log: run.outputs['drift'] === 'true' ? '' : run.log }).toEqual({ differences, drift: 'true', changed: 'false', log: '' })
  expect(run.exitCode).toBe(1)
  expect(annotation(run)).toContain('from what the inputs say')
  return run
}

/** Nothing but reads reached the cluster and AWS, not even a review of access. */
function expectOnlyReads(world: World, since: number): void {
  const own = world.traffic.requests.slice(since).filter(({ client }) => /milvus-alb-action|^Helm/i.test(client))
  expect(own.filter(({ mutating, part, operation }) => mutating || (part === 'kubernetes' && !operation.startsWith('GET '))).map(({ part, operation }) => `${part} ${operation}`)).toEqual([])
  expect(own.length).toBeGreaterThan(0)
}

scenario('exactly the permissions that docs ship for a check are enough to find everything as it should be, and a check only reads', async ({ world, run }) => {
  expectSuccess(await run())
  const environment = await world.assumeRole('', 'check')
  const [since, helm] = [world.traffic.requests.length, (await world.helmCalls()).length]
  const result = expectClean(await run(withoutValues, { environment }))
  expect(result.summary).toMatch(/^## ✅ Everything is as the inputs say/)
  expect(result.outputs).toMatchObject({ 'alb-address': expect.stringContaining('.elb.'), 'certificate-expiry': expect.stringMatching(/^\d{4}-/), 'milvus-version': expect.stringMatching(/^v?2/) })
  // A role that may deploy is enough, too.
  expectClean(await run(check, { environment: await world.assumeRole() }))
  // Neither certificate nor key: whatever the Ingress names is looked at.
  expect(expectClean(await run({ ...withoutValues, certificate: '' }, { environment })).outputs['certificate-arn']).toBe(result.outputs['certificate-arn'])
  expectOnlyReads(world, since)
  expect(await world.helmCalls()).toHaveLength(helm)

  const unread = await run({ ...check, 'private-key': '' }, { environment })
  expectFailure(unread, 'preflight', 'drift-unknown')
  expect(unread.outputs['drift']).toBe('unknown')
  expect(annotation(unread)).toContain('could not see the releases of helm (list and get secrets), so that chart-version and values were not compared')
})

scenario('each permission of a check is taken away in turn: it fails and says which, or does not know and says what it could not see', async ({ world, run }) => {
  expectSuccess(await run())
  for (const { permission, step, code } of takenAway(world, neededForCheck)) {
    const result = expectFailure(await run(withoutValues, { environment: await world.assumeRole(permission, 'check') }), step, code)
    expect({ permission, drift: result.outputs['drift'] }).toEqual({ permission, drift: 'unknown' })
  }
  const expectUnknown = async (table: typeof leavingDriftUnknown): Promise<void> => {
    for (const { permission, unseen } of takenAway(world, table)) {
      const result = expectFailure(await run(withoutValues, { environment: await world.assumeRole(permission, 'check') }), 'preflight', 'drift-unknown')
      expect(annotation(result)).toContain(unseen)
      expect(result.outputs['drift']).toBe('unknown')
    }
  }
  await expectUnknown(leavingDriftUnknown)
  for (const permission of dispensableForCheck) expectClean(await run(withoutValues, { environment: await world.assumeRole(permission, 'check') }))
  await create(world, { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams', metadata: { name: 'alb' }, spec: {} })
  await world.kubectl('patch', 'ingressclass', 'alb', '--type', 'merge', '-p', '{"spec":{"parameters":{"apiGroup":"elbv2.k8s.aws","kind":"IngressClassParams","name":"alb"}}}')
  await expectUnknown(leavingParamsUnknown)
})

/** Checks, deploys with the same inputs, and checks again. */
async function expectHealed(run: Scenario['run'], differences: readonly string[], inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun> {
  const found = expectDrift(await run({ ...inputs, ...check, 'private-key': '' }), differences)
  expectSuccess(await run(inputs))
  expectClean(await run({ ...inputs, ...check }))
  return found
}

scenario('before the first deployment everything differs, and a deploy makes it so', async ({ world, run }) => {
  const found = expectFailure(await run({ ...check, 'private-key': '' }), 'certificate', 'drift-found')
  expect(changed(found).slice(0, 2)).toEqual(['certificate certificate', 'release service.type'])
  const unread = await run({ ...withoutValues, certificate: '' }, { environment: await world.assumeRole('', 'check') })
  expect(changed(unread)[0]).toBe('release service.type')
  expect(unread.summary).toContain('This check cannot tell which pods the upgrade would restart: it may not read the releases of helm, and a check does not have helm render the chart')
  const environment = await world.assumeRole()
  expectSuccess(await run({}, { environment }))
  expectClean(await run(check, { environment }))
}, { start: 'installed' })

scenario('what somebody changed in the cluster is found with who did, and healed', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('annotate', '--overwrite', 'ingress', 'milvus-demo', 'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08')
  while ((await listener(world)).SslPolicy !== 'ELBSecurityPolicy-2016-08') await new Promise((resolve) => setTimeout(resolve, 50))
  const edited = expectDrift(await run(check), ['ingress ssl-policy'])
  expect(edited.outputs['changes']).toMatch(/differs from the inputs: changed by kubectl-annotate at \d{4}-[^,"]*Z, and a deploy takes it back only with force-conflicts: true"/)
  expect(annotation(edited)).toContain('ssl-policy is ELBSecurityPolicy-2016-08, and should be ELBSecurityPolicy-TLS13-1-2-2021-06')
  const force = { 'force-conflicts': 'true' }
  const forced = await expectHealed(run, ['ingress ssl-policy'], force)
  expect(forced.outputs['changes']).toMatch(/differs from the inputs: changed by kubectl-annotate at \d{4}-[^,"]*Z"/)

  await world.kubectl('patch', 'service', 'milvus-demo', '--type', 'merge', '-p', '{"spec":{"type":"NodePort"}}')
  await expectHealed(run, ['release service.type'], force)
})

sandboxScenario("after the controller's ModifyRule moto ties no target group to the load balancer", 'a Service that has moved to another port is found, and healed', async ({ world, run }) => {
  expectSuccess(await run())
  const { spec } = (await get(world, 'service', 'milvus-demo')) as unknown as { spec: { ports: { name: string }[] } }
  const index = spec.ports.findIndex(({ name }) => name === 'milvus')
  await world.kubectl('patch', 'service', 'milvus-demo', '--type', 'json', '-p', JSON.stringify([{ op: 'replace', path: `/spec/ports/${index}/port`, value: 19531 }]))
  await expectHealed(run, ['ingress spec.rules'])
})

scenario('what the inputs have come to say is found, without the private key', async ({ world, run }) => {
  expectSuccess(await run())
  const renewed = await world.authority.issue({ hosts: [world.host] })
  await expectHealed(run, ['certificate certificate'], { certificate: renewed.fullchain, 'private-key': renewed.privateKey })
  const asked = await run({ ...check, certificate: renewed.fullchain, 'private-key': '', values: 'proxy: {replicas: 2}', 'chart-version': '5.0.20', 'idle-timeout': '5m' })
  expectDrift(asked, ['release chart version', 'release values.proxy.replicas', 'ingress load-balancer-attributes'])
  expect(asked.outputs['failed-step']).toBe('release')
})

scenario('a certificate that is near its end is an output and a warning of a check, and no difference', async ({ run }) => {
  const { 'certificate-expiry': expiry } = expectSuccess(await run()).outputs
  for (const inputs of [check, { ...withoutValues, certificate: '' }]) {
    const result = expectClean(await run({ ...inputs, 'expiry-warning': '365' }))
    expect(result.log).toMatch(/^::warning.*The certificate for .* ends in \d+ days, on /m)
    expect(result.outputs['certificate-expiry']).toBe(expiry)
  }
})

scenario('what fails in one step hides no difference of the others: a certificate that is gone from ACM, and one for another host', async ({ world, run }) => {
  const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
  await modifyListener(world, { certificate: await importByHand(world) })
  await deleteInAcm(world, arn)
  await setAttribute(world, 'idle_timeout.timeout_seconds', '60')
  const inAws = ['load-balancer default certificate', 'load-balancer attribute idle_timeout.timeout_seconds']
  const served = expectFailure(await run({ ...withoutValues, certificate: '' }), 'certificate', 'certificate-not-found')
  expect({ drift: served.outputs['drift'], differences: changed(served) }).toEqual({ drift: 'true', differences: inAws })
  expect(annotation(served)).toMatch(/ACM has no certificate .*2 differences from what the inputs say/s)
  const other = await world.authority.issue({ hosts: ['other.example.com'] })
  const mismatched = expectFailure(await run({ ...check, certificate: other.fullchain, 'private-key': '' }), 'preflight', 'certificate-host-mismatch')
  expect(changed(mismatched)).toEqual(['certificate certificate', 'ingress certificate-arn', ...inAws])

  // Whichever certificate the listener was given by hand, it covers the host, so that the probe does not mind.
  await expectHealed(run, ['ingress certificate-arn', ...inAws])
})

scenario('what somebody changed in AWS is found, each by its value, and healed', async ({ world, run }) => {
  expectSuccess(await run())
  await modifyListener(world, { SslPolicy: 'ELBSecurityPolicy-2016-08' })
  await setAttribute(world, 'idle_timeout.timeout_seconds', '60')
  await expectHealed(run, ['load-balancer ssl-policy', 'load-balancer attribute idle_timeout.timeout_seconds'])
  await deleteRule(world)
  expect(changed(await run(check))).toEqual([`load-balancer rule for ${world.host}`])
  expectSuccess(await run())
  await answerByRule(world)
  expect(changed(await run(check))).toEqual([`load-balancer rule for ${world.host}`])
  expectSuccess(await run())
  await forwardToHttp1(world)
  expect(changed(await run({ ...check, probe: 'off' }))).toEqual(['load-balancer protocol version'])
  expectSuccess(await run())
  await deleteListener(world)
  expect(changed(await run(check))).toEqual(['load-balancer protocol'])
  expectSuccess(await run())
  await deleteLoadBalancer(world)
  expect(changed(await run(check))).toEqual(['load-balancer DNS name'])
  expectSuccess(await run())
  expectClean(await run(check))
})

scenario('a difference and a failed probe are both in the annotation; fail-on-drift decides only about the difference', async ({ world, run }) => {
  expectSuccess(await run())
  await setAttribute(world, 'idle_timeout.timeout_seconds', '60')
  const warned = expectSuccess(await run({ ...check, 'fail-on-drift': 'false' }))
  expect(warned.outputs['drift']).toBe('true')
  expect(warned.log).toMatch(/^::warning.*1 difference from what the inputs say: .*idle_timeout.timeout_seconds is 60, and should be 600/m)
  expect(warned.summary).toMatch(/^## ⚠️ 1 difference/)

  await world.overrideAlb({ respond: 504 })
  const both = expectFailure(await run(check), 'probe', 'probe-target-timeout')
  expect(both.outputs['drift']).toBe('true')
  expect(annotation(both)).toContain('1 difference from what the inputs say')
  expectFailure(await run({ ...check, 'fail-on-drift': 'false' }), 'probe', 'probe-target-timeout')
})

scenario('a dry run changes nothing, and lists what the deploy after it changes', async ({ world, run, writes }) => {
  const rehearsed = expectSuccess(await run({ 'dry-run': 'true' }))
  expect(writes()).toEqual([])
  expect(rehearsed.outputs).toMatchObject({ changed: 'false' })
  expect(rehearsed.summary).toMatch(/^## 📋 Dry run: \d+ changes would be made/)
  const made = expectSuccess(await run())
  expect(changed(rehearsed)).toEqual(changed(made))

  await setAttribute(world, 'idle_timeout.timeout_seconds', '60')
  const again = expectSuccess(await run({ 'dry-run': 'true' }))
  expect(again.outputs['alb-address']).toBe(made.outputs['alb-address'])
  expect(changed(again)).toEqual(changed(expectSuccess(await run())))
  expect(expectSuccess(await run({ 'dry-run': 'true' })).summary).toMatch(/^## 📋 Dry run: 0 changes would be made/)

  // What fails in a deploy fails in a dry run, in the same words, and before anything is changed.
  await world.kubectl('annotate', '--overwrite', 'ingress', 'milvus-demo', 'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08')
  const renewed = await world.authority.issue({ hosts: [world.host] })
  const inputs = { certificate: renewed.fullchain, 'private-key': renewed.privateKey }
  const refused = expectFailure(await run({ ...inputs, 'dry-run': 'true' }), 'ingress', 'ingress-conflict')
  const deployed = expectFailure(await run(inputs), 'ingress', 'ingress-conflict')
  expect(writes()).toEqual([])
  expect(annotation(deployed)).toBe(annotation(refused))
})
