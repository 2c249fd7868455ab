/** A fleet of the size of an organization; `npm run organization` measures it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { startGitHubApi } from '../../testing/github-api.ts'
import {
  downloadArtifacts,
  environmentCount,
  expectedStates,
  planFleet,
  reportFleet,
  runFleetAction,
  runJobs,
  targetCount,
} from '../../testing/organization.ts'
import { simulatorScenario } from './harness.ts'
import { defaultInputs } from './scenario-run.ts'

/** The states in the table of a report, by target. */
const readStates = (summary: string): [name: string, state: string][] =>
  [...summary.matchAll(/^\| [✓✗] \| (\S+) \| \S* \| (.*) \|$/gm)].map(
    ([, name = '', state = '']) => [name, state],
  )

simulatorScenario(
  '1,000 targets in 300 environments, of which 3 % fail and one is rejected, end with one right report after a re-run of the failed jobs, although GitHub fails now and then',
  'most of its jobs are made up',
  async ({ environment }) => {
    const github = await startGitHubApi()
    try {
      const inputs = environment.inputs()
      const jobInputs = {
        'milvus-token': defaultInputs['milvus-token'],
        'secret-values': defaultInputs.values,
        certificate: inputs['certificate'] ?? '',
        'private-key': inputs['private-key'] ?? '',
      }
      const fleet = { environment, github, jobInputs }
      const plan = await planFleet(fleet)
      expect(plan.matrices.map(({ length }) => length)).toEqual([150, 150])
      expect(plan.outputs['max-parallel']).toBe('5')
      // Source: GitHub, workflow syntax, jobs.<job_id>.outputs.
      expect(plan.outputBytes).toBeLessThan(2 ** 20)
      const jobs = plan.matrices.flat()
      expect(new Set(jobs.map((job) => job.environment)).size).toBe(environmentCount)

      github.fail = (_request, index) => (index % 50 === 49 ? { status: 502 } : undefined)
      const failedJobs = await runJobs(fleet, plan, jobs, 1)
      const first = await reportFleet(fleet, plan, 1)
      expect(first.run.exitCode).toBe(0)
      expect(first.run.summary).toContain('### 34 of 1000 targets need attention\n')

      await runJobs(fleet, plan, failedJobs, 2)
      // The artifacts of the first attempt are only found by the API.
      const second = await reportFleet(fleet, plan, 2, await downloadArtifacts(fleet, 2))
      expect(second.run.exitCode).toBe(0)
      expect(second.run.summary).toContain('### 20 of 1000 targets need attention\n')
      expect(second.run.outputs['clean']).toBe('false')
      const states = readStates(second.run.summary)
      expect(states).toHaveLength(targetCount)
      expect(Object.fromEntries(states)).toEqual(expectedStates(2))
      // Targets that need attention come first.
      const isClean = states.map(([, state]) => state === 'unchanged')
      expect(isClean.indexOf(true)).toBe(20)
      expect(isClean.lastIndexOf(false)).toBe(19)
      // The first report reads one artifact per job that ran; the second, those that it lacks.
      expect(first.requests).toBeLessThan(320)
      expect(second.requests).toBeLessThan(first.requests + 20)
    } finally {
      await github.close()
    }
  },
  { start: 'deployed' },
)

/** Targets with an environment, a role, subnets and a release of their own. */
const ownTargets = Array.from({ length: targetCount }, (_, index) => ({
  name: `target-${index}`,
  environment: `team-${index}`,
  'role-to-assume': `arn:aws:iam::11112222${String(index).padStart(4, '0')}:role/milvus-alb`,
  cluster: `production-${index}`,
  release: `milvus-${index}`,
  host: `milvus-${index}.example.com`,
  subnets: [`subnet-0a1b2c3d4e5f6${index}`, `subnet-1a1b2c3d4e5f6${index}`],
}))

simulatorScenario(
  '1,000 targets with an environment and a certificate each need four matrices of one run, and a report without the API of GitHub',
  'its results are made up',
  async ({ environment }) => {
    const github = await startGitHubApi()
    try {
      const fleet = { environment, github, jobInputs: {} }
      const file = join(environment.directory, 'targets.yml')
      const defaults = { region: 'us-east-2', tags: { team: 'search' } }
      await writeFile(file, JSON.stringify({ defaults, targets: ownTargets }))
      const plan = (inputs: Record<string, string>) => runFleetAction(fleet, 'plan', 1, inputs)
      const { exitCode, log, outputs } = await plan({ file, matrices: '4', 'max-parallel': '10' })
      expect([exitCode, log]).toEqual([0, expect.stringContaining('1000 targets in 1000 jobs')])
      const matrices = ['matrix', 'matrix-2', 'matrix-3', 'matrix-4'].map(
        (name) => (JSON.parse(outputs[name] ?? '') as { include: { index: number }[] }).include,
      )
      expect(matrices.map(({ length }) => length)).toEqual([250, 250, 250, 250])
      expect(new Set(matrices.flat().map(({ index }) => index)).size).toBe(targetCount)
      expect(outputs['max-parallel']).toBe('2')
      expect(Buffer.byteLength(Object.values(outputs).join(''), 'utf16le')).toBeLessThan(2 ** 20)

      for (const [inputs, message] of [
        [{ file }, 'The targets need at least 1000 jobs'],
        [{ file, matrices: '4', 'max-jobs': '999' }, 'Input max-jobs is 999, and the targets need'],
        [
          { file, matrices: '4', 'max-jobs': '0' },
          'Input max-jobs is "0". Set it to a whole number',
        ],
        [
          { file, matrices: '4', 'max-parallel': '3' },
          'Input max-parallel is 3, and the jobs need 4',
        ],
      ] as const) {
        const rejected = await plan(inputs)
        expect([rejected.exitCode, rejected.log]).toEqual([1, expect.stringContaining(message)])
      }

      // As actions/download-artifact leaves them.
      const directory = join(environment.directory, 'milvus-alb-results')
      const upload = async (job: string, text: string): Promise<void> => {
        await mkdir(join(directory, job), { recursive: true })
        await writeFile(join(directory, job, 'milvus-alb-results.json'), text)
      }
      for (const { name, host } of ownTargets) {
        const result = { name, host, outcome: 'success', outputs: { changed: 'false' } }
        const results = { attempt: 1, mode: 'deploy', dryRun: false, targets: [result] }
        await upload(name, JSON.stringify(results))
      }
      const { artifacts = '', targets = '' } = outputs
      const reportInputs = { token: github.token, artifacts, targets, directory }
      const report = await runFleetAction(fleet, 'report', 1, reportInputs)
      expect(report.outputs).toMatchObject({ clean: 'true' })
      expect(report.summary).toContain('### No problems in 1000 targets\n')
      await upload('target-7', '{}')
      const incomplete = await runFleetAction(fleet, 'report', 1, reportInputs)
      expect(incomplete.exitCode).toBe(1)
      expect(incomplete.log).toContain(
        '::warning::Artifact target-7 cannot be read: fleet/deploy did',
      )
      expect(incomplete.summary).toContain('| ✗ | target-7 |  | its result could not be read |')
      const withoutResults = { ...reportInputs, directory: join(directory, 'nowhere') }
      expect((await runFleetAction(fleet, 'report', 1, withoutResults)).summary).toContain(
        '### 1000 of 1000 targets need attention\n',
      )
      // Results that are missing or cannot be read may be found by the API. Planning looks up the
      // environments.
      expect(github.requests.filter((request) => !request.endsWith('/environments'))).toEqual([
        expect.stringMatching(/\/runs\/1\/artifacts/),
      ])
    } finally {
      await github.close()
    }
  },
  { start: 'empty' },
)
