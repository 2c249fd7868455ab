/**
 * The probe: the connection to the ALB, its TLS and its responses, Milvus' status, and the host's
 * DNS name.
 */
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { expect } from '@jest/globals'
import {
  getErrorAnnotation,
  expectFailure,
  expectSuccess,
  simulatorScenario,
  scenario,
  setDefaultStart,
} from './harness.ts'
import { startProxy } from './forward-proxy.ts'
import { startBlackHole } from './black-hole.ts'

setDefaultStart('deployed')

const shortProbe = { 'probe-timeout': '1s' }

for (const [status, code] of [
  [403, 'probe-http-error'],
  [404, 'probe-not-routed'],
  [464, 'probe-protocol-mismatch'],
  [502, 'probe-target-failed'],
  [503, 'probe-no-targets'],
  [504, 'probe-target-timeout'],
] as const) {
  scenario(`the ALB answers ${status}`, async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: status })
    const result = await run(shortProbe)
    expectFailure(result, 'probe', code)
    expect(getErrorAnnotation(result)).toContain(`HTTP ${status}`)
    expect(result.outputs['alb-address']).toBeDefined()
  })
}

simulatorScenario(
  'Envoy does not say when a request has come',
  'targets that become healthy while the probe retries',
  async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: 503 })
    environment.requestLog.injectFault({
      service: 'alb',
      operation: /.*/,
      times: 1,
      gate: environment.overrideAlb({ fixedStatus: undefined }),
    })
    expectSuccess(await run())
  },
)

scenario('the ALB serves another certificate', async ({ environment, run }) => {
  const other = await environment.certificateAuthority.issue({ hosts: [environment.host] })
  await environment.overrideAlb({
    servedCertificate: { certificate: other.fullchain, privateKey: other.privateKey },
  })
  expectFailure(await run(shortProbe), 'probe', 'probe-certificate-differs')
})

scenario('a private CA is untrusted, and trusted with probe-ca', async ({ environment, run }) => {
  const env = { NODE_EXTRA_CA_CERTS: '' }
  expectFailure(await run({}, { env }), 'probe', 'probe-certificate-untrusted')
  const trustedRun = await run({ 'probe-ca': environment.certificateAuthority.root }, { env })
  expectSuccess(trustedRun)
  expect(trustedRun.summary).toContain('server_pem_path')
})

scenario('an ALB without HTTP/2', async ({ environment, run }) => {
  await environment.overrideAlb({ alpnProtocols: ['http/1.1'] })
  expectFailure(await run(shortProbe), 'probe', 'probe-http2-missing')
})

scenario('an ALB that accepts no connection', async ({ environment, run }) => {
  await environment.overrideAlb({ refuseConnections: true })
  expectFailure(await run(shortProbe), 'probe', 'probe-unreachable')
})

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
  'Milvus with authorization is reached without a token, verified with one, and rejects a wrong one',
  async ({ environment, run }) => {
    const token = await environment.enableAuthorization()
    const unauthenticatedRun = await run({ 'milvus-token': '' })
    expectSuccess(unauthenticatedRun)
    expect(unauthenticatedRun.outputs['milvus-version']).toBeUndefined()
    expect(unauthenticatedRun.summary).toContain('requires credentials')
    const authenticatedRun = await run({ 'milvus-token': token })
    expectSuccess(authenticatedRun)
    expect(authenticatedRun.outputs['milvus-version']).toMatch(/^v2\./)
    expectFailure(
      await run({ 'milvus-token': 'root:canary-of-another' }),
      'probe',
      'milvus-unauthenticated',
    )
  },
)

simulatorScenario(
  'a real Milvus has no switch for it',
  'an unhealthy Milvus with its reasons',
  async ({ environment, run }) => {
    Object.assign(environment.milvus, { healthy: false, reasons: ['querycoord not ready'] })
    const result = await run(shortProbe)
    expectFailure(result, 'probe', 'milvus-unhealthy')
    expect(getErrorAnnotation(result)).toContain('querycoord not ready')
  },
)

simulatorScenario(
  'a real Milvus has no switch for it',
  'a Milvus that is not ready',
  async ({ environment, run }) => {
    environment.milvus.ready = false
    expectFailure(await run(shortProbe), 'probe', 'milvus-not-ready')
  },
)

scenario(
  'Milvus without authorization is a warning behind a public ALB, a note behind others, and a failure with require-authorization',
  async ({ environment, run }) => {
    const openRun = expectSuccess(await run())
    expect(openRun.log).toMatch(/^::warning .*answers without credentials.*open to the internet/m)
    const restrictedRun = expectSuccess(await run({ 'inbound-cidrs': '10.0.0.0/8' }))
    expect(restrictedRun.log).not.toMatch(/^::warning .*without credentials/m)
    expect(restrictedRun.summary).toContain('answers without credentials')
    expectFailure(
      await run({ 'require-authorization': 'true' }),
      'probe',
      'milvus-authorization-off',
    )
    const token = await environment.enableAuthorization()
    const authorizedRun = expectSuccess(
      await run({ 'require-authorization': 'true', 'milvus-token': token }),
    )
    expect(authorizedRun.summary).not.toContain('answers without credentials')
  },
)

scenario('probe: off is reported clearly', async ({ environment, run }) => {
  await environment.overrideAlb({ refuseConnections: true })
  const result = await run({ probe: 'off' })
  expectSuccess(result)
  expect(result.log).toMatch(/^::warning .*probe is off/m)
  expect(result.summary).toContain('was not probed')
})

for (const [description, expectedByStatus] of Object.entries<Record<number, RegExp>>({
  'of a listener rule or a web ACL': {
    302: /redirects the call, or asks users to log in/,
    401: /authenticates users, and denied/,
    413: /Lambda/,
    431: /by itself never says that.*custom response of AWS WAF/s,
    461: /by itself never says that/,
    561: /identity provider returned an error/,
  },
  'to a call that was altered in transit': {
    400: /found the request malformed/,
    405: /something in between changed it/,
    414: /path of the call is too long/,
    463: /more than 30 addresses/,
    501: /Transfer-Encoding/,
    505: /another HTTP version/,
  },
})) {
  scenario(`a response ${description} ends the probe at once`, async ({ environment, run }) => {
    for (const [status, text] of Object.entries(expectedByStatus)) {
      await environment.overrideAlb({ fixedStatus: Number(status) })
      const result = expectFailure(await run(), 'probe', 'probe-http-error')
      expect(getErrorAnnotation(result)).toContain(`HTTP ${status}`)
      expect(getErrorAnnotation(result)).toMatch(text)
    }
  })
}

scenario('a transient error of the ALB is retried', async ({ environment, run }) => {
  const expectedByStatus: Record<number, RegExp> = {
    408: /idle timeout/,
    429: /too many requests/,
    500: /web ACL of AWS WAF failed/,
  }
  for (const [status, text] of Object.entries(expectedByStatus)) {
    await environment.overrideAlb({ fixedStatus: Number(status) })
    const result = expectFailure(await run(shortProbe), 'probe', 'probe-http-error')
    expect(getErrorAnnotation(result)).toMatch(text)
    expect(getErrorAnnotation(result)).toContain('Tried for 1 s.')
  }
})

simulatorScenario(
  'Envoy does not say when a request has come',
  "a Service deleted after preflight: the ALB's fixed response is recognized by the probe",
  async ({ environment, run }) => {
    expectSuccess(await run())
    const ruleUpdated = environment.requestLog.nextRequest(
      ({ operation }) =>
        operation === 'ModifyRule' ||
        operation === 'CreateRule' ||
        operation === 'SetRulePriorities',
    )
    const serviceDeleted = environment.requestLog
      .nextRequest(({ service: part }) => part === 'alb')
      .then(async () => {
        await environment.kubectl('delete', 'service', 'milvus-demo')
        await ruleUpdated
      })
    environment.requestLog.injectFault({
      service: 'alb',
      operation: /.*/,
      times: 1,
      gate: serviceDeleted,
    })
    const result = expectFailure(await run(shortProbe), 'probe', 'probe-no-targets')
    expect(getErrorAnnotation(result)).toContain(
      'the Service that the Ingress names does not exist',
    )
  },
)

scenario(
  'an internal ALB that does not respond is reported within seconds: the runner must be inside the network',
  async ({ environment, run }) => {
    const blackHole = await startBlackHole(environment.listenPort)
    try {
      await environment.setDnsRecords({ '*.elb.amazonaws.com': blackHole.address })
      const result = expectFailure(await run({ scheme: 'internal' }), 'probe', 'probe-unreachable')
      expect(
        Number(/✗ probe: probe-unreachable \(([\d.]+) s\)/.exec(result.log)?.[1]),
      ).toBeLessThan(20)
      expect(getErrorAnnotation(result)).toContain(`(${blackHole.address}): no answer within 3 s`)
      expect(getErrorAnnotation(result)).toMatch(/runner inside the VPC.*probe: off/s)
    } finally {
      blackHole.close()
    }
  },
)

scenario('a runner outside inbound-cidrs: the input is named', async ({ environment, run }) => {
  const blackHole = await startBlackHole(environment.listenPort)
  try {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': blackHole.address })
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'inbound-cidrs': '10.1.0.0/16' }),
          'probe',
          'probe-unreachable',
        ),
      ),
    ).toMatch(
      /no answer within [\d.]+ s, which is how an ALB refuses those whom inbound-cidrs \(10\.1\.0\.0\/16\) leaves out/,
    )
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'security-groups': environment.securityGroup }),
          'probe',
          'probe-unreachable',
        ),
      ),
    ).toContain(`security-groups (${environment.securityGroup})`)
    // This is told apart from an ALB that is down.
    blackHole.close()
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'inbound-cidrs': '10.1.0.0/16' }),
          'probe',
          'probe-unreachable',
        ),
      ),
    ).toContain('Nothing listens on port')
  } finally {
    blackHole.close()
  }
})

simulatorScenario(
  "the lab's other clients know one address of a name",
  'dual stack: an unreachable address does not block the other',
  async ({ environment, run }) => {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': `::1, ${environment.albAddress}` })
    const result = expectSuccess(await run())
    expect(result.log).toContain(`is ::1, ${environment.albAddress}`)
  },
)

scenario(
  'a DNS server that does not respond is told apart from a name that does not exist',
  async ({ environment, run }) => {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': '?' })
    expect(
      getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'probe-dns-failed')),
    ).toMatch(/DNS does not answer for k8s-.*says nothing about the ALB/s)
    await environment.setDnsRecords({ '*.elb.amazonaws.com': '' })
    expect(
      getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'probe-dns-failed')),
    ).toMatch(/has no address in this runner's DNS.*keeps "no such name"/s)
  },
)

simulatorScenario(
  'nothing in the lab says when the name was asked for',
  'a DNS record that appears while the probe retries',
  async ({ environment, run }) => {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': '' })
    const loadBalancerPolled = environment.requestLog.nextRequest(
      ({ operation, userAgent: client }) =>
        operation === 'DescribeLoadBalancers' && client.includes('milvus-alb-action'),
    )
    const probeDnsInputs = loadBalancerPolled
      .then(() => new Promise((resolve) => setTimeout(resolve, 300)))
      .then(() => environment.setDnsRecords({ '*.elb.amazonaws.com': environment.albAddress }))
    expectSuccess(await run())
    await probeDnsInputs
  },
)

scenario(
  'an ssl-policy without a TLS version of this runner, and one that excludes older clients',
  async ({ environment, run }) => {
    const legacyClientRun = expectFailure(
      await run(
        { ...shortProbe, 'ssl-policy': 'ELBSecurityPolicy-TLS13-1-3-2021-06' },
        {
          env: { NODE_OPTIONS: `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --tls-max-v1.2` },
        },
      ),
      'probe',
      'probe-tls-failed',
    )
    expect(getErrorAnnotation(legacyClientRun)).toMatch(
      /no version of TLS in common.*ssl-policy is ELBSecurityPolicy-TLS13-1-3-2021-06/,
    )
    const modernRun = expectSuccess(
      await run({ 'ssl-policy': 'ELBSecurityPolicy-TLS13-1-3-2021-06' }),
    )
    expect(modernRun.summary).toContain('takes TLS 1.3 only')
  },
)

scenario(
  'a foreign certificate on the listener: of the group, the default one, or of a proxy that intercepts TLS',
  async ({ environment, run }) => {
    const serveCertificate = async (hosts: string[], issuer = environment.certificateAuthority) => {
      const { fullchain, privateKey } = await issuer.issue({ hosts })
      await environment.overrideAlb({ servedCertificate: { certificate: fullchain, privateKey } })
    }
    await serveCertificate([environment.host])
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'group-name': 'shared' }),
          'probe',
          'probe-certificate-differs',
        ),
      ),
    ).toMatch(/another certificate of the listener covers.*Ingresses of group shared/s)
    await serveCertificate(['other.example.com'])
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'group-name': 'shared' }),
          'probe',
          'probe-certificate-differs',
        ),
      ),
    ).toMatch(/DNS:other\.example\.com.*shows this one when none of its certificates covers/s)
    await serveCertificate(
      [environment.host],
      await createCertificateAuthority({ name: 'Company CA' }),
    )
    const proxy = await startProxy((name) =>
      name.endsWith('.elb.amazonaws.com') ? environment.albAddress : undefined,
    )
    try {
      const interceptedRun = await run(
        { ...shortProbe, 'group-name': 'shared' },
        { env: { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } },
      )
      expect(
        getErrorAnnotation(expectFailure(interceptedRun, 'probe', 'probe-certificate-differs')),
      ).toMatch(/The proxy 127\.0\.0\.1:\d+ seems to open TLS/)
    } finally {
      await proxy.close()
    }
  },
)

simulatorScenario(
  'Envoy sends no such frames',
  'RST_STREAM and GOAWAY are explained; one that a new connection fixes is invisible',
  async ({ environment, run }) => {
    await environment.alb.setOverrides({ goawayCount: 2 })
    expect(expectSuccess(await run()).log).not.toContain('GOAWAY')
    for (const [overrides, text] of [
      [
        { resetErrorCode: 2 },
        /RST_STREAM INTERNAL_ERROR, the ALB or the target had a fault of its own\. Tried for 1 s/,
      ],
      [
        { resetErrorCode: 7 },
        /RST_STREAM REFUSED_STREAM, the call was not taken, and nothing was done/,
      ],
      [
        { resetErrorCode: undefined, goawayCount: 1_000, goawayErrorCode: 11 },
        /GOAWAY ENHANCE_YOUR_CALM, the other side found too much coming in/,
      ],
      [
        { goawayCount: 0, goawayErrorCode: undefined, resetErrorCode: 13 },
        /HTTP_1_1_REQUIRED, the other side wants HTTP\/1\.1, over which there is no gRPC\.(?! Tried)/,
      ],
    ] as const) {
      await environment.alb.setOverrides(overrides)
      expect(
        getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'probe-http-error')),
      ).toMatch(text)
    }
  },
)

simulatorScenario(
  'a real Milvus has no switch for it',
  'a Milvus that is starting is retried for every known error text, and so is an unhealthy proxy',
  async ({ environment, run }) => {
    environment.milvus.ready = false
    for (const version of ['v2.1.4', 'v2.2.16', 'v2.6.15']) {
      environment.milvus.version = version
      expect(
        getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'milvus-not-ready')),
      ).toContain('Milvus Proxy is not ready yet')
    }
    Object.assign(environment.milvus, { ready: true, stateCode: 'Abnormal' })
    expect(
      getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'milvus-not-ready')),
    ).toContain('service not ready[proxy=1]: Abnormal')
  },
)

simulatorScenario(
  'a real Milvus has no switch for it',
  'a healthy Milvus that denies writes is a warning with the reason',
  async ({ environment, run }) => {
    Object.assign(environment.milvus, {
      quotaStates: ['DenyToWrite', 'ReadLimited'],
      reasons: ['memory quota exceeded, please allocate more resources'],
    })
    expect(expectSuccess(await run()).log).toMatch(
      /^::warning .*healthy, but writes are denied, reads are slowed down \(memory quota exceeded, please allocate more resources\)/m,
    )
  },
)

simulatorScenario(
  'a real Milvus has no switch for it',
  'a gRPC status set by Milvus',
  async ({ environment, run }) => {
    const injectGrpcError = (status: number, message: string, operation: string | RegExp = /./) =>
      environment.requestLog.injectFault({
        service: 'milvus',
        operation,
        error: { status, code: '', message },
      })
    for (const [status, message, code, text] of [
      [
        7,
        'PrivilegeGetVersion: permission deny to reader',
        'probe-grpc-error',
        /user of milvus-token may not call this/,
      ],
      [8, 'rate limit exceeded', 'probe-grpc-error', /too much to do, or a limit.*Tried for 1 s/],
      [
        12,
        'unknown service milvus.proto.milvus.MilvusService',
        'milvus-not-found',
        /speaks gRPC, but is not Milvus/,
      ],
    ] as const) {
      const removeFault = injectGrpcError(status, message)
      expect(getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', code))).toMatch(text)
      removeFault()
    }
    // 2.2.8 and older do not implement Connect.
    injectGrpcError(12, 'unknown method Connect', 'Connect')
    expect(expectSuccess(await run()).outputs['milvus-version']).toBe('v2.6.15')
  },
)

simulatorScenario(
  'a real Milvus knows no API keys',
  'an API key works where Milvus accepts it, and is rejected with the reason elsewhere',
  async ({ environment, run }) => {
    environment.milvus.authorization = {
      user: 'root',
      password: 'canary-of-root',
      apiKey: 'canary-of-an-api-key',
    }
    expectSuccess(await run({ 'milvus-token': 'canary-of-an-api-key' }))
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ 'milvus-token': 'canary-of-another-key' }),
          'probe',
          'milvus-unauthenticated',
        ),
      ),
    ).toMatch(/no colon and is taken for an API key/)
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
    expect(getErrorAnnotation(missingRecordRun)).toContain(`record to ${albHostname}`)
    await environment.setDnsRecords({ ...albNames, [environment.host]: '127.0.0.99' })
    expect(
      getErrorAnnotation(
        expectFailure(await run(probeDnsInputs), 'probe', 'probe-host-dns-differs'),
      ),
    ).toContain(
      `${environment.host} leads elsewhere: to 127.0.0.99, and not to ${albHostname} (${environment.albAddress})`,
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
    ).toContain('to old.us-east-2.elb.example.com, 127.0.0.99')
    await environment.setDnsRecords({ ...albNames, [environment.host]: `dualstack.${albHostname}` })
    expect(expectSuccess(await run(probeDnsInputs)).log).toContain(
      `DNS leads ${environment.host} to the ALB, and Milvus answers by that name`,
    )
    await environment.setDnsRecords({ ...albNames, [environment.host]: environment.albAddress })
    expectSuccess(await run(probeDnsInputs))
  },
)

simulatorScenario(
  'nothing in the lab says when the name was asked for',
  'probe-dns: a record that ExternalDNS creates while the probe retries',
  async ({ environment, run }) => {
    const albNames = { '*.elb.amazonaws.com': environment.albAddress }
    await environment.setDnsRecords({ ...albNames, [environment.host]: '' })
    const healthChecked = environment.requestLog.nextRequest(
      ({ service: part, operation }) => part === 'milvus' && operation === 'CheckHealth',
    )
    void healthChecked.then(() =>
      setTimeout(
        () =>
          void environment.setDnsRecords({
            ...albNames,
            [environment.host]: environment.albAddress,
          }),
        300,
      ),
    )
    expectSuccess(await run({ 'probe-dns': 'true' }))
  },
)

scenario('probe-dns with probe: off is a conflict', async ({ run, writes }) => {
  expectFailure(await run({ probe: 'off', 'probe-dns': 'true' }), 'preflight', 'inputs-conflict')
  expect(writes()).toEqual([])
})
