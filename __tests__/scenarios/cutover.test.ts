/** When the Service becomes ClusterIP, and what clients notice of it; what they notice of a renewal. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { CallingClient, callThroughAlb, serviceSwitch } from '../../sandbox/calling-client.ts'
import type { World } from '../../sandbox/world.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, scenario } from './harness.ts'
import { get } from './hands.ts'

const serviceType = async (world: World): Promise<unknown> => ((await get(world, 'service', 'milvus-demo'))?.['spec'] as { type?: string } | undefined)?.type

/** Groups of the log, in order. */
const order = (log: string): string[] => [...log.matchAll(/^::group::[✓✗] ([\w-]+):/gm)].map(([, step]) => step ?? '')

scenario('cutover last of a Milvus cluster: no call fails on the new address, and none on the old one before the switch', async ({ world, run }) => {
  await world.installMilvus({ mode: 'cluster' })
  const inputs = { cutover: 'last', values: '' }
  const { host, port } = await world.serviceAddress()
  const old = new CallingClient({ address: `${host}:${port}` })
  const clients: CallingClient[] = [old]
  const switching = serviceSwitch(world)
  try {
    const result = expectSuccess(await run(inputs, {
      // From the moment at which the action says that the new one works.
      onLine: (line) => {
        if (clients.length === 1 && line.includes('✓ probe')) clients.push(callThroughAlb(world), callThroughAlb(world, true))
      },
    }))
    expect(order(result.log)).toEqual(['preflight', 'certificate', 'ingress', 'load-balancer', 'probe', 'release', 'probe'])
    await Promise.all(clients.map((client) => client.stop()))
    const { at } = await switching
    expect(old.calls.filter(({ ended }) => ended < at)).not.toEqual([])
    expect(old.failed.filter(({ ended }) => ended < at)).toEqual([])
    // The old load balancer goes with the type of the Service.
    expect(old.failed).not.toEqual([])
    expect(clients.slice(1).flatMap(({ calls }) => calls).filter(({ begun }) => begun > at)).not.toEqual([])
    expect(clients.slice(1).flatMap(({ failed }) => failed)).toEqual([])
    expect(await serviceType(world)).toBe('ClusterIP')
  } finally {
    await Promise.all(clients.map((client) => client.stop()))
  }
  expectUnchanged(await run(inputs))
}, { start: 'empty' })

scenario('cutover last: when the new address is not proven, the old one serves on', async ({ world, run }) => {
  const { host, port } = await world.serviceAddress()
  const old = new CallingClient({ address: `${host}:${port}` })
  try {
    await world.overrideAlb({ respond: 502 })
    expectFailure(await run({ cutover: 'last', 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
    await old.stop()
    expect(old.failed).toEqual([])
    expect(await serviceType(world)).toBe('LoadBalancer')
  } finally {
    await old.stop()
  }
  await world.overrideAlb({ respond: undefined })
  expect(changed(expectSuccess(await run({ cutover: 'last' })))).toEqual(['release service.type'])
  expect(await serviceType(world)).toBe('ClusterIP')
})

scenario('cutover never: the Service is left to whoever manages it, and helm is not asked', async ({ world, run }) => {
  const result = expectSuccess(await run({ cutover: 'never', values: '' }))
  expect(await serviceType(world)).toBe('LoadBalancer')
  expect(await world.helmCalls()).toEqual([])
  expect(result.log).toContain('Service milvus-demo is of type LoadBalancer and is left so')
  expect(result.outputs['release-revision']).toBe('1')
  expectUnchanged(await run({ cutover: 'never', values: '' }))
})

scenario('cutover never and something for helm to change', async ({ run }) => {
  expect(annotation(expectFailure(await run({ cutover: 'never' }), 'preflight', 'inputs-conflict'))).toContain('Input cutover is never, which leaves the release alone, and values would change it')
})

scenario('a renewal: no call fails of clients that are connected throughout, nor of those that connect anew', async ({ world, run }) => {
  const first = expectSuccess(await run())
  const clients = [callThroughAlb(world), callThroughAlb(world, true)]
  try {
    const renewed = await world.authority.issue({ hosts: [world.host] })
    const result = expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }))
    await Promise.all(clients.map((client) => client.stop()))
    expect(result.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
    // The run ends only when the ALB serves the new one.
    expect(result.log).toContain(`certificate ${new X509Certificate(renewed.certificate).serialNumber}`)
    for (const { calls, failed } of clients) {
      expect(calls.length).toBeGreaterThan(3)
      expect(failed).toEqual([])
    }
  } finally {
    await Promise.all(clients.map((client) => client.stop()))
  }
})
