/** AWS' answers, as long as they are no longer than an answer of AWS can be, and come to an end. */
import { Transform, pipeline, type Readable } from 'node:stream'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** Bytes. A thousand certificates with all their names are 4 MB. */
const maxBodyBytes = 8 * 1024 * 1024
/** Milliseconds from the headers to the end: the SDK itself only ends a silence. */
const bodyTimeout = 30_000

/** The SDK's handler, which reads a body of any length for any time. */
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
      if (size > maxBodyBytes)
        done(new Error(`its answer is of more than ${maxBodyBytes / 1024 / 1024} MiB`))
      else done(null, chunk)
    },
  })
  const timer = setTimeout(
    () => limiter.destroy(new Error(`its answer was not whole within ${bodyTimeout / 1000} s`)),
    bodyTimeout,
  )
  // A failure of either ends both; whoever reads hears of it.
  pipeline(body, limiter, () => clearTimeout(timer))
  return limiter
}
