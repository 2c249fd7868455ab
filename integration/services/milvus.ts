/**
 * Real Milvus servers: 2.3.5 with and without authorization, and Milvus Lite, an implementation of
 * its own. Started when first asked for.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ManagedProcess, Processes } from '../process.ts'
import { runCommand } from '../process.ts'
import type { LabPrograms } from '../setup.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** Which server: without authorization, with it (root/Milvus), or Milvus Lite. */
export type MilvusKind = 'plain' | 'authorized' | 'lite'

/** A running server. */
export interface MilvusServer {
  readonly kind: MilvusKind
  readonly host: string
  /** Of its plaintext gRPC API. */
  readonly port: number
  stop(): Promise<void>
}

/** What a server is started with. */
export interface MilvusServerSettings {
  readonly programs: LabPrograms
  readonly processes: Processes
  readonly directory: string
}

/** Starts a server; settles when it is healthy. */
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
  const template = await readFile(join(programs.milvus, 'milvus.yaml.template'), 'utf8')
  const ports = await reserveFreePorts(18)
  const [client = 0, peer = 0] = ports.splice(0, 2)
  const values: Record<string, string> = {
    etcd_log_level: 'warn',
    etcd_log_path: join(home, 'logs/etcd.log'),
    system_log_path: join(home, 'logs'),
    etcd_data_dir: join(home, 'data/etcd'),
    local_storage_dir: join(home, 'data'),
    rocksmq_data_dir: join(home, 'data/rocksmq'),
    authorization_enabled: String(kind === 'authorized'),
  }
  const proxyPort = ports.pop() ?? 0
  const metricsPort = ports.pop() ?? 0
  values['proxy_port'] = String(proxyPort)
  // `{{ name(type): default }}`, as the package's own launcher reads it. Without an address it
  // would advertise the machine's own.
  const configuration = template
    .replace(
      /\{\{ *(\w+)(?:\(\w+\))?(?:: *([^}]*?))? *\}\}/g,
      (_all, name: string, defaultValue?: string) =>
        values[name] ?? (name.endsWith('_port') ? String(ports.pop()) : (defaultValue ?? '')),
    )
    .replace(/^ {2}ip:.*$/gm, '  ip: 127.0.0.1')
    // Loading a collection takes as many rounds of these, at a second each.
    .replace(/^( {2}(?:checkInterval|distPullInterval|timeTickInterval)): \d+/gm, '$1: 50')
    // The etcd inside of it would listen on its well-known ports, and two of them would not go
    // together.
    .replace(/^ {2}use:\n/m, `  config:\n    path: ${join(home, 'configs/etcd.yaml')}\n  use:\n`)
  await writeFile(join(home, 'configs/milvus.yaml'), configuration)
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
  await writeFile(join(home, 'configs/glog.conf'), '--logtostderr=true\n--minloglevel=2\n')
  const bin = join(programs.milvus, 'bin')
  const alias = randomUUID()
  // It looks for its configuration beside the folder of its program and in the working directory.
  await symlink(bin, join(home, 'bin'))
  const start = (): Promise<ManagedProcess> =>
    processes.start({
      name: `milvus-${kind}`,
      command: join(home, 'bin/milvus'),
      args: ['run', 'standalone', '-alias', alias],
      cwd: home,
      timeout: 120_000,
      // Its folders are fixed: the second one is in place of the first where that may not be
      // written.
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
  const stop = await keepRunning(start, () => processes.isClosing)
  return { kind, host: '127.0.0.1', port: proxyPort, stop }
}

/**
 * Starts a server again that ends by itself: Milvus does when it cannot renew its session in its
 * etcd for 30 s, as on a starved machine (common.session.ttl of its configuration).
 * @returns what ends it for good
 */
async function keepRunning(
  start: () => Promise<ManagedProcess>,
  isClosing: () => boolean,
): Promise<() => Promise<void>> {
  let server = await start()
  let isStopped = false
  const restart = async (): Promise<void> => {
    await server.exited
    if (isStopped || isClosing()) return
    const [lastLine = ''] = (await readFile(server.log, 'utf8').catch(() => ''))
      .trimEnd()
      .split('\n')
      .slice(-1)
    console.error(
      `${server.name} has ended by itself and is started again. Its last line: ${lastLine.slice(0, 300)}`,
    )
    server = await start()
    await restart()
  }
  // The lab may be closed meanwhile: nothing starts any more then.
  void restart().catch(() => undefined)
  return () => {
    isStopped = true
    return server.stop()
  }
}

async function startLite({
  programs,
  processes,
  directory,
}: MilvusServerSettings): Promise<MilvusServer> {
  const home = join(directory, 'milvus-lite')
  await mkdir(home, { recursive: true })
  const [port = 0] = await reserveFreePorts(1)
  // It has no health page: a call of its API is the question.
  const probeArgs = [
    '-c',
    `import sys; from pymilvus import connections, utility; connections.connect(host='127.0.0.1', port='${port}', timeout=3); utility.get_server_version()`,
  ]
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
      runCommand(programs.milvusLite, probeArgs, {
        env: { PATH: '/usr/bin:/bin', HOME: home },
      }).then(() => true),
  })
  return { kind: 'lite', host: '127.0.0.1', port, stop: () => server.stop() }
}
