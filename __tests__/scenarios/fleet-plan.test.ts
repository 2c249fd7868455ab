/** The plan of a pull request: which targets it selects, and the comment that says what changes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'
import { startGitHubApi, type GitHubApi, type StoredComment } from '../../testing/github-api.ts'
import { executeAction, type RunResult } from '../../testing/runner.ts'
import { scenario } from './harness.ts'

/** A pull request, in a repository that GitHub and the runs of its workflow know. */
class PullRequest {
  private readonly environment: TestEnvironment
  private readonly github: GitHubApi
  private runNumber = 0

  constructor(environment: TestEnvironment, github: GitHubApi) {
    this.environment = environment
    this.github = github
    github.pullRequests.push(7)
  }

  /** The first comment. */
  get comment(): string {
    return this.github.comments[0]?.body ?? ''
  }

  async writeTargets(name: string, content: unknown): Promise<string> {
    const file = join(this.environment.directory, name)
    await writeFile(file, JSON.stringify(content))
    return file
  }

  /** Runs plan.yml: plans, runs each job with the role for checks, and reports. */
  async push(
    targets: unknown,
    { base, runNumber = this.runNumber + 1 }: { base: string; runNumber?: number },
  ): Promise<{ plan: RunResult; jobs: readonly RunResult[]; report: RunResult }> {
    this.runNumber = runNumber
    this.github.artifacts.splice(0)
    const file = await this.writeTargets('targets.yml', targets)
    const plan = await this.runAction('plan', {
      file,
      'base-file': base,
      'dry-run': 'true',
      'pull-request': 'true',
    })
    const { outputs } = plan
    const jobs = await this.runJobs(outputs)
    const report = await this.runAction('report', {
      token: this.github.token,
      artifacts: outputs['artifacts'] ?? '',
      targets: outputs['targets'] ?? '',
      problems: outputs['problems'] ?? '',
      unchanged: outputs['unchanged'] ?? '',
      abandoned: outputs['abandoned'] ?? '',
      'planned-in': outputs['attempt'] ?? '',
      'dry-run': 'true',
      plan: 'true',
      'pull-request': '7',
      commit: `commit-${runNumber}`,
    })
    return { plan, jobs, report }
  }

  private async runJobs(outputs: RunResult['outputs']): Promise<RunResult[]> {
    const { certificate = '' } = this.environment.inputs()
    const { include } = JSON.parse(outputs['matrix'] || '{"include":[]}') as {
      include: { targets: string; environment: string }[]
    }
    const runs: RunResult[] = []
    for (const [index, { targets, environment }] of include.entries()) {
      expect(environment).toBe('check')
      const run = await this.runAction('deploy', {
        targets,
        'common-inputs': outputs['common-inputs'] ?? '',
        'dry-run': 'true',
        certificate,
      })
      const results = JSON.parse(run.outputs['results'] ?? '') as object[]
      this.github.artifacts.push({
        name: `${outputs['artifacts'] ?? ''}${index}`,
        content: { attempt: 1, mode: 'deploy', dryRun: true, targets: results },
      })
      runs.push(run)
    }
    return runs
  }

  async runAction(
    action: string,
    inputs: Record<string, string>,
    headRepository = 'team/infra',
  ): Promise<RunResult> {
    const event = { pull_request: { number: 7, head: { repo: { full_name: headRepository } } } }
    return executeAction({
      actionDirectory: join(repositoryRoot, 'fleet', action),
      directory: this.environment.directory,
      inputs,
      env: {
        ...this.environment.runnerEnv(),
        ...(action === 'deploy' && (await this.environment.assumeRole('', 'check'))),
        GITHUB_API_URL: this.github.url,
        GITHUB_EVENT_PATH: await this.writeTargets('event.json', event),
        GITHUB_REPOSITORY: 'team/infra',
        GITHUB_RUN_ID: String(this.runNumber),
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_WORKFLOW: 'Plan',
      },
    })
  }
}

async function withPullRequest(
  environment: TestEnvironment,
  run: (pullRequest: PullRequest, github: GitHubApi) => Promise<void>,
): Promise<void> {
  const github = await startGitHubApi()
  try {
    await run(new PullRequest(environment, github), github)
  } finally {
    await github.close()
  }
}

/** What all targets of a file share. */
function createDefaults(environment: TestEnvironment): Record<string, string> {
  const { certificate, 'private-key': privateKey, ...inputs } = environment.inputs()
  expect([certificate, privateKey]).not.toContain(undefined)
  const { region } = environment
  return { ...inputs, region, environment: 'production', 'check-environment': 'check' }
}

scenario(
  'a pull request gets one comment on what its targets would change, by a role that can only read, and each push updates it',
  async ({ environment, writes }) =>
    withPullRequest(environment, async (pullRequest, github) => {
      const defaults = createDefaults(environment)
      const baseTargets = [
        { name: 'untouched', namespace: 'elsewhere' },
        { name: 'removed', namespace: 'gone' },
      ]
      const base = await pullRequest.writeTargets('base.yml', { defaults, targets: baseTargets })
      const targets = [baseTargets[0], { name: 'new' }, { name: 'wrong', namespace: 'nowhere' }]
      const user = { login: 'someone', type: 'User' } as const
      const foreign: StoredComment = { id: 1_000, issue: 7, body: 'hello', user }
      github.comments.push(foreign)
      const first = await pullRequest.push({ defaults, targets }, { base })
      expect(JSON.parse(first.plan.outputs['targets'] ?? '')).toEqual(['new', 'wrong'])
      expect(writes()).toEqual([])
      expect({
        exit: first.report.exitCode,
        log: first.report.exitCode === 0 ? '' : first.report.log,
      }).toEqual({ exit: 0, log: '' })
      const [, comment, ...others] = github.comments
      expect(others).toEqual([])
      for (const text of [
        /^<!-- milvus-alb-plan: Plan milvus-alb-results-[0-9a-f]{8}- -->\n<!-- run 1 -->\n## Milvus: 1 of 2 targets needs attention\n/,
        /^- No longer deployed, and nothing of it is removed: removed\.$/m,
        /^This pull request does not concern 1 other target\.$/m,
        /\n\| ✗ \| wrong \|[^\n]*\| cluster-forbidden in preflight \|\n\| ✓ \| new \|[^\n]* 1 cannot be rolled back \|\n/,
        /Would fail:\n\n- `cluster-forbidden` in preflight: [^\n]*nowhere/,
        /Would change:\n\n(- .*\n)*- release milvus\/milvus-demo: `service\.type` `LoadBalancer` → `ClusterIP`/,
        /Cannot be rolled back:\n\n- load balancer of Service milvus\/milvus-demo(-milvus)?: it is deleted/,
        /Planned for commit-1 by \[this run\]/,
      ])
        expect(comment?.body).toMatch(text)

      // Someone else may write the marker: only a comment of an app is updated.
      foreign.body = comment?.body ?? ''
      // The second push is right, and GitHub answers the update only at the second attempt.
      let updates = 0
      github.fail = (request) =>
        request.startsWith('PATCH') && (updates += 1) === 1 ? { status: 502 } : undefined
      await pullRequest.push({ defaults, targets: [...baseTargets, { name: 'new' }] }, { base })
      expect(github.comments).toHaveLength(2)
      expect(comment?.body).toMatch(/<!-- run 2 -->\n## Milvus: 1 target would change\n/)
      expect(comment?.body).not.toContain('wrong')
      expect(foreign.body).toContain('wrong')

      // A re-run of the first run ends last.
      const late = await pullRequest.push({ defaults, targets }, { base, runNumber: 1 })
      expect(late.report.log).toContain(
        '::warning::The comment on the pull request is about a newer',
      )
      expect(comment?.body).toContain('<!-- run 2 -->')

      await pullRequest.push({ defaults, targets: baseTargets }, { base, runNumber: 3 })
      expect(comment?.body).toMatch(/## Milvus: No target would change\n\nThis pull request does/)

      const broken = await pullRequest.push(
        { defaults, targets: [{ name: 'x', size: 1 }] },
        { base },
      )
      expect(broken.plan.exitCode).toBe(1)
      expect(comment?.body).toMatch(
        /## Milvus: The targets cannot be planned\n\n- targets&#91;0&#93; \(x\) contains size/,
      )
      expect(github.comments).toHaveLength(2)
    }),
)

scenario(
  'a pull request of a fork is not planned, and the reason is in the summary; an error of GitHub fails the report of another one',
  async ({ environment }) =>
    withPullRequest(environment, async (pullRequest, github) => {
      const defaults = createDefaults(environment)
      const file = await pullRequest.writeTargets('targets.yml', {
        defaults,
        targets: [{ name: 'a' }, { name: 'b', namespace: 'other' }],
      })
      const inputs = { file, 'dry-run': 'true', 'pull-request': 'true' }
      const fork = await pullRequest.runAction('plan', inputs, 'stranger/infra')
      expect([fork.exitCode, fork.outputs]).toEqual([
        0,
        expect.objectContaining({ targets: '[]', matrix: '', skipped: 'fork' }),
      ])
      expect(fork.summary).toMatch(
        /2 targets can be planned, and none was[^]*This pull request comes from a fork\. GitHub gives its workflow no secrets/,
      )
      const own = await pullRequest.runAction('plan', inputs)
      expect(own.outputs).toMatchObject({ skipped: '', targets: '["a","b"]' })

      github.fail = (request) =>
        request.startsWith('POST')
          ? { status: 403, headers: { 'x-accepted-github-permissions': 'pull_requests=write' } }
          : undefined
      const report = await pullRequest.runAction('report', {
        token: github.token,
        artifacts: own.outputs['artifacts'] ?? '',
        targets: '["a"]',
        'dry-run': 'true',
        plan: 'true',
        'pull-request': '7',
      })
      expect(report.exitCode).toBe(1)
      expect(report.log).toMatch(
        /::error::The comment on the pull request does not say what this run found: .* Grant the token the permissions pull_requests=write\. The summary of this run does\./,
      )
      expect(report.summary).toContain('| ✗ | a |')
      expect(pullRequest.comment).toBe('')
    }),
  { start: 'empty' },
)
