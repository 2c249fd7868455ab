/**
 * GitHub's REST API as far as the fleet actions use it, with GitHub's limits. Source: GitHub REST
 * API documentation; rejected requests have the texts of GitHub.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zipSync } from 'fflate'
import { findResource, type StoredRun } from './github-runs.ts'

export interface StoredIssue {
  number: number
  title: string
  body: string
  state: 'open' | 'closed'
  labels: string[]
  comments: string[]
}

/** A comment on an issue or a pull request. */
export interface StoredComment {
  readonly id: number
  /** Number of the issue or pull request. */
  readonly issue: number
  body: string
  /** The token of a workflow belongs to a bot. */
  readonly user: { readonly login: string; readonly type: 'Bot' | 'User' }
}

/** An artifact of a run. A re-run may upload the same name again. */
export interface StoredArtifact {
  readonly name: string
  /** The JSON in its only file. */
  readonly content: unknown
  /** The run that uploaded it; any run when absent. */
  readonly runId?: number
  readonly expired?: boolean
}

/** An answer in place of the API's own. */
interface Failure {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly message?: string
  /** Whether the request is carried out, so that only its answer is lost. */
  readonly isCarriedOut?: boolean
}

/** The running API. */
export interface GitHubApi {
  readonly url: string
  readonly token: string
  readonly issues: StoredIssue[]
  /** Numbers of the pull requests, which have the comments of issues. */
  readonly pullRequests: number[]
  /** The comments on pull requests; those on issues are in `issues` too. */
  readonly comments: StoredComment[]
  readonly artifacts: StoredArtifact[]
  /** Oldest first. */
  readonly runs: StoredRun[]
  readonly environments: string[]
  /** `METHOD path` of each request. */
  readonly requests: string[]
  /** The credentials that were sent to the server of the artifacts' archives. */
  readonly leakedCredentials: string[]
  /** Decides whether a request fails; undefined to answer it. */
  fail: (request: string, index: number) => Failure | undefined
  close(): Promise<void>
}

/** Characters of the body of an issue or a comment. */
const maxBodyLength = 65_536

/** Requests an hour with GITHUB_TOKEN, per repository. No test takes an hour. */
const maxRequests = 1_000

/** Starts the API on free loopback ports. It accepts any repository and run. */
export async function startGitHubApi(token = 'canary-of-the-github-token'): Promise<GitHubApi> {
  const api = {
    url: '',
    token,
    issues: [],
    pullRequests: [],
    comments: [],
    artifacts: [],
    runs: [],
    environments: [],
    requests: [],
    leakedCredentials: [],
    fail: () => undefined,
    close: () => closeServers([server, archiveServer]),
  } as GitHubApi & { url: string }
  const archiveServer = createServer((message, response) => sendArchive(api, message, response))
  const archiveUrl = await listen(archiveServer)
  const server = createServer((message, response) => {
    handleMessage(api, archiveUrl, message, response).catch(() => response.destroy())
  })
  api.url = await listen(server)
  return api
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function closeServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise((resolve) => {
          server.close(resolve)
          server.closeAllConnections()
        }),
    ),
  )
}

interface Request {
  readonly method: string
  /** The path after `/repos/OWNER/REPO/`. */
  readonly path: string
  /** Without the query. */
  readonly url: string
  readonly query: URLSearchParams
  readonly body: Partial<StoredIssue>
}

type Answer = readonly [status: number, content: unknown, headers?: Record<string, string>]

/** The archive of an artifact, on a server that needs no credentials. */
function sendArchive(api: GitHubApi, message: IncomingMessage, response: ServerResponse): void {
  const { authorization } = message.headers
  if (authorization !== undefined) api.leakedCredentials.push(authorization)
  const content = api.artifacts[Number(message.url?.slice(1))]?.content
  // actions/upload-artifact stores archives with this type.
  response
    .writeHead(200, { 'content-type': 'zip' })
    .end(zipSync({ 'milvus-alb-results.json': Buffer.from(JSON.stringify(content)) }))
}

async function handleMessage(
  api: GitHubApi,
  archiveUrl: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const { method = '' } = message
  const url = new URL(message.url ?? '/', 'http://github')
  const description = `${method} ${url.pathname}`
  const failure = api.fail(description, api.requests.push(description) - 1)
  const request: Request = {
    method,
    path: url.pathname.replace(/^\/repos\/[^/]+\/[^/]+\//, ''),
    url: `${api.url}${url.pathname}`,
    query: url.searchParams,
    body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as Partial<StoredIssue>,
  }
  const isAuthenticated = message.headers.authorization === `token ${api.token}`
  const answer = (): Answer => {
    if (!isAuthenticated) return [401, { message: 'Bad credentials' }]
    if (api.requests.length > maxRequests) return rejectByRateLimit()
    return (
      answerArtifacts(api.artifacts, archiveUrl, request) ??
      answerComments(api, request) ??
      answerRuns(api, request) ??
      answerIssues(api, request)
    )
  }
  if (failure?.isCarriedOut === true) answer()
  const [status, content, headers = {}] = failure
    ? [failure.status, { message: failure.message ?? 'Server Error' }, failure.headers]
    : answer()
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(typeof content === 'string' ? content : JSON.stringify(content))
}

/** Source: GitHub, Rate limits for the REST API. */
function rejectByRateLimit(): Answer {
  const resetTime = Math.ceil(Date.now() / 1000) + 3_600
  return [
    403,
    { message: 'API rate limit exceeded for installation.' },
    { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(resetTime) },
  ]
}

/** A page of a list, and the header that names the next one. */
function paginate<T>(
  items: readonly T[],
  query: URLSearchParams,
  url: string,
): { readonly page: T[]; readonly headers: Record<string, string> } {
  const number = Number(query.get('page') ?? 1)
  const pageSize = Number(query.get('per_page') ?? 30)
  const next = new URLSearchParams({ ...Object.fromEntries(query), page: String(number + 1) })
  return {
    page: items.slice((number - 1) * pageSize, number * pageSize),
    headers:
      number * pageSize < items.length ? { link: `<${url}?${next.toString()}>; rel="next"` } : {},
  }
}

function answerArtifacts(
  artifacts: readonly StoredArtifact[],
  archiveUrl: string,
  { method, path, query, url }: Request,
): Answer | undefined {
  if (method !== 'GET') return undefined
  const runId = /^actions\/runs\/(\d+)\/artifacts$/.exec(path)?.[1]
  if (runId !== undefined) {
    const all = artifacts
      .map(({ name, content, expired = false, runId: ofRun }, id) => ({
        id,
        name,
        expired,
        size_in_bytes: JSON.stringify(content).length,
        created_at: new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString(),
        ofRun,
      }))
      .filter(({ ofRun }) => ofRun === undefined || ofRun === Number(runId))
    const { page, headers } = paginate(all, query, url)
    return [200, { total_count: all.length, artifacts: page }, headers]
  }
  const id = /^actions\/artifacts\/(\d+)\/zip$/.exec(path)?.[1]
  return id === undefined ? undefined : [302, '', { location: `${archiveUrl}/${id}` }]
}

function answerRuns(api: GitHubApi, { method, path, query, url }: Request): Answer | undefined {
  const resource = method === 'GET' ? findResource(api, path, query) : undefined
  if (resource === undefined) return undefined
  if ('object' in resource)
    return resource.object ? [200, resource.object] : [404, { message: 'Not Found' }]
  const { page, headers } = paginate(resource.items, query, url)
  return [200, { total_count: resource.items.length, [resource.listName]: page }, headers]
}

function answerIssues({ issues }: GitHubApi, { method, path, query, url, body }: Request): Answer {
  if (method === 'GET' && path === 'issues') {
    const matching = issues.filter(
      ({ state, labels }) =>
        state === query.get('state') && labels.includes(query.get('labels') ?? ''),
    )
    const { page, headers } = paginate(matching, query, url)
    return [200, page, headers]
  }
  if ((body.body ?? '').length > maxBodyLength) return bodyTooLong
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
  const [, number = ''] = /^issues\/(\d+)$/.exec(path) ?? []
  const issue = issues.find((candidate) => candidate.number === Number(number))
  if (!issue) return [404, { message: 'Not Found' }]
  Object.assign(issue, body)
  return [200, issue]
}

const bodyTooLong: Answer = [
  422,
  { message: 'Validation Failed', errors: [{ field: 'body', code: 'too_long' }] },
]

/** Lists, creates and updates comments: `issues/7/comments`, `issues/comments/1`. */
function answerComments(api: GitHubApi, request: Request): Answer | undefined {
  const { method, path, query, url, body } = request
  const [, id, number] = /^issues\/(?:comments\/(\d+)|(\d+)\/comments)$/.exec(path) ?? []
  if (id === undefined && number === undefined) return undefined
  const text = body.body ?? ''
  if (text.length > maxBodyLength) return bodyTooLong
  if (id !== undefined) {
    const comment = api.comments.find((candidate) => candidate.id === Number(id))
    if (!comment || method !== 'PATCH') return [404, { message: 'Not Found' }]
    comment.body = text
    return [200, comment]
  }
  const issue = api.issues.find((candidate) => candidate.number === Number(number))
  if (!issue && !api.pullRequests.includes(Number(number))) return [404, { message: 'Not Found' }]
  if (method === 'GET') {
    const all = api.comments.filter((comment) => comment.issue === Number(number))
    const { page, headers } = paginate(all, query, url)
    return [200, page, headers]
  }
  issue?.comments.push(text)
  const user = { login: 'github-actions[bot]', type: 'Bot' } as const
  const comment = { id: api.comments.length + 1, issue: Number(number), body: text, user }
  api.comments.push(comment)
  return [201, comment]
}
