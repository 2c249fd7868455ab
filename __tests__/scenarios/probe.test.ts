/** The responses of the ALB to the probe, and a probe that is off. */
import { expect } from '@jest/globals'
import { expectFailure, expectSuccess, getErrorAnnotation } from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

/** Four calls until Milvus has answered, and those that confirm it. */
const callCountOfFirstRound = 24

for (const [status, code] of Object.entries({
  403: 'probe-http-error',
  404: 'probe-not-routed',
  464: 'probe-protocol-mismatch',
  502: 'probe-target-failed',
  503: 'probe-no-targets',
  504: 'probe-target-timeout',
})) {
  scenario(`the ALB answers ${status}`, async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: Number(status) })
    const result = await run(shortProbe)
    expectFailure(result, 'probe', code)
    expect(getErrorAnnotation(result)).toContain(`HTTP ${status}`)
    expect(result.outputs['alb-address']).toBeDefined()
  })
}

for (const [description, expectedByStatus] of Object.entries<Record<number, RegExp>>({
  'of a listener rule or a web ACL': {
    302: /redirects the call or requires users to log in/,
    401: /authenticates users and denied/,
    413: /Lambda/,
    431: /an ALB never sends this status itself.*custom response of AWS WAF/s,
    461: /an ALB never sends this status itself/,
    561: /identity provider returned an error/,
  },
  'to a call that was altered in transit': {
    400: /found the request malformed/,
    405: /something in between changed the method/,
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
    500: /AWS WAF web ACL failed/,
  }
  for (const [status, text] of Object.entries(expectedByStatus)) {
    await environment.overrideAlb({ fixedStatus: Number(status) })
    const result = expectFailure(await run(shortProbe), 'probe', 'probe-http-error')
    expect(getErrorAnnotation(result)).toMatch(text)
    expect(getErrorAnnotation(result)).toContain('Tried until probe-timeout (1 s) was over.')
  }
})

simulatorScenario(
  'an ALB that answers a fifth of the calls with 502 fails the run, warns with probe: lenient, and is noted once all are answered',
  'Envoy answers each request in the same way',
  async ({ environment, run }) => {
    await environment.alb.setOverrides({ fixedStatus: 502, fixedStatusShare: 0.2 })
    const failedRun = expectFailure(await run(shortProbe), 'probe', 'probe-calls-failed')
    expect(getErrorAnnotation(failedRun)).toMatch(
      /Milvus answers through the ALB, but (\d+) of \d+ calls failed\. \1 times: The ALB answered HTTP 502 .*1 target: [\d.]+:19530 healthy\./s,
    )
    const found = JSON.parse(failedRun.outputs['probe'] ?? '') as {
      calls: { answered: number; total: number }
    }
    expect(found).toMatchObject({
      addresses: { working: 1, total: 1 },
      targets: { healthy: 1, total: 1 },
      failures: { 'probe-target-failed': found.calls.total / 5 },
    })
    expect(found.calls.answered).toBe(found.calls.total * 0.8)
    const lenientRun = expectSuccess(await run({ ...shortProbe, probe: 'lenient' }))
    expect(lenientRun.log).toMatch(/^::warning .*but \d+ of \d+ calls failed/m)
    expect(lenientRun.summary).toMatch(/answers: .*(16 of 20|80 of 100) calls/)
    // The first confirmation fails. Then the ALB answers every call.
    let callCount = 0
    const recovered = environment.requestLog
      .nextRequest(({ service }) => service === 'alb' && (callCount += 1) > callCountOfFirstRound)
      .then(() => environment.alb.setOverrides({ fixedStatus: undefined }))
    const recoveredRun = expectSuccess(await run())
    await recovered
    expect(recoveredRun.log).toContain('100 of 100 calls')
    expect(recoveredRun.summary).toContain('failed at first, and none in the last round')
  },
)

simulatorScenario(
  'targets that become healthy while the probe retries',
  'Envoy does not report when a request arrives',
  async ({ environment, run }) => {
    await environment.overrideAlb({ fixedStatus: 503 })
    environment.faults.inject({
      service: 'alb',
      operation: /.*/,
      times: 1,
      gate: environment.overrideAlb({ fixedStatus: undefined }),
    })
    expectSuccess(await run())
  },
)

simulatorScenario(
  "a Service deleted after preflight: the ALB's fixed response is recognized by the probe",
  'Envoy does not report when a request arrives',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const ruleUpdated = environment.requestLog.nextRequest(
      ({ operation }) =>
        operation === 'ModifyRule' ||
        operation === 'CreateRule' ||
        operation === 'SetRulePriorities',
    )
    const serviceDeleted = environment.requestLog
      .nextRequest(({ service }) => service === 'alb')
      .then(async () => {
        await environment.kubectl('delete', 'service', 'milvus-demo')
        await ruleUpdated
      })
    environment.faults.inject({
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

simulatorScenario(
  'RST_STREAM and GOAWAY are explained; one that a new connection fixes is invisible',
  'Envoy sends no such frames',
  async ({ environment, run }) => {
    await environment.alb.setOverrides({ goawayCount: 2 })
    expect(expectSuccess(await run()).log).not.toContain('GOAWAY')
    for (const { overrides, text } of [
      {
        overrides: { resetErrorCode: 2 },
        text: /the ALB or the target had an internal error \(RST_STREAM INTERNAL_ERROR\)\. Tried until probe-timeout \(1 s\) was over/,
      },
      {
        overrides: { resetErrorCode: 7 },
        text: /the peer refused the call without processing it \(RST_STREAM REFUSED_STREAM\)/,
      },
      {
        overrides: { resetErrorCode: undefined, goawayCount: 1_000, goawayErrorCode: 11 },
        text: /the peer considers the traffic excessive \(GOAWAY ENHANCE_YOUR_CALM\)/,
      },
      {
        overrides: { goawayCount: 0, goawayErrorCode: undefined, resetErrorCode: 13 },
        text: /the peer requires HTTP\/1\.1, which gRPC does not support \(RST_STREAM HTTP_1_1_REQUIRED\)\.(?! Tried)/,
      },
    ] as const) {
      await environment.alb.setOverrides(overrides)
      expect(
        getErrorAnnotation(expectFailure(await run(shortProbe), 'probe', 'probe-http-error')),
      ).toMatch(text)
    }
  },
)

scenario('probe: off is reported clearly', async ({ environment, run }) => {
  await environment.overrideAlb({ refuseConnections: true })
  const result = await run({ probe: 'off' })
  expectSuccess(result)
  expect(result.log).toMatch(/^::warning .*probe is off/m)
  expect(result.summary).toContain('was not probed')
})
