/** The little of GitHub's REST API that the report needs: the results of this run's jobs, and one issue. */
import { unzipSync } from 'fflate'
import { readResults, type Result } from './run.ts'

/** Where the API is, and who asks. */
export interface GitHubSettings {
  /** GITHUB_API_URL. */
  readonly api: string
  /** `owner/name`. */
  readonly repository: string
  readonly token: string
}

interface Artifact { readonly id: number; readonly name: string; readonly expired: boolean }
interface Issue { readonly number: number; readonly body?: string | null; readonly pull_request?: object }

/** Bytes of an artifact's archive: results are small, anything larger is not ours. */
const largestArchive = 16 * 2 ** 20

/** The client. @throws Error with GitHub's own message and what permission it wants */
export class GitHub {
  private readonly settings: GitHubSettings

  constructor(settings: GitHubSettings) {
    this.settings = settings
  }

  /** The results that the jobs of a run uploaded, as artifacts whose names begin with `prefix`. */
  async results(runId: string, prefix: string): Promise<Result[]> {
    const artifacts = await this.pages<Artifact>(`actions/runs/${runId}/artifacts`, 'artifacts')
    const wanted = artifacts.filter(({ name, expired }) => name.startsWith(prefix) && !expired).sort((a, b) => (a.name < b.name ? -1 : 1))
    const results: Result[] = []
    // One after the other: 256 at once is more than GitHub likes of one client.
    for (const { id } of wanted) results.push(...await this.download(id))
    return results
  }

  /** The open issue with a marker in its body. */
  async findIssue(label: string, marker: string): Promise<number | undefined> {
    const issues = await this.pages<Issue>(`issues?state=open&labels=${encodeURIComponent(label)}`)
    return issues.find(({ body, pull_request }) => pull_request === undefined && body?.includes(marker) === true)?.number
  }

  async createIssue(issue: { title: string; body: string; labels: string[] }): Promise<number> {
    return ((await this.send('POST', 'issues', issue)) as Issue).number
  }

  async updateIssue(number: number, issue: { title?: string; body?: string; state?: 'closed'; state_reason?: 'completed' }): Promise<void> {
    await this.send('PATCH', `issues/${number}`, issue)
  }

  async comment(number: number, body: string): Promise<void> {
    await this.send('POST', `issues/${number}/comments`, { body })
  }

  private async pages<T>(path: string, member?: string): Promise<T[]> {
    const all: T[] = []
    for (let page = 1; ; page += 1) {
      const answer = await this.send('GET', `${path}${path.includes('?') ? '&' : '?'}per_page=100&page=${page}`)
      const items = (member === undefined ? answer : (answer as Record<string, unknown>)[member]) as T[]
      all.push(...items)
      if (items.length < 100) return all
    }
  }

  /** The archive is elsewhere, under an address that carries its own right: the token does not go there. */
  private async download(id: number): Promise<Result[]> {
    const pointer = await this.request('GET', `actions/artifacts/${id}/zip`)
    const location = pointer.headers.get('location')
    if (pointer.status !== 302 || location === null) throw await problem(pointer, `download artifact ${id}`)
    const archive = await fetch(location, { signal: AbortSignal.timeout(60_000) })
    if (!archive.ok) throw await problem(archive, `download artifact ${id}`)
    if (Number(archive.headers.get('content-length') ?? 0) > largestArchive) throw new Error(`Artifact ${id} is larger than results ever are.`)
    const files = unzipSync(new Uint8Array(await archive.arrayBuffer()), { filter: ({ name, originalSize }) => name.endsWith('.json') && originalSize <= largestArchive })
    return Object.values(files).flatMap((file) => readResults(Buffer.from(file).toString(), id))
  }

  private async send(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.request(method, path, body)
    if (!response.ok) throw await problem(response, `${method} ${path}`)
    return response.json()
  }

  private request(method: string, path: string, body?: object): Promise<Response> {
    const { api, repository, token } = this.settings
    return fetch(`${api}/repos/${repository}/${path}`, {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28', 'user-agent': 'milvus-alb-action', ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
  }
}

async function problem(response: Response, what: string): Promise<Error> {
  const text = (await response.text()).slice(0, 300)
  const needs = response.headers.get('x-accepted-github-permissions')
  return new Error(`GitHub answered ${response.status} to "${what}": ${text}${needs ? ` It wants the permissions ${needs}.` : ''}`)
}
