/**
 * GitHub's REST API, as far as the report of a fleet asks for it: artifacts of a run, and issues.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { zipSync } from 'fflate'

/** An issue, as it is held. */
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
  /** By name: the JSON of their one file. */
  readonly artifacts: Map<string, unknown>
  /** `METHOD path`, with ` with a token` when one was sent. */
  readonly requests: string[]
  close(): Promise<void>
}

/** Starts it on a free loopback port, for any repository and run. */
export async function startGitHubApi(token = 'canary-of-the-github-token'): Promise<GitHubApi> {
  const issues: StoredIssue[] = []
  const artifacts = new Map<string, unknown>()
  const requests: string[] = []
  const handleRequest = (
    method: string,
    path: string,
    query: URLSearchParams,
    body: Partial<StoredIssue> & { body?: string },
  ): [status: number, content: unknown, headers?: Record<string, string>] => {
    const artifactNames = [...artifacts.keys()]
    const paginate = <T>(items: readonly T[]): T[] =>
      items.slice(
        (Number(query.get('page') ?? 1) - 1) * Number(query.get('per_page') ?? 30),
        Number(query.get('page') ?? 1) * Number(query.get('per_page') ?? 30),
      )
    if (method === 'GET' && /^actions\/runs\/\d+\/artifacts$/.test(path))
      return [
        200,
        {
          total_count: artifactNames.length,
          artifacts: paginate(artifactNames.map((name, id) => ({ id, name, expired: false }))),
        },
      ]
    const artifactId = /^actions\/artifacts\/(\d+)\/zip$/.exec(path)?.[1]
    if (method === 'GET' && artifactId !== undefined)
      return [302, '', { location: `${api.url}/blobs/${artifactId}` }]
    if (method === 'GET' && path === 'issues')
      return [
        200,
        paginate(
          issues.filter(
            ({ state, labels }) =>
              state === query.get('state') && labels.includes(query.get('labels') ?? ''),
          ),
        ),
      ]
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
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        const url = new URL(request.url ?? '/', 'http://github')
        const { authorization } = request.headers
        requests.push(
          `${request.method ?? ''} ${url.pathname}${authorization === undefined ? '' : ' with a token'}`,
        )
        const artifactIndex = /^\/blobs\/(\d+)$/.exec(url.pathname)?.[1]
        if (artifactIndex !== undefined) {
          response.end(
            zipSync({
              'milvus-alb-results.json': Buffer.from(
                JSON.stringify([...artifacts.values()][Number(artifactIndex)]),
              ),
            }),
          )
          return
        }
        const path = url.pathname.replace(/^\/repos\/[^/]+\/[^/]+\//, '')
        const [status, content, headers = {}] =
          authorization === `Bearer ${token}`
            ? handleRequest(
                request.method ?? '',
                path,
                url.searchParams,
                JSON.parse(Buffer.concat(chunks).toString() || '{}') as Partial<StoredIssue>,
              )
            : [401, { message: 'Bad credentials' }]
        response
          .writeHead(status, { 'content-type': 'application/json', ...headers })
          .end(typeof content === 'string' ? content : JSON.stringify(content))
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const api: GitHubApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    issues,
    artifacts,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return api
}
