/**
 * The page of a workflow run.
 * @param env of the runner. Source: GitHub, default environment variables
 */
export function getRunUrl({
  GITHUB_SERVER_URL: server = 'https://github.com',
  GITHUB_REPOSITORY: repository = '',
  GITHUB_RUN_ID: runId = '',
}: NodeJS.ProcessEnv): string {
  return `${server}/${repository}/actions/runs/${runId}`
}
