/** A runner that kills a job with several targets. */
import { readdirSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { killProcessTree } from '../../testing/process-tree.ts'
import { readJobInputs, runFleetAction } from './fleet-actions.ts'
import { scenario } from './harness.ts'

scenario(
  'a job of a fleet that is killed leaves no files of its targets, and the results of those that were finished',
  async ({ environment }) => {
    const { certificate = '', 'private-key': privateKey = '', ...inputs } = environment.inputs()
    const file = join(environment.directory, 'targets.yml')
    const defaults = { ...inputs, region: environment.region, environment: 'production' }
    const targets = [{ name: 'gone', namespace: 'nowhere' }, { name: 'here' }]
    await writeFile(file, JSON.stringify({ defaults, targets }))
    const plan = await runFleetAction(environment, 'plan', { file })

    const runnerDirectory = await mkdtemp(join(environment.directory, 'runner-'))
    let pid = 0
    let filesWhenKilled: string[] = []
    const run = await runFleetAction(
      environment,
      'deploy',
      { ...readJobInputs(plan), certificate, 'private-key': privateKey },
      {
        runnerDirectory,
        onStart: (child) => (pid = child.pid ?? 0),
        onLine: () => {
          const files = readdirSync(join(runnerDirectory, 'temp'), { recursive: true }).map(String)
          if (filesWhenKilled.length > 0 || !files.some((name) => name.endsWith('helm-cache')))
            return
          filesWhenKilled = files
          killProcessTree(pid)
        },
      },
    )
    expect(run.exitCode).toBe(null)
    expect(filesWhenKilled.join('\n')).toMatch(
      /^milvus-alb-fleet-\w+\/milvus-alb-action-\w+\/helm-cache$/m,
    )
    expect(run.remainingFiles).toEqual(['milvus-alb-results.json'])
    const results = await readFile(run.outputs['results-file'] ?? '', 'utf8')
    expect(JSON.parse(results)).toMatchObject({
      targets: [{ name: 'gone', outputs: { 'failure-code': 'namespace-not-found' } }],
    })
  },
  { start: 'installed' },
)
