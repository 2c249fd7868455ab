/** The connection of the probe to the ALB: networks, ports and HTTP/2. */
import { expect } from '@jest/globals'
import { isAnsweredAt } from '../../testing/continuous-client.ts'
import { startBlackHole } from './black-hole.ts'
import {
  expectFailure,
  expectSuccess,
  expectToContainAll,
  expectWarnings,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

scenario('an ALB that accepts no connection', async ({ environment, run }) => {
  await environment.overrideAlb({ refuseConnections: true })
  expectFailure(await run(shortProbe), 'probe', 'probe-unreachable')
})

scenario('an ALB without HTTP/2', async ({ environment, run }) => {
  await environment.overrideAlb({ alpnProtocols: ['http/1.1'] })
  expectFailure(await run(shortProbe), 'probe', 'probe-http2-missing')
})

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
      /no answer within [\d.]+ s, which is how an ALB treats addresses that inbound-cidrs \(10\.1\.0\.0\/16\) does not allow/,
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
  'dual stack: an unreachable address does not block the other',
  "the lab's other clients use one address per name",
  async ({ environment, run }) => {
    await environment.setDnsRecords({ '*.elb.amazonaws.com': `::1, ${environment.albAddress}` })
    // With IPv6, nothing listens at ::1; without it, the runner cannot tell.
    const result = expectSuccess(await run(shortProbe))
    expect(result.log).toContain(`resolves to ::1, ${environment.albAddress}`)
  },
)

simulatorScenario(
  'an address of the ALB that does not answer fails the run, although another one does, and only warns with probe: lenient',
  "the lab's other clients use one address per name",
  async ({ environment, run }) => {
    const blackHole = await startBlackHole(environment.listenPort)
    const problems = [
      "2 of the endpoint's 3 addresses do not work, so some clients wait or fail: ",
      `(${blackHole.address}): no answer within`,
      '(127.0.0.2): connection refused (ECONNREFUSED).',
      "Check that the ALB's subnets have a route",
    ]
    try {
      const addresses = `${blackHole.address}, 127.0.0.2, ${environment.albAddress}`
      await environment.setDnsRecords({ '*.elb.amazonaws.com': addresses })
      const failedRun = expectFailure(await run(shortProbe), 'probe', 'probe-address-failed')
      expectToContainAll(getErrorAnnotation(failedRun), problems)
      const lenientRun = expectSuccess(await run({ ...shortProbe, probe: 'lenient' }))
      for (const problem of problems) expectWarnings(lenientRun, [problem])
      for (const { log, outputs } of [failedRun, lenientRun]) {
        expect(log).toMatch(/1 of 3 addresses, 1 of 1 target, \d+ of \d+ calls, p50 \d+ ms, p95/)
        expect(JSON.parse(outputs['probe'] ?? '')).toMatchObject({
          addresses: { working: 1, total: 3 },
          targets: { healthy: 1, total: 1 },
          failures: { 'probe-unreachable': 2 },
        })
      }
      expect(lenientRun.summary).toContain('answers: 1 of 3 addresses, 1 of 1 target, ')
      // gRPC's own client agrees about each address.
      const dead = [blackHole.address, '127.0.0.2']
      for (const address of [...dead, environment.albAddress])
        expect([address, await isAnsweredAt(environment, address, 2_000)]).toEqual([
          address,
          !dead.includes(address),
        ])
      const checkInputs = { ...shortProbe, mode: 'check' }
      expectFailure(await run(checkInputs), 'probe', 'probe-address-failed')
      // An address that starts to work in time is a note at most.
      await environment.setDnsRecords({ '*.elb.amazonaws.com': environment.albAddress })
      expect(expectSuccess(await run()).summary).toContain(
        '1 of 1 address, 1 of 1 target, 20 of 20',
      )
    } finally {
      blackHole.close()
    }
  },
)
