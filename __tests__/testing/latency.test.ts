/** The proxies that add latency to a test environment. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { expect, test } from '@jest/globals'
import { startLatencyProxy } from '../../testing/latency.ts'

/** Timers may be a little early. */
const tolerance = 5

test('a connection takes a round trip, and so does each request, in order', async () => {
  const roundTrip = 60
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const host = '127.0.0.1'
  const proxy = await startLatencyProxy(
    { listen: { host, port: 0 }, target: { host, port } },
    roundTrip,
  )
  const client = connect(proxy.port, host)
  try {
    const startedAt = performance.now()
    client.write('first ')
    await once(client, 'data')
    const answeredAt = performance.now()
    expect(answeredAt - startedAt).toBeGreaterThan(2 * roundTrip - tolerance)
    client.write('second ')
    client.end('third')
    let text = ''
    for await (const chunk of client) text += String(chunk)
    expect(text).toBe('second third')
    expect(performance.now() - answeredAt).toBeGreaterThan(roundTrip - tolerance)
  } finally {
    client.destroy()
    await proxy.close()
    server.close()
  }
})
