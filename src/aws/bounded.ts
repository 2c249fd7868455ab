/** AWS' answers, as long as they are no longer than an answer of AWS can be, and come to an end. */
import { Transform, pipeline, type Readable } from 'node:stream'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** Bytes. A thousand certificates with all their names are 4 MB. */
const largest = 8 * 1024 * 1024
/** Milliseconds from the headers to the end: the SDK itself only ends a silence. */
const longest = 30_000

/** The SDK's handler, which reads a body of any length for any time. */
export class BoundedHandler extends NodeHttpHandler {
  override async handle(...args: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
    const { response } = await super.handle(...args)
    response.body = bounded(response.body as Readable)
    return { response }
  }
}

function bounded(body: Readable): Readable {
  let size = 0
  const through = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      size += chunk.length
      if (size > largest) done(new Error(`its answer is of more than ${largest / 1024 / 1024} MiB`))
      else done(null, chunk)
    },
  })
  const timer = setTimeout(() => through.destroy(new Error(`its answer was not whole within ${longest / 1000} s`)), longest)
  // A failure of either ends both; whoever reads hears of it.
  pipeline(body, through, () => clearTimeout(timer))
  return through
}
