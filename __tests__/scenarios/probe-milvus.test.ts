/** What Milvus answers to the probe: authorization, health, and gRPC errors. */
import { expect } from '@jest/globals'
import {
  expectFailure,
  expectSuccess,
  expectToContainAll,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

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

scenario(
  'Milvus without authorization is a warning behind a public ALB, a note behind others, and a failure with require-authorization',
  async ({ environment, run }) => {
    const openRun = expectSuccess(await run({ 'milvus-token': '' }))
    expect(openRun.log).toMatch(/^::warning .*answers without credentials.*open to the internet/m)
    expect(openRun.log).not.toContain('did not check milvus-token')
    const restrictedRun = expectSuccess(await run({ 'inbound-cidrs': '10.0.0.0/8' }))
    expect(restrictedRun.log).not.toMatch(/^::warning .*without credentials/m)
    expect(restrictedRun.summary).toMatch(
      /answers without credentials.*It did not check milvus-token\./,
    )
    const prefixLists = 'alb.ingress.kubernetes.io/security-group-prefix-lists: pl-0a1b2c3d'
    expect(expectSuccess(await run({ annotations: prefixLists })).log).not.toContain(
      'open to the internet',
    )
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

scenario(
  "root's default password is a failure with require-authorization, until it is changed",
  async ({ environment, run }) => {
    const required = { 'require-authorization': 'true', 'milvus-token': '' }
    await environment.enableAuthorization({ keepsDefaultPassword: true })
    expectSuccess(await run({ 'milvus-token': '' }))
    const failed = expectFailure(await run(required), 'probe', 'milvus-default-password')
    expectToContainAll(getErrorAnnotation(failed), [
      'Milvus accepts the default password of root',
      'Change the password of root',
    ])
    const token = await environment.enableAuthorization()
    expectSuccess(await run(required))
    expectSuccess(await run({ ...required, 'milvus-token': token }))
  },
)

simulatorScenario(
  'root is tried with its default password once, when everything else succeeded, and not unasked',
  'only the simulated Milvus records its calls',
  async ({ environment, run }) => {
    const token = await environment.enableAuthorization()
    const countLogins = async (inputs: Readonly<Record<string, string>>) => {
      const { requests } = environment.requestLog
      const offset = requests.length
      const { outputs } = await run({ 'milvus-token': token, 'probe-timeout': '2s', ...inputs })
      const operations = requests.slice(offset).map(({ operation }) => operation)
      const countOf = (name: string) => operations.filter((each) => each === name).length
      const { calls } = JSON.parse(outputs['probe'] || '{}') as { calls?: { total: number } }
      // Each attempt calls both with the token, and GetVersion without.
      return countOf('GetVersion') - 2 * countOf('Connect') - (calls?.total ?? 0)
    }
    environment.milvus.healthy = false
    expect(await countLogins({ 'require-authorization': 'true' })).toBe(0)
    environment.milvus.healthy = true
    expect(await countLogins({ 'require-authorization': 'true' })).toBe(1)
    expect(await countLogins({})).toBe(0)
  },
)

simulatorScenario(
  'an API key works where Milvus accepts it, and is rejected with the reason elsewhere',
  'a real Milvus has no API keys',
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
    ).toMatch(/no colon and is treated as an API key/)
  },
)

simulatorScenario(
  'an unhealthy Milvus with its reasons',
  'a real Milvus cannot be put into this state',
  async ({ environment, run }) => {
    Object.assign(environment.milvus, { healthy: false, reasons: ['querycoord not ready'] })
    const result = await run(shortProbe)
    expectFailure(result, 'probe', 'milvus-unhealthy')
    expect(getErrorAnnotation(result)).toContain('querycoord not ready')
  },
)

simulatorScenario(
  'a Milvus that is not ready',
  'a real Milvus cannot be put into this state',
  async ({ environment, run }) => {
    environment.milvus.ready = false
    expectFailure(await run(shortProbe), 'probe', 'milvus-not-ready')
  },
)

simulatorScenario(
  'a Milvus that is starting is retried for every known error text, and so is an unhealthy proxy',
  'a real Milvus cannot be put into this state',
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
  'a healthy Milvus that denies writes is a warning with the reason',
  'a real Milvus cannot be put into this state',
  async ({ environment, run }) => {
    Object.assign(environment.milvus, {
      quotaStates: ['DenyToWrite', 'ReadLimited'],
      reasons: ['memory quota exceeded, please allocate more resources'],
    })
    expect(expectSuccess(await run()).log).toMatch(
      /^::warning .*healthy, but writes are denied, reads are throttled \(memory quota exceeded, please allocate more resources\)/m,
    )
  },
)

simulatorScenario(
  'a gRPC status set by Milvus',
  'a real Milvus cannot be put into this state',
  async ({ environment, run }) => {
    const injectGrpcError = (status: number, message: string, operation: string | RegExp = /./) =>
      environment.faults.inject({
        service: 'milvus',
        operation,
        error: { status, code: '', message },
      })
    for (const { status, message, code, text } of [
      {
        status: 7,
        message: 'PrivilegeGetVersion: permission deny to reader',
        code: 'probe-grpc-error',
        text: /user of milvus-token lacks the privilege for this call/,
      },
      {
        status: 8,
        message: 'rate limit exceeded',
        code: 'probe-grpc-error',
        text: /it is overloaded, or one of its limits is reached.*Tried until probe-timeout \(1 s\) was over/,
      },
      {
        status: 12,
        message: 'unknown service milvus.proto.milvus.MilvusService',
        code: 'milvus-not-found',
        text: /speaks gRPC but is not Milvus/,
      },
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
