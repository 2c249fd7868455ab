/** `node lab/main.ts up|down|try`: a lab to use by hand, its end, and one that proves itself. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runAction, type ActionRun } from '../sandbox/runner.ts'
import { cacheDirectory } from '../sandbox/tools.ts'
import { repository } from '../sandbox/world.ts'
import { until } from './process.ts'
import { setup } from './setup.ts'
import { startLab, type Lab } from './world.ts'

const pidFile = join(cacheDirectory, 'lab', 'up.pid')
const start = performance.now()
const say = (line: string): void => console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

/** Starts a lab that stays until it is told to end. */
async function up(): Promise<void> {
  const lab = await startLab(await setup(say), { say })
  await mkdir(join(cacheDirectory, 'lab'), { recursive: true })
  await writeFile(pidFile, String(process.pid))
  await lab.installMilvus()
  say('ready; end it with: node lab/main.ts down')
  await Promise.all([writeFile(join(lab.directory, 'certificate.pem'), lab.certificate.fullchain), writeFile(join(lab.directory, 'certificate.key'), lab.certificate.privateKey, { mode: 0o600 })])
  const environment = { ...lab.environment(), KUBECONFIG: lab.kubeconfig }
  console.log(Object.entries(environment).map(([name, value]) => `export ${name}='${value}'`).join('\n'))
  console.log(`# The load balancers answer on ${lab.albAddress}:${lab.listenPort}; Envoy's admin interface is ${lab.alb.admin}; logs are in ${join(lab.directory, 'logs')}`)
  console.log(`# Inputs: cluster=${lab.cluster} namespace=${lab.namespace} host=${lab.host} listen-port=${lab.listenPort} chart-repository=${lab.charts.url}; the certificate is ${join(lab.directory, 'certificate')}.{pem,key}`)
  // The parts' own signal handlers end them, and the guard removes the files; this only keeps the process.
  setInterval(() => undefined, 60_000)
}

/** Ends what `up` started. */
async function down(): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (pid > 0 && isRunning(pid)) {
    process.kill(pid, 'SIGTERM')
    await until(() => Promise.resolve(!isRunning(pid)), () => new Error(`process ${pid} does not end`), 60_000)
    say('the lab is down')
  } else say('no lab is up')
  await rm(pidFile, { force: true })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const connect = `
import os
from pymilvus import connections, utility
name = {} if 'grpc_proxy' in os.environ else {'server_name': os.environ['SERVER_NAME']}
connections.connect(host=os.environ['HOST'], port=os.environ['PORT'], secure=True, server_pem_path=os.environ['CA'], **name)
print(utility.get_server_version())
`

/** Deploys with the built action, twice, and connects as the guide does. */
async function attempt(): Promise<void> {
  const lab = await startLab(await setup(say), { say })
  try {
    say('the lab is up')
    await lab.installMilvus()
    say('Milvus is installed')
    await deploy(lab, 'first deployment')
    const { outputs } = await deploy(lab, 'converged run')
    if (outputs['changed'] !== 'false') say(`NOT CONVERGED: ${outputs['changes'] ?? ''}`)
    say(`pymilvus through the load balancer: ${(await lab.pymilvus(connect)).trim()}`)
    say(`pymilvus by name: ${(await lab.pymilvus(connect, lab.byName)).trim()}`)
    if (lab.alb.problems.length > 0) throw lab.alb.problems[0] ?? new Error()
  } catch (error) {
    say(`failed; logs are kept in ${await lab.keepLogs()}`)
    console.log(lab.calls().map(({ principal, service, operation, status }) => `${principal.split('/').at(-1) ?? ''} ${service}:${operation} ${status}`).join('\n'), lab.eks.refusals, lab.alb.problems)
    throw error
  } finally {
    await lab.close()
    say('everything is down')
  }
}

async function deploy(lab: Lab, name: string): Promise<ActionRun> {
  const run = await runAction({ action: repository, environment: lab.environment(), inputs: lab.inputs(), directory: lab.directory, timeout: 120_000, onStart: (child) => lab.adopt(child) })
  say(`${name}: exit ${run.exitCode ?? 'killed'} after ${(run.took / 1000).toFixed(2)} s, changed ${run.outputs['changed'] ?? '?'}, Milvus ${run.outputs['milvus-version'] ?? '?'}`)
  if (run.exitCode !== 0) throw new Error(run.log)
  return run
}

const commands: Readonly<Record<string, () => Promise<void>>> = { up, down, try: attempt }
const command = commands[process.argv[2] ?? '']
if (command) {
  await command().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
} else {
  console.error('usage: node lab/main.ts up|down|try')
  process.exitCode = 2
}
