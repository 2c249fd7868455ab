/** The switch of the Service to ClusterIP, and what clients notice of it and of a renewal. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import {
  ContinuousClient,
  nextHelmServiceUpdate,
  startClientThroughAlb,
} from '../../testing/continuous-client.ts'
import { certificateInputs } from './certificate-inputs.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario } from './harness.ts'
import { getServiceType } from './manual-operations.ts'
import { shortProbe } from './run-inputs.ts'

/** The groups of the log, in order. */
const listStepOrder = (log: string): string[] =>
  [...log.matchAll(/^::group::[✓✗] ([\w-]+):/gm)].map(([, step]) => step ?? '')

scenario(
  'cutover: last of a Milvus cluster fails no call on the new address, and none on the old one before the switch',
  async ({ environment, run }) => {
    await environment.installMilvus({ mode: 'cluster' })
    const inputs = { cutover: 'last', values: '' }
    const { host, port } = await environment.openServiceLoadBalancer()
    const oldClient = new ContinuousClient({ address: `${host}:${port}` })
    const clients: ContinuousClient[] = [oldClient]
    const serviceSwitched = nextHelmServiceUpdate(environment)
    try {
      const result = expectSuccess(
        await run(inputs, {
          // From the moment at which the action reports that the new address works.
          onLine: (line) => {
            if (clients.length === 1 && line.includes('✓ probe'))
              clients.push(
                startClientThroughAlb(environment),
                startClientThroughAlb(environment, true),
              )
          },
        }),
      )
      expect(listStepOrder(result.log)).toEqual([
        'preflight',
        'certificate',
        'ingress',
        'load-balancer',
        'probe',
        'release',
        'probe',
      ])
      await Promise.all(clients.map((client) => client.stop()))
      const { receivedAt: switchedAt } = await serviceSwitched
      expect(oldClient.calls.filter(({ endedAt }) => endedAt < switchedAt)).not.toEqual([])
      expect(oldClient.failedCalls.filter(({ endedAt }) => endedAt < switchedAt)).toEqual([])
      // The old load balancer is deleted with the type of the Service.
      expect(oldClient.failedCalls).not.toEqual([])
      expect(
        clients
          .slice(1)
          .flatMap(({ calls }) => calls)
          .filter(({ startedAt }) => startedAt > switchedAt),
      ).not.toEqual([])
      expect(clients.slice(1).flatMap(({ failedCalls }) => failedCalls)).toEqual([])
      expect(await getServiceType(environment)).toBe('ClusterIP')
    } finally {
      await Promise.all(clients.map((client) => client.stop()))
    }
    expectUnchanged(await run(inputs))
  },
  { start: 'empty' },
)

scenario(
  'cutover: last keeps the old address if the probe of the new one fails',
  async ({ environment, run }) => {
    const { host, port } = await environment.openServiceLoadBalancer()
    const oldClient = new ContinuousClient({ address: `${host}:${port}` })
    try {
      await environment.overrideAlb({ fixedStatus: 502 })
      expectFailure(await run({ cutover: 'last', ...shortProbe }), 'probe', 'probe-target-failed')
      await oldClient.stop()
      expect(oldClient.failedCalls).toEqual([])
      expect(await getServiceType(environment)).toBe('LoadBalancer')
    } finally {
      await oldClient.stop()
    }
    await environment.overrideAlb({ fixedStatus: undefined })
    expect(listChanges(expectSuccess(await run({ cutover: 'last' })))).toEqual([
      'release service.type',
    ])
    expect(await getServiceType(environment)).toBe('ClusterIP')
  },
)

scenario(
  'cutover: never leaves the Service to its owner, and does not run Helm',
  async ({ environment, run }) => {
    const result = expectSuccess(await run({ cutover: 'never', values: '' }))
    expect(await getServiceType(environment)).toBe('LoadBalancer')
    expect(await environment.helmCalls()).toEqual([])
    expect(result.log).toContain('Service milvus-demo is of type LoadBalancer, and is not changed')
    expect(result.outputs['release-revision']).toBe('1')
    expectUnchanged(await run({ cutover: 'never', values: '' }))
  },
)

scenario('cutover: never with a change for Helm is an error', async ({ run }) => {
  expect(
    getErrorAnnotation(
      expectFailure(await run({ cutover: 'never' }), 'preflight', 'inputs-conflict'),
    ),
  ).toContain(
    'Input cutover is never, which leaves the release unchanged, but values would change it',
  )
})

scenario(
  'a renewal fails no call of connected clients, nor of new ones',
  async ({ environment, run }) => {
    const first = expectSuccess(await run())
    const clients = [startClientThroughAlb(environment), startClientThroughAlb(environment, true)]
    try {
      const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
      const result = expectSuccess(await run(certificateInputs(renewed)))
      await Promise.all(clients.map((client) => client.stop()))
      expect(result.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
      // The run ends only when the ALB serves the new certificate.
      expect(result.log).toContain(
        `certificate ${new X509Certificate(renewed.certificate).serialNumber}`,
      )
      for (const { calls, failedCalls } of clients) {
        expect(calls.length).toBeGreaterThan(3)
        expect(failedCalls).toEqual([])
      }
    } finally {
      await Promise.all(clients.map((client) => client.stop()))
    }
  },
)
