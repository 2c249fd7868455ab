/**
 * An address that drops packets, as a security group does: a listener with a full queue, in a
 * process that accepts no connections.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import net from 'node:net'

/** The running listener. */
export interface BlackHole {
  /** In 127.0.0.0/8, and not used by any test environment. */
  readonly address: string
  /** Afterwards, connections are refused. */
  close(): void
}

/** Linux drops a SYN when the queue of unaccepted connections is full. */
const listenerScript = `
const [address, port] = process.argv.slice(1)
require('node:net').createServer().listen({ host: address, port, backlog: 1 }, () => {
  require('node:fs').writeSync(1, 'listening')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})`

export async function startBlackHole(port: number): Promise<BlackHole> {
  const address = `127.255.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const child = spawn(process.execPath, ['-e', listenerScript, address, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  // Two connections fill a queue of one; later ones stay pending.
  const backlogSockets = Array.from({ length: 4 }, () =>
    net.connect(port, address).on('error', () => undefined),
  )
  await Promise.all(
    backlogSockets
      .slice(0, 2)
      .map((socket) => new Promise((resolve) => socket.once('connect', resolve))),
  )
  return {
    address,
    close() {
      backlogSockets.forEach((socket) => socket.destroy())
      child.kill('SIGKILL')
    },
  }
}
