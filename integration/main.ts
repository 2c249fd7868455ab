/**
 * `npm run lab`: the scenarios on real parts; `-- TEXT` only those with TEXT in their names; `--
 * up` a lab to use by hand, `-- down` its end.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning } from '../testing/process-tree.ts'
import { parseProfile, sumByPhase, type ProfiledPhase } from '../testing/profile.ts'
import { scenarioRecordPath } from '../testing/scenario-record.ts'
import { cacheDirectory } from '../testing/cli-tools.ts'
import { repositoryRoot } from '../testing/environment.ts'
import { formatFailures, readJestReport } from '../scripts/test/jest-report.ts'
import { startLab } from './lab.ts'
import { Watchdog } from './watchdog.ts'
import { waitUntil } from '../testing/wait.ts'
import { setup } from './setup.ts'
import { startSharedServices } from './shared-services.ts'

const pidFile = join(cacheDirectory, 'lab', 'up.pid')
const start = performance.now()
const logProgress = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

/** Starts a lab that stays until it is told to end. */
async function up(): Promise<void> {
  const lab = await startLab(await setup(logProgress), { logProgress })
  await mkdir(join(cacheDirectory, 'lab'), { recursive: true })
  await writeFile(pidFile, String(process.pid))
  await lab.installMilvus()
  logProgress('ready; end it with: npm run lab -- down')
  await Promise.all([
    writeFile(join(lab.directory, 'certificate.pem'), lab.certificate.fullchain),
    writeFile(join(lab.directory, 'certificate.key'), lab.certificate.privateKey, { mode: 0o600 }),
  ])
  const environment = { ...lab.runnerEnv(), KUBECONFIG: lab.kubeconfig }
  console.log(
    Object.entries(environment)
      .map(([name, value]) => `export ${name}='${value}'`)
      .join('\n'),
  )
  console.log(
    `# The load balancers answer on ${lab.albAddress}:${lab.listenPort}; Envoy's admin interface is ${lab.alb.admin}; logs are in ${join(lab.directory, 'logs')}`,
  )
  console.log(
    `# Inputs: cluster=${lab.cluster} namespace=${lab.namespace} host=${lab.host} listen-port=${lab.listenPort} chart-repository=${lab.chartRepository.url}; the certificate is ${join(lab.directory, 'certificate')}.{pem,key}`,
  )
  // The parts' own signal handlers end them, and the guard removes the files; this only keeps the
  // process.
  setInterval(() => undefined, 60_000)
}

/** Ends what `up` started. */
async function down(): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (pid > 0 && isRunning(pid)) {
    process.kill(pid, 'SIGTERM')
    await waitUntil(
      () => Promise.resolve(!isRunning(pid)),
      () => new Error(`process ${pid} does not end`),
      60_000,
    )
    logProgress('the lab is down')
  } else logProgress('no lab is up')
  await rm(pidFile, { force: true })
}

/** A lab waits as often as it works: more of them than cores go at once. */
const workerCount = 4

const formatElapsed = (since: number): string =>
  `${((performance.now() - since) / 1000).toFixed(0)} s`

/** What each part of the scenarios took, summed over the workers. */
async function summarizeTimes(file: string): Promise<string> {
  const sums = sumByPhase(parseProfile(await readFile(file, 'utf8').catch(() => '')))
  const formatTotal = (...parts: readonly ProfiledPhase[]): string =>
    `${parts.reduce((sum, part) => sum + sums[part], 0).toFixed(0)} s`
  return `making the labs as new ${formatTotal('world')}, Milvus and deployments to start from ${formatTotal('start')}, the scenarios themselves ${formatTotal('body')} (of these the action ${formatTotal('action', 'helm', 'waiting')}, Milvus' clients ${formatTotal('clients')}), ending the labs ${formatTotal('close')}`
}

/**
 * Runs every scenario, or those whose name has the given text, each in a lab of its own. Jest and
 * its workers are a process group that ends with this process, and each lab ends with the worker
 * that started it, whatever killed that.
 */
async function runScenarios(): Promise<void> {
  logProgress(
    'looking for the programs of the lab; what is missing is built and installed, which takes about 10 minutes the first time',
  )
  const programs = await setup(logProgress)
  const setupTime = formatElapsed(start)
  logProgress('starting Milvus and, for each worker, a cluster, moto and Envoy; about 20 s')
  const [sharedStart, directory] = [
    performance.now(),
    await mkdtemp(join(tmpdir(), 'milvus-alb-labs-')),
  ]
  const watchdog = new Watchdog(directory)
  const nameFilter = process.argv[2]
  // A few scenarios by name are done before further clusters would be up.
  const count = nameFilter === undefined ? workerCount : 1
  const shared = await startSharedServices(programs, directory, count)
  const sharedStartTime = formatElapsed(sharedStart)
  try {
    const [report, profile, scenariosStart] = [
      join(directory, 'jest.json'),
      join(directory, 'profile.jsonl'),
      performance.now(),
    ]
    logProgress(`playing the scenarios, ${count} at a time`)
    const record = nameFilter === undefined ? { SCENARIO_RECORD: scenarioRecordPath('lab') } : {}
    await rm(scenarioRecordPath('lab'), { force: true })
    await runJest(
      watchdog,
      [
        `--maxWorkers=${count}`,
        '--testPathPatterns=__tests__/scenarios',
        '--testTimeout=600000',
        '--json',
        `--outputFile=${report}`,
        ...(nameFilter === undefined ? [] : ['--testNamePattern', nameFilter]),
      ],
      {
        TEST_ENVIRONMENT: 'lab',
        TMPDIR: directory,
        PROFILE: profile,
        ...record,
        ...shared.environment,
      },
    )
    const result = readJestReport(report)
    if (result.failed > 0) process.exitCode = 1
    for (const failure of formatFailures(result)) console.log(`FAILED ${failure}`)
    console.log(
      `Time: programs ${setupTime}, parts that stay ${sharedStartTime}, scenarios ${formatElapsed(scenariosStart)}.`,
    )
    console.log(`Worker seconds: ${await summarizeTimes(profile)}.`)
    console.log(`${result.passed} passed, ${result.failed} failed`)
  } finally {
    try {
      await waitUntil(
        async () => !(await readdir(directory)).some((name) => name.startsWith('milvus-alb-lab-')),
        () => new Error(`labs are left in ${directory}`),
        30_000,
      )
    } finally {
      await shared.close()
      await watchdog.close()
    }
  }
}

/** Runs jest to its end, or until this process is told to end. */
async function runJest(
  watchdog: Watchdog,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const command = [
    '--disable-warning=ExperimentalWarning',
    '--experimental-vm-modules',
    join(repositoryRoot, 'node_modules/.bin/jest'),
    ...args,
  ]
  const child = spawn(process.execPath, command, {
    cwd: repositoryRoot,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  const { pid } = child
  if (pid === undefined) throw new Error('jest did not start')
  watchdog.watch(pid, [])
  let interruptSignal: NodeJS.Signals | undefined
  const forward = (signal: NodeJS.Signals): void => {
    interruptSignal = signal
    process.kill(-pid, 'SIGKILL')
  }
  process.on('SIGINT', forward).on('SIGTERM', forward).on('SIGHUP', forward)
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  watchdog.forget(pid)
  if (interruptSignal) throw new Error(`ended by ${interruptSignal}`)
}

const commands: Readonly<Record<string, () => Promise<void>>> = { up, down }
const command = commands[process.argv[2] ?? '']
await (command ?? runScenarios)().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  if (!command) console.log('0 passed, 1 failed')
  process.exitCode = 1
})
