/** The parts of GitHub's API about runs of workflows and about environments. */

/** A run of a workflow. */
export interface StoredRun {
  readonly id: number
  readonly workflowId: number
  readonly branch: string
  status: 'in_progress' | 'completed'
  /** Set when a pull request of another repository started it, which may be gone since. */
  readonly fork?: 'existing' | 'deleted'
}

/** What a path names: a list, of which GitHub returns pages under a name, or one object. */
export type Resource =
  | { readonly listName: string; readonly items: readonly object[] }
  | { readonly object: object | undefined }

interface Repository {
  /** Oldest first. */
  readonly runs: readonly StoredRun[]
  /** Names. */
  readonly environments: readonly string[]
}

/**
 * @param path after `/repos/OWNER/REPO/`
 * @returns undefined when the path is about something else
 */
export function findResource(
  { runs, environments }: Repository,
  path: string,
  query: URLSearchParams,
): Resource | undefined {
  if (path === 'environments')
    return { listName: 'environments', items: environments.map((name, id) => ({ id, name })) }
  const runId = /^actions\/runs\/(\d+)$/.exec(path)?.[1]
  if (runId !== undefined) {
    const run = runs.find(({ id }) => id === Number(runId))
    return { object: run && describeRun(run) }
  }
  const workflowId = /^actions\/workflows\/(\d+)\/runs$/.exec(path)?.[1]
  if (workflowId === undefined) return undefined
  const matching = runs.filter(
    (run) =>
      run.workflowId === Number(workflowId) &&
      run.branch === (query.get('branch') ?? run.branch) &&
      run.status === (query.get('status') ?? run.status),
  )
  return { listName: 'workflow_runs', items: matching.map(describeRun).reverse() }
}

/** As GitHub returns it. The branch of a fork may have the name of one of the repository. */
const describeRun = ({ id, workflowId, branch, status, fork }: StoredRun): object => ({
  id,
  workflow_id: workflowId,
  head_branch: branch,
  status,
  html_url: `https://github.com/team/infra/actions/runs/${id}`,
  repository: { id: 1 },
  head_repository: fork === 'deleted' ? null : { id: fork === 'existing' ? 2 : 1 },
})
