/** The heartbeat of a drift check, and the service that expects it. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'
import { startGitHubApi } from '../../testing/github-api.ts'
import { executeAction, type RunResult } from '../../testing/runner.ts'
import { simulatorScenario } from './harness.ts'

/** Whoever knows the path can send heartbeats. */
const secretPath = 'ping/canary-of-the-heartbeat'

/** A service that answers calls with the statuses of a list, and its last one from then on. */
async function startMonitor(environment: TestEnvironment) {
  const calls: string[] = []
  const monitor = { calls, statuses: [200], url: '', close: (): unknown => server.close() }
  const { cert, key } = await issueLoopbackCertificate(environment.certificateAuthority)
  const server = createServer({ cert, key }, (request, response) => {
    calls.push(`${request.method ?? ''} ${request.url ?? ''}`)
    const status = monitor.statuses.length > 1 ? monitor.statuses.shift() : monitor.statuses[0]
    response.writeHead(status ?? 200, { location: 'http://127.0.0.1/' }).end('OK')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  monitor.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/${secretPath}`
  return monitor
}

simulatorScenario(
  'a complete drift check sends one heartbeat whatever it found, an incomplete one sends none, and a broken monitor is a warning',
  'it uses no part of the lab',
  async ({ environment }) => {
    const github = await startGitHubApi()
    const monitor = await startMonitor(environment)
    const prefix = 'milvus-alb-results-1a2b3c4d-'
    const drifted = { name: 'a', host: 'a', outcome: 'failure', outputs: { drift: 'true' } }
    const content = { attempt: 1, mode: 'check', dryRun: false, targets: [drifted] }
    github.artifacts.push({ name: `${prefix}0`, content })
    const report = async (inputs: Record<string, string> = {}): Promise<RunResult> => {
      monitor.calls.length = 0
      const run = await executeAction({
        actionDirectory: join(repositoryRoot, 'fleet', 'report'),
        directory: environment.directory,
        inputs: {
          token: github.token,
          artifacts: prefix,
          mode: 'check',
          issue: 'true',
          'heartbeat-url': monitor.url,
          ...inputs,
        },
        env: {
          ...environment.runnerEnv(),
          GITHUB_API_URL: github.url,
          GITHUB_REPOSITORY: 'team/infra',
          GITHUB_RUN_ID: '1',
        },
      })
      expect(run.log + run.summary).not.toContain(secretPath)
      return run
    }
    try {
      monitor.statuses = [503, 429, 200]
      const complete = await report()
      expect([complete.exitCode, complete.log]).toEqual([
        0,
        expect.stringContaining('Sent the heartbeat'),
      ])
      expect(complete.log).not.toContain('::warning')
      expect(complete.maskCommands.join()).toContain(secretPath)
      expect(monitor.calls).toEqual(Array(3).fill(`GET /${secretPath}`))

      for (const status of [404, 301]) {
        monitor.statuses = [status]
        const rejected = await report()
        expect([rejected.exitCode, rejected.outputs['issue'], rejected.log]).toEqual([
          0,
          '1',
          expect.stringMatching(
            new RegExp(
              `::warning::The heartbeat was not accepted by 127\\.0\\.0\\.1:\\d+: status ${status}\\.`,
            ),
          ),
        ])
        expect(monitor.calls).toHaveLength(1)
      }
      const withoutTls = await report({ 'heartbeat-url': monitor.url.replace('https', 'http') })
      expect(withoutTls.log).toContain('::warning::Input heartbeat-url is not an https URL')

      monitor.statuses = [200]
      const partial = await report({ targets: '["a", "b"]' })
      expect(partial.log).toContain('::warning::No heartbeat was sent, because 1 of the targets')
      const broken = await report({ problems: '- a: no host' })
      expect([broken.exitCode, monitor.calls]).toEqual([0, []])
      github.fail = (request) => (request.endsWith('/issues') ? { status: 403 } : undefined)
      const unreported = await report()
      expect([unreported.exitCode, monitor.calls]).toEqual([1, []])
    } finally {
      monitor.close()
      await github.close()
    }
  },
  { start: 'empty' },
)
