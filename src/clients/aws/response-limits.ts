/** Limits the size and the duration of responses, which the SDK does not. */
import { Transform, pipeline, type Readable } from 'node:stream'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** A thousand certificates with all their names are 4 MB. */
const maxBodyMebibytes = 8
const maxBodyBytes = maxBodyMebibytes * 1024 * 1024
/** Milliseconds from the headers to the end of the body: the SDK only limits its pauses. */
const bodyTimeout = 30_000

/** The SDK's HTTP handler with these limits. */
export class ResponseLimitHandler extends NodeHttpHandler {
  override async handle(
    ...args: Parameters<NodeHttpHandler['handle']>
  ): ReturnType<NodeHttpHandler['handle']> {
    const { response } = await super.handle(...args)
    response.body = limitBody(response.body as Readable)
    return { response }
  }
}

function limitBody(body: Readable): Readable {
  let size = 0
  const limiter = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length
      if (size > maxBodyBytes) done(new Error(`the response exceeds ${maxBodyMebibytes} MiB`))
      else done(null, chunk)
    },
  })
  const abort = () =>
    limiter.destroy(new Error(`the response was not complete within ${bodyTimeout / 1000} s`))
  const timer = setTimeout(abort, bodyTimeout)
  // An error of either stream ends both, and the reader receives it.
  pipeline(body, limiter, () => clearTimeout(timer))
  return limiter
}
