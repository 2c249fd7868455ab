/**
 * Envoy as the data plane of the load balancers. It follows ELBv2 through files that it watches.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Processes } from '../process.ts'
import { waitUntil } from '../../testing/wait.ts'
import type { AwsProxy } from './aws-proxy.ts'
import {
  buildClusters,
  buildListeners,
  getSecretFileName,
  buildSecrets,
  buildConfigSource,
  type EnvoyInput,
} from './envoy-config.ts'
import type { LoadBalancers } from './load-balancers.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** The running data plane. */
export interface EnvoyAlb {
  /**
   * Applies the state of ELBv2. Resolves when Envoy has applied it. Also called after each change
   * through the proxy.
   */
  sync(): Promise<void>
  /** Changes the given overrides and syncs. Undefined removes an override. */
  override(changes: EnvoyInput['overrides']): Promise<void>
  /** Errors of background syncs. */
  readonly problems: Error[]
  /** The URL of Envoy's admin interface. */
  readonly admin: string
  close(): Promise<void>
}

/** A running Envoy, with an empty configuration or that of a previous lab. */
export interface EnvoyProgram {
  /** The folder of its files. */
  readonly directory: string
  /** URL of its admin interface. */
  readonly admin: string
}

/** Options of followLoadBalancers. */
export interface EnvoySettings {
  readonly envoy: EnvoyProgram
  readonly awsProxy: AwsProxy
  readonly loadBalancers: LoadBalancers
  readonly address: string
  readonly resolveTarget: EnvoyInput['resolveTarget']
}

/** Starts Envoy without listeners. */
export async function startEnvoy(settings: {
  program: string
  directory: string
  processes: Processes
}): Promise<EnvoyProgram> {
  const directory = join(settings.directory, 'envoy')
  await mkdir(directory, { recursive: true })
  const [port = 0] = await reserveFreePorts(1)
  const admin = `http://127.0.0.1:${port}`
  await Promise.all(
    ['cds.json', 'lds.json'].map((name) =>
      writeFile(join(directory, name), JSON.stringify({ version_info: '0', resources: [] }), {
        mode: 0o600,
      }),
    ),
  )
  await writeFile(
    join(directory, 'bootstrap.json'),
    JSON.stringify(buildBootstrap(directory, port)),
  )
  await settings.processes.start({
    name: 'envoy',
    command: settings.program,
    isReady: () => respondsWithOk(`${admin}/ready`),
    args: [
      '-c',
      join(directory, 'bootstrap.json'),
      '--disable-hot-restart',
      '--concurrency',
      '1',
      '--drain-time-s',
      '1',
      '--log-level',
      'warning',
    ],
  })
  return { directory, admin }
}

/** Makes Envoy follow ELBv2 until it is closed, and drops its previous configuration. */
export async function followLoadBalancers(settings: EnvoySettings): Promise<EnvoyAlb> {
  const { directory, admin } = settings.envoy
  const publisher = createPublisher(directory, admin)
  let overrides: EnvoyInput['overrides'] = {}
  const input = async (): Promise<EnvoyInput> => {
    const view = await settings.loadBalancers.describeAll()
    const active = view.loadBalancers.filter(({ name }) => !settings.awsProxy.isProvisioning(name))
    return {
      view: { ...view, loadBalancers: active },
      certificates: settings.awsProxy.imported,
      findMutualAuthentication: (listenerArn) => settings.awsProxy.mutualTls.find(listenerArn),
      address: settings.address,
      directory,
      resolveTarget: settings.resolveTarget,
      overrides,
    }
  }
  const problems: Error[] = []
  // Syncs run one at a time. A change during a sync is included in the next one.
  let lastSync: Promise<void> = Promise.resolve()
  let isSyncPending = false
  let isClosed = false
  const sync = (): Promise<void> => {
    if (isSyncPending || isClosed) return lastSync
    isSyncPending = true
    lastSync = lastSync
      .catch(() => undefined)
      .then(async () => {
        isSyncPending = false
        await publisher.write(await input())
        await publisher.waitUntilApplied()
      })
    return lastSync
  }
  await sync()
  settings.awsProxy.onChange(
    () => void sync().catch((error: unknown) => problems.push(error as Error)),
  )
  return {
    sync,
    problems,
    admin,
    override: (changes) => {
      overrides = { ...overrides, ...changes }
      return sync()
    },
    close: async () => {
      isClosed = true
      await lastSync.catch(() => undefined)
    },
  }
}

function buildBootstrap(directory: string, port: number): object {
  return {
    node: { id: 'alb', cluster: 'alb' },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    dynamic_resources: {
      lds_config: buildConfigSource(directory, 'lds.json'),
      cds_config: buildConfigSource(directory, 'cds.json'),
    },
    // Envoy logs a warning when there is no limit.
    layered_runtime: {
      layers: [
        { name: 'static', static_layer: { 'overload.global_downstream_max_connections': 50_000 } },
      ],
    },
  }
}

const requiredResources = ['listener_manager.lds', 'cluster_manager.cds']

/** Waits until Envoy has applied a version of its listeners, clusters and secrets. */
async function waitUntilApplied(
  admin: string,
  expectedVersion: number,
  secretNames: readonly string[],
): Promise<void> {
  let stats = ''
  const isApplied = async (): Promise<boolean> => {
    stats = await (await fetch(`${admin}/stats?filter=(version_text|update_rejected)$`)).text()
    const versions = new Map(
      [...stats.matchAll(/^(\S+)\.version_text: "(\d*)"/gm)].map(([, resource = '', text]) => [
        resource,
        Number(text),
      ]),
    )
    // Secrets that no listener uses have no version.
    const usedSecrets = secretNames
      .map((name) => `sds.${name}`)
      .filter((resource) => versions.has(resource))
    return [...requiredResources, ...usedSecrets].every(
      (resource) => (versions.get(resource) ?? 0) >= expectedVersion,
    )
  }
  await waitUntil(isApplied, {
    timeout: 10_000,
    createError: () => new Error(`Envoy did not apply version ${expectedVersion}:\n${stats}`),
  })
}

/** Publishes versions of the configuration. */
function createPublisher(directory: string, admin: string) {
  // Greater than all earlier versions in the same Envoy.
  let version = Date.now()
  let publishedContent = ''
  let secretNames: readonly string[] = []
  const writeResources = async (
    name: string,
    type: string,
    resources: readonly object[],
  ): Promise<void> => {
    const file = {
      version_info: String(version),
      resources: resources.map((resource) => ({ '@type': type, ...resource })),
    }
    const target = join(directory, name)
    await writeFile(`${target}.next`, JSON.stringify(file), { mode: 0o600 })
    await rename(`${target}.next`, target)
  }
  return {
    async write(input: EnvoyInput): Promise<void> {
      const [listenerResources, clusterResources, secretsByName] = [
        buildListeners(input),
        buildClusters(input),
        buildSecrets(input),
      ]
      const next = JSON.stringify([listenerResources, clusterResources, [...secretsByName]])
      if (next === publishedContent) return
      publishedContent = next
      version += 1
      secretNames = [...secretsByName.keys()]
      // Listeners are last, because they refer to the others.
      for (const [name, secret] of secretsByName)
        await writeResources(
          getSecretFileName(name),
          'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
          [secret],
        )
      await writeResources(
        'cds.json',
        'type.googleapis.com/envoy.config.cluster.v3.Cluster',
        clusterResources,
      )
      await writeResources(
        'lds.json',
        'type.googleapis.com/envoy.config.listener.v3.Listener',
        listenerResources,
      )
    },
    waitUntilApplied: (): Promise<void> => waitUntilApplied(admin, version, secretNames),
  }
}
