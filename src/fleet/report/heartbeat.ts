/**
 * Tells a service outside of GitHub that a check was completed. The service raises an alarm when
 * heartbeats stop: GitHub disables schedules silently, and nothing that it would have to run itself
 * can report that.
 */
import { Agent, request } from 'node:https'
import { heartbeatFailed, heartbeatUrlInvalid } from '../../failures/fleet.ts'
import { systemClock } from '../../util/polling.ts'
import { retry } from '../../util/retry.ts'
import { getErrorMessage } from '../../util/text.ts'

/** Milliseconds, for one request and for all of them. */
const requestTimeout = 10_000
const totalTimeout = 30_000

const maxAttempts = 5

/**
 * Sends a GET request. The path of the URL is a secret: whoever knows it can send heartbeats.
 * @throws Error without the path, when the URL is unusable or the service does not accept it
 */
export async function sendHeartbeat(text: string): Promise<void> {
  const url = URL.parse(text)
  if (url?.protocol !== 'https:') throw heartbeatUrlInvalid()
  const signal = AbortSignal.timeout(totalTimeout)
  try {
    await retry(() => callService(url, signal), {
      maxAttempts: (thrown) => (isPermanent(thrown) ? 1 : maxAttempts),
      signal,
      clock: systemClock,
    })
  } catch (thrown) {
    throw heartbeatFailed(url.host, getErrorMessage(thrown))
  }
}

class UnexpectedStatus extends Error {
  readonly status: number

  constructor(status: number) {
    super(`status ${status}`)
    this.status = status
  }
}

/** Everything but an overloaded or broken service. */
const isPermanent = (thrown: unknown): boolean =>
  thrown instanceof UnexpectedStatus && thrown.status < 500 && thrown.status !== 429

/** Redirects are not followed: they could lead to a server without TLS. */
async function callService(url: URL, signal: AbortSignal): Promise<void> {
  const status = await getStatus(
    url,
    AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)]),
  )
  if (status < 200 || status > 299) throw new UnexpectedStatus(status)
}

function getStatus(url: URL, signal: AbortSignal): Promise<number> {
  const agent = new Agent({ proxyEnv: process.env })
  const headers = { 'user-agent': 'milvus-alb-action' }
  return new Promise((resolve, reject) => {
    request(url, { agent, headers, signal }, (response) => {
      resolve(response.statusCode ?? 0)
      // What the service says does not matter, however long it is.
      response.on('error', () => undefined).destroy()
    })
      .once('error', reject)
      .end()
  })
}
