/**
 * A minimal client of a Kubernetes API, for what kubectl cannot do: watches with low latency, and
 * single requests whose every detail a test decides.
 */
import { Agent, request as openRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'

/** The URL and credentials of an API. */
export interface KubernetesAccess {
  readonly url: string
  /** PEM of the CA that signed the API's certificate. */
  readonly ca: string
  /** Empty for anonymous requests. */
  readonly token: string
  /** The API derives the default field manager from the part before the slash. */
  readonly userAgent?: string
}

/** A request to the API. */
export interface KubernetesRequest {
  readonly method: string
  /** With its query string. */
  readonly path: string
  readonly body?: unknown
  /** The media type of the body; `application/json` when absent. */
  readonly contentType?: string
}

/** A response of the API, whatever its status. */
export interface KubernetesResponse {
  readonly status: number
  readonly text: string
}

/** An event of a watch: ADDED, MODIFIED, DELETED or BOOKMARK, or ERROR with a Status. */
export interface WatchEvent {
  readonly type: string
  readonly object: unknown
}

/** A response other than 2xx. */
export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The media types of patches. */
const patchContentTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}

/** A client that reuses its connections. */
export class MinimalKubernetesClient {
  private readonly access: KubernetesAccess
  private readonly agent = new Agent({ keepAlive: true })

  constructor(access: KubernetesAccess) {
    this.access = access
  }

  get<T>(path: string): Promise<T> {
    return this.send({ method: 'GET', path })
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.send({ method: 'POST', path, body })
  }

  patch<T>(
    path: string,
    body: unknown,
    kind: keyof typeof patchContentTypes = 'merge',
  ): Promise<T> {
    return this.send({ method: 'PATCH', path, body, contentType: patchContentTypes[kind] })
  }

  delete(path: string): Promise<unknown> {
    return this.send({ method: 'DELETE', path })
  }

  /** Watches until the server ends the watch or the signal aborts it. */
  async watch(
    path: string,
    signal: AbortSignal,
    onEvent: (event: WatchEvent) => void,
  ): Promise<void> {
    // A connection of its own, which the signal may close.
    const options = { signal, agent: false as const }
    const response = await startRequest(this.access, { method: 'GET', path }, options)
    if (response.statusCode !== 200)
      throw new ApiError(response.statusCode ?? 0, await readText(response))
    response.on('error', () => undefined)
    try {
      for await (const line of readLines(response)) onEvent(JSON.parse(line) as WatchEvent)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  close(): void {
    this.agent.destroy()
  }

  private async send<T>(request: KubernetesRequest): Promise<T> {
    const { status, text } = await sendRequest(this.access, request, this.agent)
    if (status >= 300) throw new ApiError(status, parseErrorMessage(text))
    return JSON.parse(text) as T
  }
}

/** Sends one request, over a new connection unless an agent is passed. */
export async function sendRequest(
  access: KubernetesAccess,
  request: KubernetesRequest,
  agent: Agent | false = false,
): Promise<KubernetesResponse> {
  const response = await startRequest(access, request, { agent })
  return { status: response.statusCode ?? 0, text: await readText(response) }
}

function startRequest(
  { url, ca, token, userAgent = 'test-client/1.0' }: KubernetesAccess,
  { method, path, body, contentType = 'application/json' }: KubernetesRequest,
  connection: { readonly agent: Agent | false; readonly signal?: AbortSignal },
): Promise<IncomingMessage> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': userAgent }
  if (token !== '') headers['authorization'] = `Bearer ${token}`
  if (text !== undefined) {
    headers['content-type'] = contentType
    headers['content-length'] = String(Buffer.byteLength(text))
  }
  return new Promise((resolve, reject) => {
    openRequest(new URL(path, url), { method, headers, ca, ...connection }, resolve)
      .on('error', reject)
      .end(text)
  })
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Only line feeds separate lines: readline also splits at U+2028, which JSON may contain. */
async function* readLines(response: IncomingMessage): AsyncGenerator<string> {
  let buffered = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (buffered + chunk).split('\n')
    buffered = lines.pop() ?? ''
    yield* lines
  }
}

function parseErrorMessage(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text
  } catch {
    return text
  }
}
