import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { closeServer } from '../../testing/close-server.ts'
import { captureError } from '../capture-error.ts'

/** Takes a copy of a listening socket, and closes it when asked to. */
const holder = `
  let copy
  process.on('message', (message, server) => {
    if (server) {
      copy = server
      process.send('holding')
    } else copy.close(() => process.disconnect())
  })`

let child: ChildProcess

afterEach(() => void child.kill('SIGKILL'))

test('a port that a child process still holds is closed when the child lets it go', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  child = spawn(process.execPath, ['-e', holder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  child.send('hold', server, { keepOpen: true })
  await once(child, 'message')

  let isClosed = false
  const closing = closeServer(server).then(() => (isClosed = true))
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  expect(isClosed).toBe(false)

  child.send('close')
  await closing
  const error = await captureError(() => once(connect(port, '127.0.0.1'), 'connect'))
  expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})
