/** The DNS names of the ALB and, with probe-dns, of the host. */
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect } from '@jest/globals'
import { nextLoadBalancerPoll } from './awaited-requests.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { startNlbListener } from './nlb-listener.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

scenario('a host name without a DNS record yet', async ({ environment, run }) => {
  await environment.setDnsRecords({ '*.elb.amazonaws.com': '' })
  const failed = await run(shortProbe)
  expectFailure(failed, 'probe', 'probe-dns-failed')
  const addressedRun = await run({
    ...shortProbe,
    'probe-address': `${environment.albAddress}:${environment.listenPort}`,
  })
  expectSuccess(addressedRun)
})

scenario(
  'a DNS server that does not respond is told apart from a name that does not exist',
  async ({ environment, run }) => {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': '?' })
    // The run ends although the system still waits for the server: it fails in time, not killed.
    const preload = new URL('../../testing/blocked-thread.mjs', import.meta.url).href
    const env = {
      NODE_OPTIONS: `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${preload}`,
      BLOCKED_THREAD_PIPE: join(environment.directory, 'blocked-thread'),
    }
    const unansweredRun = await run(shortProbe, { env, timeoutMs: 30_000 })
    expect(getErrorAnnotation(expectFailure(unansweredRun, 'probe', 'probe-dns-failed'))).toMatch(
      /Cannot resolve k8s-\S+ on this runner: the DNS server did not answer .*says nothing about the ALB/s,
    )
    await environment.setDnsRecords({ '*.elb.amazonaws.com': '' })
    expect(
      getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'probe-dns-failed')),
    ).toMatch(
      /Cannot resolve k8s-\S+ on this runner: the name does not exist .*caches "no such name"/s,
    )
  },
)

simulatorScenario(
  'a DNS record that appears while the probe retries',
  'the lab does not report when a name is resolved',
  async ({ environment, run }) => {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': '' })
    const recordCreated = nextLoadBalancerPoll(environment)
      .then(() => setTimeout(300))
      .then(() => environment.setDnsRecords({ '*.elb.amazonaws.com': environment.albAddress }))
    expectSuccess(await run())
    await recordCreated
  },
)

const probeDnsInputs = { ...shortProbe, 'probe-dns': 'true' }

scenario(
  'probe-dns probes the host name once it resolves to the ALB, by CNAME or by address',
  async ({ environment, run }) => {
    const albNames = { '*.elb.amazonaws.com': environment.albAddress }
    await environment.setDnsRecords({ ...albNames, [environment.host]: '' })
    const missingRecordRun = expectFailure(
      await run(probeDnsInputs),
      'probe',
      'probe-host-dns-missing',
    )
    const albHostname = missingRecordRun.outputs['alb-address'] ?? ''
    expect(getErrorAnnotation(missingRecordRun)).toContain(
      `from ${environment.host} to ${albHostname}`,
    )
    await environment.setDnsRecords({ ...albNames, [environment.host]: '127.0.0.99' })
    expect(
      getErrorAnnotation(
        expectFailure(await run(probeDnsInputs), 'probe', 'probe-host-dns-differs'),
      ),
    ).toContain(
      `${environment.host} points to 127.0.0.99 instead of ${albHostname} (${environment.albAddress})`,
    )
    await environment.setDnsRecords({
      ...albNames,
      [environment.host]: 'old.us-east-2.elb.example.com',
      'old.us-east-2.elb.example.com': '127.0.0.99',
    })
    expect(
      getErrorAnnotation(
        expectFailure(await run(probeDnsInputs), 'probe', 'probe-host-dns-differs'),
      ),
    ).toContain('points to old.us-east-2.elb.example.com, 127.0.0.99')
    await environment.setDnsRecords({ ...albNames, [environment.host]: `dualstack.${albHostname}` })
    expect(expectSuccess(await run(probeDnsInputs)).log).toContain(
      `DNS: ${environment.host} points to the ALB, and Milvus answers under that name`,
    )
    await environment.setDnsRecords({ ...albNames, [environment.host]: environment.albAddress })
    expectSuccess(await run(probeDnsInputs))
  },
)

scenario(
  'probe-dns accepts a host that leads to the Network Load Balancer in front of the ALB',
  async ({ environment, run }) => {
    const inputs = {
      ...probeDnsInputs,
      annotations: 'alb.ingress.kubernetes.io/enable-frontend-nlb: "true"',
      'probe-address': `${environment.albAddress}:${environment.listenPort}`,
    }
    const names = {
      '*.elb.amazonaws.com': '127.0.0.99',
      '*.elb.us-east-2.amazonaws.com': environment.albAddress,
    }
    await environment.setDnsRecords({ ...names, [environment.host]: '127.0.0.98' })
    const failed = expectFailure(await run(inputs), 'probe', 'probe-host-dns-differs')
    const { 'alb-address': alb = '', 'nlb-address': nlb = '' } = failed.outputs
    expect(nlb).toMatch(/-nlb-1\.elb\.us-east-2\.amazonaws\.com$/)
    expect(getErrorAnnotation(failed)).toContain(
      `points to 127.0.0.98 instead of ${alb} or ${nlb} (127.0.0.99, ${environment.albAddress})`,
    )
    await environment.setDnsRecords({ ...names, [environment.host]: nlb })
    const unchanged = await run(inputs)
    expectUnchanged(unchanged)
    expect(unchanged.outputs['nlb-address']).toBe(nlb)
    expectSuccess(await run({ ...inputs, mode: 'check' }))

    const { albAddress, listenPort } = environment
    const nlbListener = await startNlbListener(listenPort, albAddress)
    const mappedInputs = {
      ...inputs,
      annotations:
        `${inputs.annotations}\nalb.ingress.kubernetes.io/frontend-nlb-listener-port-mapping: ` +
        `${nlbListener.port}=${listenPort}`,
    }
    await environment.setDnsRecords({
      ...names,
      '*.elb.amazonaws.com': albAddress,
      [environment.host]: albAddress,
    })
    expectSuccess(await run(mappedInputs))
    await environment.setDnsRecords({
      ...names,
      '*.elb.us-east-2.amazonaws.com': nlbListener.address,
      [environment.host]: nlb,
    })
    const mapped = await run(mappedInputs)
    expectUnchanged(mapped)
    expect(mapped.log).toContain(
      `${environment.host} points to port ${nlbListener.port} of the NLB in front of the ALB`,
    )
    nlbListener.close()
  },
)

simulatorScenario(
  'probe-dns: a record that ExternalDNS creates while the probe retries',
  'the lab does not report when a name is resolved',
  async ({ environment, run }) => {
    const albNames = { '*.elb.amazonaws.com': environment.albAddress }
    await environment.setDnsRecords({ ...albNames, [environment.host]: '' })
    const healthChecked = environment.requestLog.nextRequest(
      ({ service, operation }) => service === 'milvus' && operation === 'CheckHealth',
    )
    const recordCreated = healthChecked
      .then(() => setTimeout(300))
      .then(() =>
        environment.setDnsRecords({ ...albNames, [environment.host]: environment.albAddress }),
      )
    expectSuccess(await run({ 'probe-dns': 'true' }))
    await recordCreated
  },
)

simulatorScenario(
  'probe-dns has what remains of probe-timeout when Milvus has answered',
  'Milvus of the lab cannot be delayed',
  async ({ environment, run }) => {
    const { faults, host, albAddress } = environment
    await environment.setDnsRecords({ '*.elb.amazonaws.com': albAddress, [host]: '' })
    faults.inject({ service: 'milvus', operation: 'Connect', delay: 4_000, times: 1 })
    const result = await run({ 'probe-timeout': '5s', 'probe-dns': 'true' })
    expectFailure(result, 'probe', 'probe-host-dns-missing')
    const [, seconds] = /✗ probe: .*\(([\d.]+) s\)/.exec(result.log) ?? []
    expect(Number(seconds)).toBeLessThan(8)
  },
)

scenario('probe-dns with probe: off is a conflict', async ({ run, writes }) => {
  expectFailure(await run({ probe: 'off', 'probe-dns': 'true' }), 'preflight', 'inputs-conflict')
  expect(writes()).toEqual([])
})
