/**
 * Real Milvus servers: 2.3.5 with and without authorization, and Milvus Lite, which is an
 * independent implementation.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Processes } from '../process.ts'
import { runCommand } from '../command.ts'
import type { LabPrograms } from '../setup.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** Without authorization, with authorization (root/Milvus), or Milvus Lite. */
export type MilvusKind = 'plain' | 'authorized' | 'lite'

/** A running server. */
export interface MilvusServer {
  readonly kind: MilvusKind
  readonly host: string
  /** The port of its plaintext gRPC API. */
  readonly port: number
  stop(): Promise<void>
}

/** Options of startMilvus. */
export interface MilvusServerSettings {
  readonly programs: LabPrograms
  readonly processes: Processes
  readonly directory: string
}

/** Starts a server. Resolves when it is healthy. */
export function startMilvus(
  kind: MilvusKind,
  settings: MilvusServerSettings,
): Promise<MilvusServer> {
  return kind === 'lite' ? startLite(settings) : startStandalone(kind, settings)
}

async function startStandalone(
  kind: MilvusKind,
  { programs, processes, directory }: MilvusServerSettings,
): Promise<MilvusServer> {
  const home = join(directory, `milvus-${kind}`)
  await Promise.all(
    ['configs', 'logs', 'data', 'run'].map((name) => mkdir(join(home, name), { recursive: true })),
  )
  const ports = await reserveFreePorts(18)
  const [client = 0, peer = 0] = ports.splice(0, 2)
  const template = await readFile(join(programs.milvus, 'milvus.yaml.template'), 'utf8')
  const [proxyPort = 0, metricsPort = 0] = ports.splice(0, 2)
  const configuration = renderConfiguration(template, { kind, home, proxyPort, ports })
  await writeFile(join(home, 'configs/milvus.yaml'), configuration)
  await writeEtcdConfiguration(home, client, peer)
  await writeFile(join(home, 'configs/glog.conf'), '--logtostderr=true\n--minloglevel=2\n')
  const bin = join(programs.milvus, 'bin')
  const alias = randomUUID()
  // Milvus reads its configuration next to the folder of its program and in the working directory.
  await symlink(bin, join(home, 'bin'))
  // On an overloaded machine, Milvus exits when it cannot renew its session in etcd for 30 s
  // (common.session.ttl in its configuration).
  const stop = await processes.keepRunning({
    name: `milvus-${kind}`,
    command: join(home, 'bin/milvus'),
    args: ['run', 'standalone', '-alias', alias],
    cwd: home,
    timeout: 120_000,
    // Milvus uses these fixed folders: the second when it cannot write to the first.
    strayFiles: (pid) => [
      `/tmp/milvus/server_id_${pid}`,
      ...['/run', '/tmp'].map((root) => `${root}/milvus/standalone-${alias}.pid`),
    ],
    env: {
      DEPLOY_MODE: 'STANDALONE',
      METRICS_PORT: String(metricsPort),
      MILVUS_RUN_DIR: join(home, 'run'),
      MILVUSCONF: join(home, 'configs'),
      LD_LIBRARY_PATH: bin,
      HOME: home,
    },
    isReady: () => respondsWithOk(`http://127.0.0.1:${metricsPort}/healthz`),
  })
  return { kind, host: '127.0.0.1', port: proxyPort, stop }
}

interface ConfigurationOptions {
  readonly kind: MilvusKind
  readonly home: string
  readonly proxyPort: number
  /** Free ports for all other services. Ports that are used are removed from the list. */
  readonly ports: number[]
}

function renderConfiguration(
  template: string,
  { kind, home, proxyPort, ports }: ConfigurationOptions,
): string {
  const values: Record<string, string> = {
    etcd_log_level: 'warn',
    etcd_log_path: join(home, 'logs/etcd.log'),
    system_log_path: join(home, 'logs'),
    etcd_data_dir: join(home, 'data/etcd'),
    local_storage_dir: join(home, 'data'),
    rocksmq_data_dir: join(home, 'data/rocksmq'),
    authorization_enabled: String(kind === 'authorized'),
    proxy_port: String(proxyPort),
  }
  // Placeholders have the form `{{ name(type): default }}`.
  return (
    template
      .replace(
        /\{\{ *(\w+)(?:\(\w+\))?(?:: *([^}]*?))? *\}\}/g,
        (_all, name: string, defaultValue?: string) =>
          values[name] ?? (name.endsWith('_port') ? String(ports.pop()) : (defaultValue ?? '')),
      )
      // By default Milvus advertises the machine's address.
      .replace(/^ {2}ip:.*$/gm, '  ip: 127.0.0.1')
      // Loading a collection takes several of these intervals, which are one second each by
      // default.
      .replace(/^( {2}(?:checkInterval|distPullInterval|timeTickInterval)): \d+/gm, '$1: 50')
      // By default the embedded etcd listens on well-known ports, so two servers would conflict.
      .replace(/^ {2}use:\n/m, `  config:\n    path: ${join(home, 'configs/etcd.yaml')}\n  use:\n`)
  )
}

async function writeEtcdConfiguration(home: string, client: number, peer: number): Promise<void> {
  const etcd = {
    name: 'default',
    client: `http://127.0.0.1:${client}`,
    peer: `http://127.0.0.1:${peer}`,
  }
  await writeFile(
    join(home, 'configs/etcd.yaml'),
    JSON.stringify({
      name: etcd.name,
      'listen-client-urls': etcd.client,
      'advertise-client-urls': etcd.client,
      'listen-peer-urls': etcd.peer,
      'initial-advertise-peer-urls': etcd.peer,
      'initial-cluster': `${etcd.name}=${etcd.peer}`,
    }),
  )
}

async function startLite({
  programs,
  processes,
  directory,
}: MilvusServerSettings): Promise<MilvusServer> {
  const home = join(directory, 'milvus-lite')
  await mkdir(home, { recursive: true })
  const [port = 0] = await reserveFreePorts(1)
  // Milvus Lite has no health endpoint.
  const probeScript = [
    'from pymilvus import connections, utility',
    `connections.connect(host='127.0.0.1', port='${port}', timeout=3)`,
    'utility.get_server_version()',
  ].join('\n')
  const server = await processes.start({
    name: 'milvus-lite',
    command: programs.milvusLite,
    cwd: home,
    timeout: 60_000,
    env: { HOME: home },
    args: [
      '-c',
      'import sys; from milvus_lite.cmdline import main; sys.exit(main())',
      'server',
      '--data-dir',
      join(home, 'data'),
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
    ],
    isReady: () =>
      runCommand(programs.milvusLite, ['-c', probeScript], {
        env: { PATH: '/usr/bin:/bin', HOME: home },
      }).then(() => true),
  })
  return { kind: 'lite', host: '127.0.0.1', port, stop: () => server.stop() }
}
