/**
 * `npm run lab`: the scenarios on real parts; `-- TEXT` only those with TEXT in their names; `-- up` a lab to use by hand,
 * `-- down` its end.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning } from '../sandbox/process-tree.ts'
import { readProfile, sumsOf, type Part } from '../sandbox/profile.ts'
import { scenarioRecord } from '../sandbox/scenario-record.ts'
import { cacheDirectory } from '../sandbox/tools.ts'
import { repository } from '../sandbox/world.ts'
import { failuresOf, readJestReport } from '../scripts/test/jest-report.ts'
import { startLab } from './lab.ts'
import { Guard, until } from './process.ts'
import { setup } from './setup.ts'
import { startShared } from './shared.ts'

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

/** A lab waits as often as it works: more of them than cores go at once. */
const workers = 4

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`

/** What each part of the scenarios took, summed over the workers. */
async function partTimes(file: string): Promise<string> {
  const sums = sumsOf(readProfile(await readFile(file, 'utf8').catch(() => '')))
  const took = (...parts: readonly Part[]): string => `${parts.reduce((sum, part) => sum + sums[part], 0).toFixed(0)} s`
  return `making the labs as new ${took('world')}, Milvus and deployments to start from ${took('start')}, the scenarios themselves ${took('body')} (of these the action ${took('action', 'helm', 'waiting')}, Milvus' clients ${took('clients')}), ending the labs ${took('close')}`
}

/**
 * Runs every scenario, or those whose name has the given text, each in a lab of its own. Jest and its workers are a process
 * group that ends with this process, and each lab ends with the worker that started it, whatever killed that.
 */
async function runScenarios(): Promise<void> {
  say('looking for the programs of the lab; what is missing is built and installed, which takes about 10 minutes the first time')
  const programs = await setup(say)
  const built = seconds(start)
  say('starting Milvus and, for each worker, a cluster, moto and Envoy; about 20 s')
  const [starting, directory] = [performance.now(), await mkdtemp(join(tmpdir(), 'milvus-alb-labs-'))]
  const guard = new Guard(directory)
  const text = process.argv[2]
  // A few scenarios by name are done before further clusters would be up.
  const count = text === undefined ? workers : 1
  const shared = await startShared(programs, directory, count)
  const started = seconds(starting)
  try {
    const [report, profile, playing] = [join(directory, 'jest.json'), join(directory, 'profile.jsonl'), performance.now()]
    say(`playing the scenarios, ${count} at a time`)
    const record = text === undefined ? { SCENARIO_RECORD: scenarioRecord('lab') } : {}
    await rm(scenarioRecord('lab'), { force: true })
    await jest(guard, [`--maxWorkers=${count}`, '--testPathPatterns=__tests__/scenarios', '--testTimeout=600000', '--json', `--outputFile=${report}`, ...(text === undefined ? [] : ['--testNamePattern', text])], { WORLD: 'lab', TMPDIR: directory, PROFILE: profile, ...record, ...shared.environment })
    const result = readJestReport(report)
    if (result.failed > 0) process.exitCode = 1
    for (const failure of failuresOf(result)) console.log(`FAILED ${failure}`)
    console.log(`Time: programs ${built}, parts that stay ${started}, scenarios ${seconds(playing)}.`)
    console.log(`Worker seconds: ${await partTimes(profile)}.`)
    console.log(`${result.passed} passed, ${result.failed} failed`)
  } finally {
    try {
      await until(async () => !(await readdir(directory)).some((name) => name.startsWith('milvus-alb-lab-')), () => new Error(`labs are left in ${directory}`), 30_000)
    } finally {
      await shared.close()
      await guard.close()
    }
  }
}

/** Runs jest to its end, or until this process is told to end. */
async function jest(guard: Guard, args: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  const command = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', join(repository, 'node_modules/.bin/jest'), ...args]
  const child = spawn(process.execPath, command, { cwd: repository, env: { ...process.env, ...environment }, stdio: ['ignore', 'inherit', 'inherit'], detached: true })
  const { pid } = child
  if (pid === undefined) throw new Error('jest did not start')
  guard.watch(pid, [])
  let interrupted: NodeJS.Signals | undefined
  const forward = (signal: NodeJS.Signals): void => {
    interrupted = signal
    process.kill(-pid, 'SIGKILL')
  }
  process.on('SIGINT', forward).on('SIGTERM', forward).on('SIGHUP', forward)
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  guard.forget(pid)
  if (interrupted) throw new Error(`ended by ${interrupted}`)
}

const commands: Readonly<Record<string, () => Promise<void>>> = { up, down }
const command = commands[process.argv[2] ?? '']
await (command ?? runScenarios)().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  if (!command) console.log('0 passed, 1 failed')
  process.exitCode = 1
})
