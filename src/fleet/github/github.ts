/**
 * GitHub's REST API, for environments, runs with their artifacts, issues and comments. Octokit and
 * its plugins choose the proxy, follow pages, retry errors of the server, and wait for rate limits.
 */
import { getOctokit } from '@actions/github'
import { retry } from '@octokit/plugin-retry'
import { throttling } from '@octokit/plugin-throttling'
import { unzipSync } from 'fflate'
import { gitHubRequestFailed, resultsTooLarge, resultsUnreadable } from '../../failures/fleet.ts'
import { getErrorMessage } from '../../util/text.ts'
import { readJobResults, type JobResults } from '../deploy/job-results.ts'

/** The address of the API, and the identity. */
export interface GitHubOptions {
  /** GITHUB_API_URL. */
  readonly apiUrl: string
  /** `owner/name`. */
  readonly repository: string
  readonly token: string
}

/** The results of a run, as far as they could be downloaded. */
export interface DownloadedResults {
  readonly jobs: readonly JobResults[]
  /** One message per artifact that could not be read. */
  readonly problems: readonly string[]
}

/** An artifact of a run. */
export interface Artifact {
  readonly id: number
  readonly name: string
  readonly expired: boolean
  readonly size_in_bytes: number
  /** ISO 8601; null in Octokit's types, which GitHub never sends for an uploaded artifact. */
  readonly created_at: string | null
}

interface StoredComment {
  readonly id: number
  readonly body: string
}

/** A run of a workflow. */
export interface WorkflowRun {
  readonly id: number
  /** For people. */
  readonly url: string
}

/** The repository of a run's branch; null when a fork was deleted, which Octokit's types omit. */
interface HeadOfRun {
  readonly head_repository: { readonly id: number } | null
}

interface IssueText {
  readonly title: string
  readonly body: string
}

/** Bytes of an artifact's archive, and of each file in it. Results are much smaller. */
const maxArchiveBytes = 16 * 2 ** 20

/** Seconds to wait for a rate limit. A longer wait would outlast the job's timeout. */
const maxRateLimitSeconds = 120

/** How often a request is repeated after a rate limit. */
const maxRateLimitRetries = 3

/** Every method throws an Error with GitHub's message and the required permission. */
export class GitHub {
  private readonly octokit: ReturnType<typeof getOctokit>
  private readonly location: { readonly owner: string; readonly repo: string }

  constructor({ apiUrl, repository, token }: GitHubOptions) {
    const [owner = '', repo = ''] = repository.split('/')
    this.location = { owner, repo }
    const waitForRateLimit = (seconds: number, _options: object, _octokit: object, count: number) =>
      seconds <= maxRateLimitSeconds && count < maxRateLimitRetries
    const throttle = { onRateLimit: waitForRateLimit, onSecondaryRateLimit: waitForRateLimit }
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
    this.octokit = getOctokit(token, { baseUrl: apiUrl, log, throttle }, retry, throttling)
    this.octokit.hook.error('request', (error) => {
      throw createRequestError(error)
    })
  }

  /**
   * Downloads the results of all attempts of a run, from the artifacts whose names start with
   * `prefix`. An artifact that cannot be read is a problem of the result, not an error.
   * @param knownNames of artifacts that need not be downloaded
   */
  async downloadResults(
    runId: number,
    prefix: string,
    knownNames: readonly string[] = [],
  ): Promise<DownloadedResults> {
    const artifacts = await this.listArtifacts(runId, prefix)
    const matching = artifacts.filter(({ name, expired }) => !expired && !knownNames.includes(name))
    const downloads = await Promise.allSettled(
      matching.map(async (artifact) => (await this.readArtifact(artifact)).map(readJobResults)),
    )
    const problems = downloads.flatMap((download, index) =>
      download.status === 'rejected'
        ? [resultsUnreadable(matching[index]?.name ?? '', download.reason).message]
        : [],
    )
    const jobs = downloads.flatMap((download) =>
      download.status === 'fulfilled' ? download.value : [],
    )
    return { jobs, problems }
  }

  /** @returns the artifacts of all attempts of a run whose names start with `prefix` */
  async listArtifacts(runId: number, prefix: string): Promise<Artifact[]> {
    const artifacts: Artifact[] = await this.octokit.paginate(
      this.octokit.rest.actions.listWorkflowRunArtifacts,
      { ...this.location, run_id: runId, per_page: 100 },
    )
    return artifacts.filter(({ name }) => name.startsWith(prefix))
  }

  /**
   * The newest completed runs, at most `maxRuns`, of the workflow and branch of a run. Runs for
   * pull requests of forks are left out: their branch may have the same name, and their authors
   * decide what they upload.
   */
  async listEarlierRuns(runId: number, maxRuns: number): Promise<WorkflowRun[]> {
    const { data: run } = await this.octokit.rest.actions.getWorkflowRun({
      ...this.location,
      run_id: runId,
    })
    const { data } = await this.octokit.rest.actions.listWorkflowRuns({
      ...this.location,
      workflow_id: run.workflow_id,
      branch: run.head_branch ?? '',
      status: 'completed',
      per_page: maxRuns,
    })
    return data.workflow_runs
      .filter((earlier: HeadOfRun) => earlier.head_repository?.id === run.repository.id)
      .map(({ id, html_url: url }) => ({ id, url }))
  }

  /** @returns the names of the repository's environments */
  async listEnvironments(): Promise<string[]> {
    const environments = await this.octokit.paginate('GET /repos/{owner}/{repo}/environments', {
      ...this.location,
      per_page: 100,
    })
    return environments.map(({ name }) => name)
  }

  /** @returns the number of the open issue with `marker` in its body */
  async findIssue(label: string, marker: string): Promise<number | undefined> {
    const issues = await this.octokit.paginate(this.octokit.rest.issues.listForRepo, {
      ...this.location,
      state: 'open',
      labels: label,
      per_page: 100,
    })
    return issues.find(
      ({ body, pull_request: pullRequest }) =>
        pullRequest === undefined && body?.includes(marker) === true,
    )?.number
  }

  /**
   * Creates an issue. GitHub may have created it although it answered with an error, so a failed
   * request is not repeated.
   */
  async createIssue(issue: IssueText & { readonly labels: string[] }): Promise<number> {
    const { data } = await this.octokit.rest.issues.create({
      ...this.location,
      ...issue,
      request: { retries: 0 },
    })
    return data.number
  }

  async updateIssue(number: number, issue: IssueText): Promise<void> {
    await this.octokit.rest.issues.update({ ...this.location, issue_number: number, ...issue })
  }

  /** Adds a comment. A failed request is not repeated, as with createIssue. */
  async addComment(number: number, body: string): Promise<void> {
    await this.octokit.rest.issues.createComment({
      ...this.location,
      issue_number: number,
      body,
      request: { retries: 0 },
    })
  }

  /**
   * Finds a comment of an app, as this workflow's token writes it: others could write the same
   * marker.
   * @param number of the pull request
   */
  async findOwnComment(number: number, marker: string): Promise<StoredComment | undefined> {
    const comments = await this.octokit.paginate(this.octokit.rest.issues.listComments, {
      ...this.location,
      issue_number: number,
      per_page: 100,
    })
    const comment = comments.find(
      ({ body, user }) => user?.type === 'Bot' && body?.startsWith(marker) === true,
    )
    return comment && { id: comment.id, body: comment.body ?? '' }
  }

  async updateComment(id: number, body: string): Promise<void> {
    await this.octokit.rest.issues.updateComment({ ...this.location, comment_id: id, body })
  }

  /** Closes an issue with a comment. */
  async closeIssue(number: number, comment: string): Promise<void> {
    await this.addComment(number, comment)
    await this.octokit.rest.issues.update({
      ...this.location,
      issue_number: number,
      state: 'closed',
      state_reason: 'completed',
    })
  }

  /**
   * Downloads the JSON files of an artifact. GitHub redirects to another server with a signed URL;
   * the token is not sent there.
   */
  async readArtifact({ id, size_in_bytes: size }: Artifact): Promise<string[]> {
    if (size > maxArchiveBytes) throw resultsTooLarge(maxArchiveBytes)
    const { data } = await this.octokit.rest.actions.downloadArtifact({
      ...this.location,
      artifact_id: id,
      archive_format: 'zip',
    })
    const files = unzipSync(new Uint8Array(data as ArrayBuffer), {
      filter: ({ name, originalSize }) => name.endsWith('.json') && originalSize <= maxArchiveBytes,
    })
    return Object.values(files).map((file) => Buffer.from(file).toString())
  }
}

function ignore(): void {}

interface RequestError {
  readonly status?: number
  readonly request?: { readonly method: string; readonly url: string }
  readonly response?: { readonly headers?: Readonly<Record<string, string | undefined>> }
}

/** Adds the request and the required permissions to an error, and keeps its other fields. */
function createRequestError(thrown: unknown): Error {
  const { status, request, response } = thrown as RequestError
  const error = gitHubRequestFailed({
    operation: `${request?.method ?? ''} ${new URL(request?.url ?? 'about:').pathname}`,
    status: response === undefined ? undefined : status,
    message: getErrorMessage(thrown).slice(0, 300),
    requiredPermissions: response?.headers?.['x-accepted-github-permissions'],
    cause: thrown,
  })
  return Object.assign(error, { status, request, response })
}
