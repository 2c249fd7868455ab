/** Runs of a workflow: their environment variables, and how messages name them. */
export const runOptions = (id: number) => ({
  env: {
    GITHUB_REPOSITORY: 'acme/search',
    GITHUB_RUN_ID: String(id),
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'deploy',
  },
})
export const describeRun = (id: number): string =>
  `https://github.com/acme/search/actions/runs/${id} (attempt 1, job deploy)`
