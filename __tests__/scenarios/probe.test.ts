/** The probe: the way to the ALB, its TLS and its answers, what Milvus says, and the host's own name. */
import { createAuthority } from '../../sandbox/certificates.ts'
import { expect } from '@jest/globals'
import { annotation, expectFailure, expectSuccess, sandboxScenario, scenario, scenariosStart } from './harness.ts'
import { startProxy } from './proxy.ts'
import { startSilence } from './silence.ts'

scenariosStart('deployed')

const short = { 'probe-timeout': '1s' }

for (const [status, code] of [[403, 'probe-http-error'], [404, 'probe-not-routed'], [464, 'probe-protocol-mismatch'], [502, 'probe-target-failed'], [503, 'probe-no-targets'], [504, 'probe-target-timeout']] as const) {
  scenario(`the ALB answers ${status}`, async ({ world, run }) => {
    await world.overrideAlb({ respond: status })
    const result = await run(short)
    expectFailure(result, 'probe', code)
    expect(annotation(result)).toContain(`HTTP ${status}`)
    expect(result.outputs['alb-address']).toBeDefined()
  })
}

sandboxScenario('Envoy does not say when a request has come', 'targets that come up while the probe tries', async ({ world, run }) => {
  await world.overrideAlb({ respond: 503 })
  world.traffic.inject({ part: 'alb', operation: /.*/, times: 1, until: world.overrideAlb({ respond: undefined }) })
  expectSuccess(await run())
})

scenario('the ALB serves another certificate', async ({ world, run }) => {
  const other = await world.authority.issue({ hosts: [world.host] })
  await world.overrideAlb({ serve: { certificate: other.fullchain, privateKey: other.privateKey } })
  expectFailure(await run(short), 'probe', 'probe-certificate-differs')
})

scenario('a private authority: untrusted, and trusted by probe-ca', async ({ world, run }) => {
  const environment = { NODE_EXTRA_CA_CERTS: '' }
  expectFailure(await run({}, { environment }), 'probe', 'probe-certificate-untrusted')
  const trusted = await run({ 'probe-ca': world.authority.root }, { environment })
  expectSuccess(trusted)
  expect(trusted.summary).toContain('server_pem_path')
})

scenario('an ALB without HTTP/2', async ({ world, run }) => {
  await world.overrideAlb({ alpn: ['http/1.1'] })
  expectFailure(await run(short), 'probe', 'probe-http2-missing')
})

scenario('an ALB that takes no connection', async ({ world, run }) => {
  await world.overrideAlb({ refuse: true })
  expectFailure(await run(short), 'probe', 'probe-unreachable')
})

scenario('a name that is not in the DNS yet', async ({ world, run }) => {
  await world.setNames({ '*.elb.amazonaws.com': '' })
  const failed = await run(short)
  expectFailure(failed, 'probe', 'probe-dns-failed')
  const addressed = await run({ ...short, 'probe-address': `${world.albAddress}:${world.listenPort}` })
  expectSuccess(addressed)
})

scenario('Milvus with authorization: reached without a token, proven with one, refused with a wrong one', async ({ world, run }) => {
  const token = await world.requireAuthorization()
  const without = await run({ 'milvus-token': '' })
  expectSuccess(without)
  expect(without.outputs['milvus-version']).toBeUndefined()
  expect(without.summary).toContain('asks for credentials')
  const proven = await run({ 'milvus-token': token })
  expectSuccess(proven)
  expect(proven.outputs['milvus-version']).toMatch(/^v2\./)
  expectFailure(await run({ 'milvus-token': 'root:canary-of-another' }), 'probe', 'milvus-unauthenticated')
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that is not healthy, and says why', async ({ world, run }) => {
  Object.assign(world.milvus, { healthy: false, reasons: ['querycoord not ready'] })
  const result = await run(short)
  expectFailure(result, 'probe', 'milvus-unhealthy')
  expect(annotation(result)).toContain('querycoord not ready')
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that is not ready', async ({ world, run }) => {
  world.milvus.ready = false
  expectFailure(await run(short), 'probe', 'milvus-not-ready')
})

scenario('Milvus without authorization is a warning behind an open ALB, a note behind any other, and a failure when authorization is asked for', async ({ world, run }) => {
  const open = expectSuccess(await run())
  expect(open.log).toMatch(/^::warning .*answers without credentials.*open to the internet/m)
  const narrowed = expectSuccess(await run({ 'inbound-cidrs': '10.0.0.0/8' }))
  expect(narrowed.log).not.toMatch(/^::warning .*without credentials/m)
  expect(narrowed.summary).toContain('answers without credentials')
  expectFailure(await run({ 'require-authorization': 'true' }), 'probe', 'milvus-authorization-off')
  const token = await world.requireAuthorization()
  const closed = expectSuccess(await run({ 'require-authorization': 'true', 'milvus-token': token }))
  expect(closed.summary).not.toContain('answers without credentials')
})

scenario('probe: off is loud', async ({ world, run }) => {
  await world.overrideAlb({ refuse: true })
  const result = await run({ probe: 'off' })
  expectSuccess(result)
  expect(result.log).toMatch(/^::warning .*probe is off/m)
  expect(result.summary).toContain('was not probed')
})

for (const [whose, told] of Object.entries<Record<number, RegExp>>({
  'of a rule or a web ACL': { 302: /redirects the call, or asks users to log in/, 401: /authenticates users, and denied/, 413: /Lambda/, 431: /by itself never says that.*custom response of AWS WAF/s, 461: /by itself never says that/, 561: /identity provider returned an error/ },
  'to a call that was changed on its way': { 400: /found the request malformed/, 405: /something in between changed it/, 414: /path of the call is too long/, 463: /more than 30 addresses/, 501: /Transfer-Encoding/, 505: /another HTTP version/ },
})) {
  scenario(`an answer ${whose} ends the probe at once`, async ({ world, run }) => {
    for (const [status, text] of Object.entries(told)) {
      await world.overrideAlb({ respond: Number(status) })
      const result = expectFailure(await run(), 'probe', 'probe-http-error')
      expect(annotation(result)).toContain(`HTTP ${status}`)
      expect(annotation(result)).toMatch(text)
    }
  })
}

scenario('an answer of the ALB that time may heal is waited out', async ({ world, run }) => {
  const told: Record<number, RegExp> = { 408: /idle timeout/, 429: /too many requests/, 500: /web ACL of AWS WAF failed/ }
  for (const [status, text] of Object.entries(told)) {
    await world.overrideAlb({ respond: Number(status) })
    const result = expectFailure(await run(short), 'probe', 'probe-http-error')
    expect(annotation(result)).toMatch(text)
    expect(annotation(result)).toContain('Tried for 1 s.')
  }
})

sandboxScenario('Envoy does not say when a request has come', 'a Service that is deleted after preflight: the controller answers in its place, and the probe says so', async ({ world, run }) => {
  expectSuccess(await run())
  const mended = world.traffic.next(({ operation }) => operation === 'ModifyRule' || operation === 'CreateRule' || operation === 'SetRulePriorities')
  const gone = world.traffic.next(({ part }) => part === 'alb').then(async () => {
    await world.kubectl('delete', 'service', 'milvus-demo')
    await mended
  })
  world.traffic.inject({ part: 'alb', operation: /.*/, times: 1, until: gone })
  const result = expectFailure(await run(short), 'probe', 'probe-no-targets')
  expect(annotation(result)).toContain('the Service that the Ingress names does not exist')
})

scenario('an internal ALB that does not answer is told within seconds: the runner has to be inside', async ({ world, run }) => {
  const silence = await startSilence(world.listenPort)
  try {
    await world.setNames({ '*.elb.amazonaws.com': silence.address })
    const result = expectFailure(await run({ scheme: 'internal' }), 'probe', 'probe-unreachable')
    expect(Number(/✗ probe: probe-unreachable \(([\d.]+) s\)/.exec(result.log)?.[1])).toBeLessThan(20)
    expect(annotation(result)).toContain(`(${silence.address}): no answer within 3 s`)
    expect(annotation(result)).toMatch(/runner inside the VPC.*probe: off/s)
  } finally {
    silence.close()
  }
})

scenario('a runner that is left out: the input that leaves it out is named', async ({ world, run }) => {
  const silence = await startSilence(world.listenPort)
  try {
    await world.setNames({ '*.elb.amazonaws.com': silence.address })
    expect(annotation(expectFailure(await run({ ...short, 'inbound-cidrs': '10.1.0.0/16' }), 'probe', 'probe-unreachable'))).toMatch(/no answer within [\d.]+ s, which is how an ALB refuses those whom inbound-cidrs \(10\.1\.0\.0\/16\) leaves out/)
    expect(annotation(expectFailure(await run({ ...short, 'security-groups': world.securityGroup }), 'probe', 'probe-unreachable'))).toContain(`security-groups (${world.securityGroup})`)
    // Told apart from an ALB that is dead.
    silence.close()
    expect(annotation(expectFailure(await run({ ...short, 'inbound-cidrs': '10.1.0.0/16' }), 'probe', 'probe-unreachable'))).toContain('Nothing listens on port')
  } finally {
    silence.close()
  }
})

sandboxScenario("the lab's other clients know one address of a name", 'dual stack: an address that leads nowhere does not hold the other up', async ({ world, run }) => {
  await world.setNames({ '*.elb.amazonaws.com': `::1, ${world.albAddress}` })
  const result = expectSuccess(await run())
  expect(result.log).toContain(`is ::1, ${world.albAddress}`)
})

scenario('a DNS server that does not answer is told apart from a name that is not there', async ({ world, run }) => {
  await world.setNames({ '*.elb.amazonaws.com': '?' })
  expect(annotation(expectFailure(await run(short), 'probe', 'probe-dns-failed'))).toMatch(/DNS does not answer for k8s-.*says nothing about the ALB/s)
  await world.setNames({ '*.elb.amazonaws.com': '' })
  expect(annotation(expectFailure(await run(short), 'probe', 'probe-dns-failed'))).toMatch(/has no address in this runner's DNS.*keeps "no such name"/s)
})

sandboxScenario('nothing in the lab says when the name was asked for', 'a name that comes up while the probe tries', async ({ world, run }) => {
  await world.setNames({ '*.elb.amazonaws.com': '' })
  const active = world.traffic.next(({ operation, client }) => operation === 'DescribeLoadBalancers' && client.includes('milvus-alb-action'))
  const named = active.then(() => new Promise((resolve) => setTimeout(resolve, 300))).then(() => world.setNames({ '*.elb.amazonaws.com': world.albAddress }))
  expectSuccess(await run())
  await named
})

scenario('an ssl-policy without a version that this runner offers; and one that leaves older clients out', async ({ world, run }) => {
  const old = expectFailure(await run({ ...short, 'ssl-policy': 'ELBSecurityPolicy-TLS13-1-3-2021-06' }, { environment: { NODE_OPTIONS: `${world.environment()['NODE_OPTIONS'] ?? ''} --tls-max-v1.2` } }), 'probe', 'probe-tls-failed')
  expect(annotation(old)).toMatch(/no version of TLS in common.*ssl-policy is ELBSecurityPolicy-TLS13-1-3-2021-06/)
  const modern = expectSuccess(await run({ 'ssl-policy': 'ELBSecurityPolicy-TLS13-1-3-2021-06' }))
  expect(modern.summary).toContain('takes TLS 1.3 only')
})

scenario('a certificate of somebody else on the listener: another of the group, its default one, or that of a proxy which opens TLS', async ({ world, run }) => {
  const serve = async (hosts: string[], issuer = world.authority) => {
    const { fullchain, privateKey } = await issuer.issue({ hosts })
    await world.overrideAlb({ serve: { certificate: fullchain, privateKey } })
  }
  await serve([world.host])
  expect(annotation(expectFailure(await run({ ...short, 'group-name': 'shared' }), 'probe', 'probe-certificate-differs'))).toMatch(/another certificate of the listener covers.*Ingresses of group shared/s)
  await serve(['other.example.com'])
  expect(annotation(expectFailure(await run({ ...short, 'group-name': 'shared' }), 'probe', 'probe-certificate-differs'))).toMatch(/DNS:other\.example\.com.*shows this one when none of its certificates covers/s)
  await serve([world.host], await createAuthority({ name: 'Company CA' }))
  const proxy = await startProxy((name) => (name.endsWith('.elb.amazonaws.com') ? world.albAddress : undefined))
  try {
    const opened = await run({ ...short, 'group-name': 'shared' }, { environment: { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } })
    expect(annotation(expectFailure(opened, 'probe', 'probe-certificate-differs'))).toMatch(/The proxy 127\.0\.0\.1:\d+ seems to open TLS/)
  } finally {
    await proxy.close()
  }
})

sandboxScenario('Envoy sends no such frames', 'RST_STREAM and GOAWAY are said in words; one that a new connection heals is not even seen', async ({ world, run }) => {
  await world.alb.override({ goaway: 2 })
  expect(expectSuccess(await run()).log).not.toContain('GOAWAY')
  for (const [overrides, text] of [
    [{ reset: 2 }, /RST_STREAM INTERNAL_ERROR, the ALB or the target had a fault of its own\. Tried for 1 s/],
    [{ reset: 7 }, /RST_STREAM REFUSED_STREAM, the call was not taken, and nothing was done/],
    [{ reset: undefined, goaway: 1_000, goawayCode: 11 }, /GOAWAY ENHANCE_YOUR_CALM, the other side found too much coming in/],
    [{ goaway: 0, goawayCode: undefined, reset: 13 }, /HTTP_1_1_REQUIRED, the other side wants HTTP\/1\.1, over which there is no gRPC\.(?! Tried)/],
  ] as const) {
    await world.alb.override(overrides)
    expect(annotation(expectFailure(await run(short), 'probe', 'probe-http-error'))).toMatch(text)
  }
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that is not ready is waited for in the words of any of its lines, and so is a proxy that is not healthy', async ({ world, run }) => {
  world.milvus.ready = false
  for (const version of ['v2.1.4', 'v2.2.16', 'v2.6.15']) {
    world.milvus.version = version
    expect(annotation(expectFailure(await run(short), 'probe', 'milvus-not-ready'))).toContain('Milvus Proxy is not ready yet')
  }
  Object.assign(world.milvus, { ready: true, stateCode: 'Abnormal' })
  expect(annotation(expectFailure(await run(short), 'probe', 'milvus-not-ready'))).toContain('service not ready[proxy=1]: Abnormal')
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that is healthy and may not write: a warning that says why', async ({ world, run }) => {
  Object.assign(world.milvus, { quotaStates: ['DenyToWrite', 'ReadLimited'], reasons: ['memory quota exceeded, please allocate more resources'] })
  expect(expectSuccess(await run()).log).toMatch(/^::warning .*healthy, but writes are denied, reads are slowed down \(memory quota exceeded, please allocate more resources\)/m)
})

sandboxScenario('a real Milvus has no switch for it', 'Milvus that answers with a gRPC status of its own', async ({ world, run }) => {
  const answer = (status: number, message: string, operation: string | RegExp = /./) => world.traffic.inject({ part: 'milvus', operation, error: { status, code: '', message } })
  for (const [status, message, code, text] of [
    [7, 'PrivilegeGetVersion: permission deny to reader', 'probe-grpc-error', /user of milvus-token may not call this/],
    [8, 'rate limit exceeded', 'probe-grpc-error', /too much to do, or a limit.*Tried for 1 s/],
    [12, 'unknown service milvus.proto.milvus.MilvusService', 'milvus-not-found', /speaks gRPC, but is not Milvus/],
  ] as const) {
    const heal = answer(status, message)
    expect(annotation(expectFailure(await run(short), 'probe', code))).toMatch(text)
    heal()
  }
  // 2.2.8 and older have no Connect.
  answer(12, 'unknown method Connect', 'Connect')
  expect(expectSuccess(await run()).outputs['milvus-version']).toBe('v2.6.15')
})

sandboxScenario('a real Milvus knows no API keys', 'an API key: taken where Milvus knows it, and refused with the reason where it does not', async ({ world, run }) => {
  world.milvus.authorization = { user: 'root', password: 'canary-of-root', apiKey: 'canary-of-an-api-key' }
  expectSuccess(await run({ 'milvus-token': 'canary-of-an-api-key' }))
  expect(annotation(expectFailure(await run({ 'milvus-token': 'canary-of-another-key' }), 'probe', 'milvus-unauthenticated'))).toMatch(/no colon and is taken for an API key/)
})

const named = { ...short, 'probe-dns': 'true' }

scenario("probe-dns: the host's own name is probed once it leads to the ALB, by a CNAME or by its addresses", async ({ world, run }) => {
  const alb = { '*.elb.amazonaws.com': world.albAddress }
  await world.setNames({ ...alb, [world.host]: '' })
  const missing = expectFailure(await run(named), 'probe', 'probe-host-dns-missing')
  const address = missing.outputs['alb-address'] ?? ''
  expect(annotation(missing)).toContain(`record to ${address}`)
  await world.setNames({ ...alb, [world.host]: '127.0.0.99' })
  expect(annotation(expectFailure(await run(named), 'probe', 'probe-host-dns-differs'))).toContain(`${world.host} leads elsewhere: to 127.0.0.99, and not to ${address} (${world.albAddress})`)
  await world.setNames({ ...alb, [world.host]: 'old.us-east-2.elb.example.com', 'old.us-east-2.elb.example.com': '127.0.0.99' })
  expect(annotation(expectFailure(await run(named), 'probe', 'probe-host-dns-differs'))).toContain('to old.us-east-2.elb.example.com, 127.0.0.99')
  await world.setNames({ ...alb, [world.host]: `dualstack.${address}` })
  expect(expectSuccess(await run(named)).log).toContain(`DNS leads ${world.host} to the ALB, and Milvus answers by that name`)
  await world.setNames({ ...alb, [world.host]: world.albAddress })
  expectSuccess(await run(named))
})

sandboxScenario('nothing in the lab says when the name was asked for', 'probe-dns: a record that ExternalDNS makes while the probe tries', async ({ world, run }) => {
  const alb = { '*.elb.amazonaws.com': world.albAddress }
  await world.setNames({ ...alb, [world.host]: '' })
  const probed = world.traffic.next(({ part, operation }) => part === 'milvus' && operation === 'CheckHealth')
  void probed.then(() => setTimeout(() => void world.setNames({ ...alb, [world.host]: world.albAddress }), 300))
  expectSuccess(await run({ 'probe-dns': 'true' }))
})

scenario('probe-dns with probe: off is a conflict', async ({ run, writes }) => {
  expectFailure(await run({ probe: 'off', 'probe-dns': 'true' }), 'preflight', 'inputs-conflict')
  expect(writes()).toEqual([])
})
