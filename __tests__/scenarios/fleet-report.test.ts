/** The report over all jobs of a run, and the issue of a drift check. */
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'
import { startGitHubApi, type GitHubApi } from '../../testing/github-api.ts'
import { executeAction, type RunResult } from '../../testing/runner.ts'
import { simulatorScenario } from './harness.ts'

const onlyInSimulator = 'it uses no part of the lab'

const createResult = (name: string, drift: string, changes: readonly object[] = []) => ({
  name,
  host: `${name}.example.com`,
  outcome: 'success',
  outputs: { drift, changes: JSON.stringify(changes) },
})

/** Adds the artifact that a job uploads. */
function upload(github: GitHubApi, job: string, ...targets: object[]): void {
  const name = `milvus-alb-results-1a2b3c4d-${job}`
  const content = { attempt: 1, mode: 'check', dryRun: false, targets }
  github.artifacts.push({ name, content })
}

const runReport = (
  environment: TestEnvironment,
  github: GitHubApi,
  inputs: Record<string, string> = {},
): Promise<RunResult> =>
  executeAction({
    actionDirectory: join(repositoryRoot, 'fleet', 'report'),
    directory: environment.directory,
    inputs: {
      token: github.token,
      issue: 'true',
      artifacts: 'milvus-alb-results-1a2b3c4d-',
      mode: 'check',
      ...inputs,
    },
    env: {
      ...environment.runnerEnv(),
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: 'team/infra',
      GITHUB_RUN_ID: '1',
      GITHUB_WORKFLOW: 'Drift',
      GITHUB_SERVER_URL: 'https://github.com',
    },
  })

async function withGitHub(run: (github: GitHubApi) => Promise<void>): Promise<void> {
  const github = await startGitHubApi()
  try {
    await run(github)
  } finally {
    await github.close()
  }
}

simulatorScenario(
  'a drift check over 250 jobs opens one issue although GitHub fails now and then, updates it, and closes it when there is no drift',
  onlyInSimulator,
  ({ environment }) =>
    withGitHub(async (github) => {
      for (let job = 0; job < 250; job += 1)
        upload(github, String(job), createResult(`t${job}`, 'false'))
      const change = { object: 'Ingress', path: 'x'.repeat(300), before: 'a', after: 'b', why: 'c' }
      upload(github, 'bad', createResult('bad', 'true', Array(500).fill(change)))
      github.artifacts.push({ name: 'coverage', content: { not: 'ours' } })
      github.fail = (_request, index) => (index % 50 === 1 ? { status: 502 } : undefined)
      const first = await runReport(environment, github)
      expect({
        exit: first.exitCode,
        log: first.exitCode === 0 ? '' : first.log,
        ...first.outputs,
      }).toEqual({ exit: 0, log: '', clean: 'false', drift: 'true', issue: '1' })
      expect(github.issues).toMatchObject([
        {
          title: 'Milvus: 1 of 251 targets needs attention',
          state: 'open',
          labels: ['milvus-alb-drift'],
          body: expect.stringMatching(/\| ✗ \| bad \|[^]*more lines[^]*Found by \[this run\]/),
        },
      ])
      expect(first.summary.indexOf('| ✗ | bad |')).toBeLessThan(first.summary.indexOf('| ✓ | t0 |'))
      // GitHub allows 1,000 requests an hour, and the archives come from another server.
      expect(github.requests.length).toBeLessThan(270)
      expect(github.leakedCredentials).toEqual([])

      github.fail = () => undefined
      github.artifacts.splice(0, 249)
      upload(github, 'worse', createResult('worse', 'unknown'))
      expect((await runReport(environment, github)).outputs).toEqual({
        clean: 'false',
        drift: 'true',
        issue: '1',
      })
      expect(github.issues).toMatchObject([
        { title: 'Milvus: 2 of 3 targets need attention', state: 'open' },
      ])

      github.artifacts.splice(1)
      expect((await runReport(environment, github)).outputs).toEqual({
        clean: 'true',
        drift: 'false',
        issue: '',
      })
      expect(github.issues).toMatchObject([
        { state: 'closed', comments: [expect.stringContaining('No target needs attention')] },
      ])
      // Another selection of targets has its own issue.
      const other = { artifacts: 'milvus-alb-results-9f9f9f9f-', targets: '["other"]' }
      expect((await runReport(environment, github, other)).outputs).toMatchObject({ issue: '2' })
    }),
  { start: 'empty' },
)

simulatorScenario(
  'a report is written although some results or the issue cannot be, and the job fails with the reason',
  onlyInSimulator,
  ({ environment }) =>
    withGitHub(async (github) => {
      upload(github, '0', createResult('fine', 'false'))
      github.artifacts.push({ name: 'milvus-alb-results-1a2b3c4d-1', content: ['not', 'ours'] })
      upload(github, '2', createResult('unread', 'false'))
      const isUnreadable = (request: string): boolean => request.endsWith('artifacts/2/zip')
      github.fail = (request) =>
        isUnreadable(request) ? { status: 410, message: 'Artifact has expired' } : undefined
      const run = await runReport(environment, github, { targets: '["fine","unread"]' })
      expect(run.exitCode).toBe(1)
      expect(run.outputs).toEqual({ clean: 'false', drift: 'unknown', issue: '' })
      expect(run.summary).toContain('| ✗ | unread |  | its result could not be read |')
      expect(run.summary).toContain('| ✓ | fine |')
      // A target whose result could not be read needs no attention.
      expect(github.issues).toEqual([])
      expect(run.log).toContain(
        '::warning::Artifact milvus-alb-results-1a2b3c4d-1 cannot be read: fleet/deploy did not write it.',
      )
      expect(run.log).toMatch(/::warning::Artifact .*-2 cannot be read: .*status 410: Artifact has/)
      expect(run.log).toContain(
        '::error::The report is incomplete, because some results could not be read.',
      )

      github.artifacts.splice(1)
      github.fail = (request) =>
        request.startsWith('POST') ? { status: 502, isCarriedOut: true } : undefined
      const opened = await runReport(environment, github, { targets: '["lost"]' })
      expect(opened.outputs).toMatchObject({ clean: 'false', issue: '1' })
      expect(github.issues).toHaveLength(1)

      github.fail = (request) =>
        request.endsWith('/issues')
          ? { status: 403, headers: { 'x-accepted-github-permissions': 'issues=write' } }
          : undefined
      const withoutIssues = await runReport(environment, github, { targets: '["lost"]' })
      expect(withoutIssues.summary).toContain('| ✗ | lost |')
      expect(withoutIssues.log).toMatch(
        /::error::The issue does not say what this run found: .* Grant the token the permissions issues=write\. The summary of this run does\./,
      )
      const broken = await runReport(environment, github, {
        issue: 'false',
        problems: '- a: no host',
      })
      expect(broken.outputs).toEqual({ clean: 'false', drift: 'unknown', issue: '' })
      expect(broken.summary).toBe('### The targets cannot be planned\n\n- a: no host\n')
      const wrongToken = await runReport(environment, github, { token: 'wrong' })
      expect(wrongToken.exitCode).toBe(1)
      expect(wrongToken.log).toMatch(
        /GitHub API request "GET .*actions\/runs\/1\/artifacts" failed with status 401: Bad credentials/,
      )
    }),
  { start: 'empty' },
)
