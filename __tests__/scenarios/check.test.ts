/** mode check and dry-run: what differs is said and nothing is changed; what a check reports, a deploy heals. */
import { expect } from '@jest/globals'
import { leavingDriftUnknown, neededForCheck } from '../../sandbox/permission-table.ts'
import type { ActionRun } from '../../sandbox/runner.ts'
import type { World } from '../../sandbox/world.ts'
import { answerByRule, deleteListener, deleteLoadBalancer, deleteRule, listener, modifyListener, setAttribute } from './alb-by-hand.ts'
import { annotation, changed, expectFailure, expectSuccess, scenario, type Scenario } from './harness.ts'

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
  for (const { permission, step, code } of neededForCheck) {
    const result = expectFailure(await run(withoutValues, { environment: await world.assumeRole(permission, 'check') }), step, code)
    expect({ permission, drift: result.outputs['drift'] }).toEqual({ permission, drift: 'unknown' })
  }
  for (const { permission, unseen } of leavingDriftUnknown) {
    const result = expectFailure(await run(withoutValues, { environment: await world.assumeRole(permission, 'check') }), 'preflight', 'drift-unknown')
    expect(annotation(result)).toContain(unseen)
    expect(result.outputs['drift']).toBe('unknown')
  }
})

/** Checks, deploys with the same inputs, and checks again. */
async function expectHealed(run: Scenario['run'], differences: readonly string[], inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun> {
  const found = expectDrift(await run({ ...inputs, ...check, 'private-key': '' }), differences)
  expectSuccess(await run(inputs))
  expectClean(await run({ ...inputs, ...check }))
  return found
}

scenario('before the first deployment everything differs, and a deploy makes it so', async ({ run }) => {
  const found = expectFailure(await run({ ...check, 'private-key': '' }), 'certificate', 'drift-found')
  expect(changed(found).slice(0, 2)).toEqual(['certificate certificate', 'release service.type'])
  expect(changed(await run({ ...check, certificate: '', 'private-key': '' }))[0]).toBe('release service.type')
  expectSuccess(await run())
  expectClean(await run(check))
})

scenario('what somebody changed in the cluster is found with who did, and healed', async ({ world, run }) => {
  expectSuccess(await run())
  await world.kubectl('annotate', '--overwrite', 'ingress', 'milvus-demo', 'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08')
  while ((await listener(world)).SslPolicy !== 'ELBSecurityPolicy-2016-08') await new Promise((resolve) => setTimeout(resolve, 50))
  const edited = await expectHealed(run, ['ingress ssl-policy'])
  expect(edited.outputs['changes']).toMatch(/differs from the inputs: changed by kubectl-annotate at \d{4}-/)
  expect(annotation(edited)).toContain('ssl-policy is ELBSecurityPolicy-2016-08, and should be ELBSecurityPolicy-TLS13-1-2-2021-06')

  await world.kubectl('patch', 'service', 'milvus-demo', '-p', '{"spec":{"type":"NodePort"}}')
  await expectHealed(run, ['release service.type'])
})

scenario('what the inputs have come to say is found, without the private key', async ({ world, run }) => {
  expectSuccess(await run())
  const renewed = await world.authority.issue({ hosts: [world.host] })
  await expectHealed(run, ['certificate certificate'], { certificate: renewed.fullchain, 'private-key': renewed.privateKey })
  const asked = await run({ ...check, certificate: renewed.fullchain, 'private-key': '', values: 'proxy: {replicas: 2}', 'chart-version': '5.0.20', 'idle-timeout': '5m' })
  expectDrift(asked, ['release chart version', 'release values.proxy.replicas', 'ingress load-balancer-attributes'])
  expect(asked.outputs['failed-step']).toBe('release')
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
})
