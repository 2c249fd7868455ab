/** Closes the servers of tests whose port must reject connections afterwards. */
import { connect, type AddressInfo, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds after which another server may have got the port. */
const maxWait = 1_000

/**
 * Stops listening, and waits until the connections have ended, which is up to the caller, and the
 * port rejects new ones. It may accept them for some milliseconds longer: a child process that any
 * thread is starting has a copy of the listening socket until it executes its program.
 */
export async function closeServer(server: Server): Promise<void> {
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') return
  const deadline = performance.now() + maxWait
  while (!(await isRejecting(address)) && performance.now() < deadline) await sleep(1)
}

/** Whether nothing listens. */
const isRejecting = ({ address, port }: AddressInfo): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
