/** `npm run lab`: the scenarios on real parts; `-- TEXT` only those with TEXT in their names; `-- up` a lab to use by hand, `-- down` its end. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from '../sandbox/tools.ts'
import { until } from './process.ts'
import { scenarios } from './scenarios.ts'
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
  say('ready; end it with: npm run lab -- down')
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

/** Runs every scenario, or those whose name has the given text, each in a lab of its own. */
async function runScenarios(): Promise<void> {
  const programs = await setup(say)
  const wanted = scenarios.filter(({ name }) => name.includes(process.argv[2] ?? ''))
  let failures = 0
  for (const scenario of wanted) {
    let lab: Lab | undefined
    try {
      lab = await startLab(programs)
      await lab.installMilvus()
      await scenario.run(lab)
      if (lab.alb.problems[0]) throw lab.alb.problems[0]
      say(`passed: ${scenario.name}`)
    } catch (error) {
      failures += 1
      say(`FAILED: ${scenario.name}`)
      console.error(error instanceof Error ? error.message : error)
      if (lab) say(`the logs of all parts are kept in ${await lab.keepLogs()}`)
    } finally {
      await lab?.close()
    }
  }
  if (failures > 0 || wanted.length === 0) process.exitCode = 1
  console.log(`${wanted.length - failures} passed, ${failures} failed`)
}

const commands: Readonly<Record<string, () => Promise<void>>> = { up, down }
await (commands[process.argv[2] ?? ''] ?? runScenarios)().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
