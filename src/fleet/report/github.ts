/** A client for GitHub's REST API: artifacts of a run, and issues. */
import { unzipSync } from 'fflate'
import { gitHubRequestFailed, resultsTooLarge } from '../../failures/fleet.ts'
import { readResults, type TargetResult } from '../deploy/run-target.ts'

/** The address of the API, and the identity. */
export interface GitHubOptions {
  /** GITHUB_API_URL. */
  readonly apiUrl: string
  /** `owner/name`. */
  readonly repository: string
  readonly token: string
}

interface Artifact {
  readonly id: number
  readonly name: string
  readonly expired: boolean
}
interface Issue {
  readonly number: number
  readonly body?: string | null
  readonly pull_request?: object
}

/** Bytes of an artifact's archive. Results of fleet/deploy are much smaller. */
const maxArchiveBytes = 16 * 2 ** 20

/** Every method throws an Error with GitHub's message and the required permission. */
export class GitHub {
  private readonly settings: GitHubOptions

  constructor(settings: GitHubOptions) {
    this.settings = settings
  }

  /** Downloads the results of a run from the artifacts whose names start with `prefix`. */
  async downloadResults(runId: string, prefix: string): Promise<TargetResult[]> {
    const artifacts = await this.listAllPages<Artifact>(
      `actions/runs/${runId}/artifacts`,
      'artifacts',
    )
    const matching = artifacts
      .filter(({ name, expired }) => name.startsWith(prefix) && !expired)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const results: TargetResult[] = []
    // One after the other: 256 at once would exceed GitHub's limits for concurrent requests.
    for (const { id } of matching) results.push(...(await this.downloadArtifact(id)))
    return results
  }

  /** @returns the number of the open issue with `marker` in its body */
  async findIssue(label: string, marker: string): Promise<number | undefined> {
    const issues = await this.listAllPages<Issue>(
      `issues?state=open&labels=${encodeURIComponent(label)}`,
    )
    return issues.find(
      ({ body, pull_request }) => pull_request === undefined && body?.includes(marker) === true,
    )?.number
  }

  async createIssue(issue: { title: string; body: string; labels: string[] }): Promise<number> {
    return ((await this.requestJson('POST', 'issues', issue)) as Issue).number
  }

  async updateIssue(
    number: number,
    issue: { title?: string; body?: string; state?: 'closed'; state_reason?: 'completed' },
  ): Promise<void> {
    await this.requestJson('PATCH', `issues/${number}`, issue)
  }

  async addComment(number: number, body: string): Promise<void> {
    await this.requestJson('POST', `issues/${number}/comments`, { body })
  }

  /** @param itemsKey the key of the list in the response; absent when the response is the list */
  private async listAllPages<T>(path: string, itemsKey?: string): Promise<T[]> {
    const allItems: T[] = []
    const separator = path.includes('?') ? '&' : '?'
    for (let page = 1; ; page += 1) {
      const pagePath = `${path}${separator}per_page=100&page=${page}`
      const response = await this.requestJson('GET', pagePath)
      const list =
        itemsKey === undefined ? response : (response as Record<string, unknown>)[itemsKey]
      const items = list as T[]
      allItems.push(...items)
      if (items.length < 100) return allItems
    }
  }

  /** The archive is on another server, whose URL is signed. The token is not sent there. */
  private async downloadArtifact(id: number): Promise<TargetResult[]> {
    const redirect = await this.request('GET', `actions/artifacts/${id}/zip`)
    const location = redirect.headers.get('location')
    if (redirect.status !== 302 || location === null)
      throw await createApiError(redirect, `download artifact ${id}`)
    const archive = await fetch(location, { signal: AbortSignal.timeout(60_000) })
    if (!archive.ok) throw await createApiError(archive, `download artifact ${id}`)
    if (Number(archive.headers.get('content-length') ?? 0) > maxArchiveBytes)
      throw resultsTooLarge(id, maxArchiveBytes)
    const files = unzipSync(new Uint8Array(await archive.arrayBuffer()), {
      filter: ({ name, originalSize }) => name.endsWith('.json') && originalSize <= maxArchiveBytes,
    })
    return Object.values(files).flatMap((file) => readResults(Buffer.from(file).toString(), id))
  }

  private async requestJson(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.request(method, path, body)
    if (!response.ok) throw await createApiError(response, `${method} ${path}`)
    return response.json()
  }

  private request(method: string, path: string, body?: object): Promise<Response> {
    const { apiUrl, repository, token } = this.settings
    return fetch(`${apiUrl}/repos/${repository}/${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'milvus-alb-action',
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
  }
}

async function createApiError(response: Response, operation: string): Promise<Error> {
  const body = await response.text()
  return gitHubRequestFailed({
    operation,
    status: response.status,
    body: body.slice(0, 300),
    requiredPermissions: response.headers.get('x-accepted-github-permissions'),
  })
}
