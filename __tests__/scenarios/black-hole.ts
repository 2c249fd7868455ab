/**
 * An address that drops packets, as a security group does: a listener whose queue is full, in a
 * process that takes nothing out of it.
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import net from 'node:net'

/** The address. */
export interface BlackHole {
  /** Of 127.0.0.0/8, and no world's. */
  readonly address: string
  /** From then on connections are refused. */
  close(): void
}

/** Linux drops a SYN when the queue of connections that nobody accepted is full. */
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
  // Two fill a queue of one; those that come later stay on their way.
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
