/** GitHub's REST API for run artifacts and issues, as far as the fleet report uses it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zipSync } from 'fflate'

export interface StoredIssue {
  number: number
  title: string
  body: string
  state: 'open' | 'closed'
  labels: string[]
  comments: string[]
}

/** The running API. */
export interface GitHubApi {
  readonly url: string
  readonly token: string
  readonly issues: StoredIssue[]
  /** The JSON in each artifact's only file, by artifact name. */
  readonly artifacts: Map<string, unknown>
  /** `METHOD path`, followed by ` with a token` if one was sent. */
  readonly requests: string[]
  close(): Promise<void>
}

/** Starts the API on a free loopback port. It accepts any repository and run. */
export async function startGitHubApi(token = 'canary-of-the-github-token'): Promise<GitHubApi> {
  const server = createServer((message, response) => {
    handleMessage(api, message, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const api: GitHubApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    issues: [],
    artifacts: new Map(),
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return api
}

interface Request {
  readonly method: string
  /** The path after `/repos/OWNER/REPO/`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Partial<StoredIssue>
}

type Answer = readonly [status: number, content: unknown, headers?: Record<string, string>]

async function handleMessage(
  api: GitHubApi,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const { method = '' } = message
  const url = new URL(message.url ?? '/', 'http://github')
  const { authorization } = message.headers
  const tokenSuffix = authorization === undefined ? '' : ' with a token'
  api.requests.push(`${method} ${url.pathname}${tokenSuffix}`)
  const artifactIndex = /^\/blobs\/(\d+)$/.exec(url.pathname)?.[1]
  if (artifactIndex !== undefined) {
    const artifact = [...api.artifacts.values()][Number(artifactIndex)]
    const file = Buffer.from(JSON.stringify(artifact))
    response.end(zipSync({ 'milvus-alb-results.json': file }))
    return
  }
  const request: Request = {
    method,
    path: url.pathname.replace(/^\/repos\/[^/]+\/[^/]+\//, ''),
    query: url.searchParams,
    body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as Partial<StoredIssue>,
  }
  const isAuthenticated = authorization === `Bearer ${api.token}`
  const [status, content, headers = {}] = isAuthenticated
    ? (answerArtifacts(api, request) ?? answerIssues(api, request))
    : [401, { message: 'Bad credentials' }]
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(typeof content === 'string' ? content : JSON.stringify(content))
}

function paginate<T>(items: readonly T[], query: URLSearchParams): T[] {
  const page = Number(query.get('page') ?? 1)
  const pageSize = Number(query.get('per_page') ?? 30)
  return items.slice((page - 1) * pageSize, page * pageSize)
}

function answerArtifacts(
  { url, artifacts }: GitHubApi,
  { method, path, query }: Request,
): Answer | undefined {
  if (method !== 'GET') return undefined
  if (/^actions\/runs\/\d+\/artifacts$/.test(path)) {
    const all = [...artifacts.keys()].map((name, id) => ({ id, name, expired: false }))
    return [200, { total_count: all.length, artifacts: paginate(all, query) }]
  }
  const id = /^actions\/artifacts\/(\d+)\/zip$/.exec(path)?.[1]
  return id === undefined ? undefined : [302, '', { location: `${url}/blobs/${id}` }]
}

function answerIssues({ issues }: GitHubApi, { method, path, query, body }: Request): Answer {
  if (method === 'GET' && path === 'issues') {
    const matching = issues.filter(
      ({ state, labels }) =>
        state === query.get('state') && labels.includes(query.get('labels') ?? ''),
    )
    return [200, paginate(matching, query)]
  }
  if (method === 'POST' && path === 'issues') {
    const issue: StoredIssue = {
      number: issues.length + 1,
      title: '',
      body: '',
      state: 'open',
      labels: [],
      comments: [],
      ...body,
    }
    issues.push(issue)
    return [201, issue]
  }
  const [, number = '', comments] = /^issues\/(\d+)(\/comments)?$/.exec(path) ?? []
  const issue = issues.find((candidate) => candidate.number === Number(number))
  if (!issue) return [404, { message: 'Not Found' }]
  if (comments !== undefined) issue.comments.push(body.body ?? '')
  else Object.assign(issue, body)
  return [200, issue]
}
