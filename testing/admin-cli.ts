/** Helm and kubectl as an administrator would run them against a test environment. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mergeValues } from '../simulator/charts/merge-values.ts'
import { modeValues } from '../simulator/charts/installation-modes.ts'
import type { TestEnvironment } from './environment.ts'

const execFileAsync = promisify(execFile)

/** Options of createAdminCli. */
export interface AdminCliOptions {
  readonly directory: string
  readonly kubeconfig: string
  readonly namespace: string
  /** URL of the chart repository. */
  readonly chartRepositoryUrl: string
  readonly kubectl: string
  /** The path of the program, determined at each call because the Helm version can change. */
  readonly helm: () => string
}

/** Creates the commands, which run as the administrator of the cluster. */
export function createAdminCli(
  settings: AdminCliOptions,
): Pick<TestEnvironment, 'helm' | 'kubectl' | 'installMilvus'> {
  const env = {
    PATH: '/usr/bin:/bin',
    KUBECONFIG: settings.kubeconfig,
    HOME: join(settings.directory, 'admin'),
    // As in run-action.ts: a process of half a second need not collect garbage.
    GOGC: 'off',
  }
  const createCommand =
    (program: () => string) =>
    async (...args: string[]): Promise<string> =>
      (
        await execFileAsync(program(), ['--namespace', settings.namespace, ...args], {
          env,
          maxBuffer: 64 * 2 ** 20,
        })
      ).stdout
  const helm = createCommand(settings.helm)
  return {
    helm,
    kubectl: createCommand(() => settings.kubectl),
    async installMilvus({
      release = 'milvus-demo',
      mode = 'standalone',
      values = {},
      chartVersion = '4.2.58',
      serviceType = 'LoadBalancer',
    } = {}) {
      const path = join(settings.directory, `${randomUUID()}.json`)
      await writeFile(
        path,
        JSON.stringify(
          mergeValues(mergeValues(modeValues[mode], values), { service: { type: serviceType } }),
        ),
      )
      await helm(
        'install',
        release,
        'milvus',
        '--repo',
        settings.chartRepositoryUrl,
        '--version',
        chartVersion,
        '--values',
        path,
        '--wait',
      )
    },
  }
}
