/** What a person at a terminal has in a world: helm and kubectl, as the administrator. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { merged } from './charts/merged.ts'
import { modeValues } from './charts/modes.ts'
import type { World } from './world.ts'

const run = promisify(execFile)

/** Where the terminal stands. */
export interface TerminalSettings {
  readonly directory: string
  readonly kubeconfig: string
  readonly namespace: string
  /** URL of the chart repository. */
  readonly charts: string
  readonly kubectl: string
  /** The program, asked for at each call. */
  readonly helm: () => string
}

/** Its commands. */
export function terminal(settings: TerminalSettings): Pick<World, 'helm' | 'kubectl' | 'installMilvus'> {
  const env = { PATH: '/usr/bin:/bin', KUBECONFIG: settings.kubeconfig, HOME: join(settings.directory, 'admin') }
  const command = (program: () => string) => async (...args: string[]): Promise<string> => (await run(program(), ['--namespace', settings.namespace, ...args], { env, maxBuffer: 64 * 2 ** 20 })).stdout
  const helm = command(settings.helm)
  return {
    helm,
    kubectl: command(() => settings.kubectl),
    async installMilvus({ release = 'milvus-demo', mode = 'standalone', values = {}, chartVersion = '4.2.58', serviceType = 'LoadBalancer' } = {}) {
      const path = join(settings.directory, `${randomUUID()}.json`)
      await writeFile(path, JSON.stringify(merged(merged(modeValues[mode], values), { service: { type: serviceType } })))
      await helm('install', release, 'milvus', '--repo', settings.charts, '--version', chartVersion, '--values', path, '--wait')
    },
  }
}
