/**
 * Makes a process that preloads it (`--import`) fail with an error that nothing catches, as soon as
 * it has connected to port UNCAUGHT_AT_PORT: an event without a listener, or a rejected promise
 * when UNCAUGHT_AS is "rejection".
 */
import diagnostics from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'

const { UNCAUGHT_AT_PORT: port, UNCAUGHT_AS: kind } = process.env
const error = new Error('the injected error that nothing catches')
let hasFailed = false

diagnostics.subscribe('net.client.socket', ({ socket }) => {
  socket.once('connect', () => {
    if (hasFailed || socket.remotePort !== Number(port)) return
    hasFailed = true
    if (kind === 'rejection') void Promise.reject(error)
    else new EventEmitter().emit('error', error)
  })
})
