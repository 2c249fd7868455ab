/**
 * `npm run lab` runs the scenarios in the lab, and `npm run lab -- TEXT` only those whose name
 * contains TEXT. `npm run lab -- up` starts a lab for manual use, and `npm run lab -- down` stops
 * it.
 */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning } from '../testing/process-tree.ts'
import { parseProfile, sumByPhase, type ProfiledPhase } from '../testing/profile.ts'
import { scenarioRecordPath } from '../testing/scenario-record.ts'
import { cacheDirectory } from '../testing/cli-tools.ts'
import { runJest, type JestRun } from '../scripts/test/jest.ts'
import { formatFailures } from '../scripts/test/jest-report.ts'
import { startLab } from './lab.ts'
import { Watchdog } from '../testing/watchdog.ts'
import { waitUntil } from '../testing/wait.ts'
import { setup } from './setup.ts'
import { startSharedServices } from './shared-services.ts'

const pidFile = join(cacheDirectory, 'lab', 'up.pid')
const start = performance.now()
const logProgress = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

/** Starts a lab that runs until it is stopped. */
async function up(): Promise<void> {
  const lab = await startLab(await setup(logProgress), { logProgress })
  await mkdir(join(cacheDirectory, 'lab'), { recursive: true })
  await writeFile(pidFile, String(process.pid))
  await lab.installMilvus()
  logProgress('The lab is ready. To stop it, run: npm run lab -- down')
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
  const inputs = [
    `cluster=${lab.cluster}`,
    `namespace=${lab.namespace}`,
    `host=${lab.host}`,
    `listen-port=${lab.listenPort}`,
    `chart-repository=${lab.chartRepository.url}`,
  ]
  console.log(`# Load balancers: ${lab.albAddress}:${lab.listenPort}`)
  console.log(`# Envoy's admin interface: ${lab.alb.admin}`)
  console.log(`# Logs: ${join(lab.directory, 'logs')}`)
  console.log(`# Inputs: ${inputs.join(' ')}`)
  console.log(`# Certificate: ${join(lab.directory, 'certificate')}.{pem,key}`)
  // Keeps the process running. The signal handler of the lab's processes stops them.
  setInterval(() => undefined, 60_000)
}

/** Stops the lab that `up` started. */
async function down(): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (pid > 0 && isRunning(pid)) {
    process.kill(pid, 'SIGTERM')
    await waitUntil(() => !isRunning(pid), {
      timeout: 60_000,
      createError: () => new Error(`Process ${pid} of the lab does not exit.`),
    })
    logProgress('The lab is stopped.')
  } else logProgress('No lab is running.')
  await rm(pidFile, { force: true })
}

/** Labs wait as much as they compute, so there can be more labs than cores. */
const workerCount = 4

const formatElapsed = (since: number): string =>
  `${((performance.now() - since) / 1000).toFixed(0)} s`

/** The time of each phase of the scenarios, summed over all workers. */
async function summarizeTimes(file: string): Promise<string> {
  const sums = sumByPhase(parseProfile(await readFile(file, 'utf8').catch(() => '')))
  const formatTotal = (...phases: readonly ProfiledPhase[]): string =>
    `${phases.reduce((sum, phase) => sum + sums[phase], 0).toFixed(0)} s`
  return [
    `resetting labs ${formatTotal('startup')}`,
    `fixtures ${formatTotal('fixture')}`,
    `scenarios ${formatTotal('body')}`,
    `of these the action ${formatTotal('action', 'helm', 'waiting')}`,
    `and Milvus clients ${formatTotal('clients')}`,
    `closing labs ${formatTotal('close')}`,
  ].join(', ')
}

/**
 * Runs the scenarios, each in its own lab. Each lab ends with its worker, even if the worker is
 * killed.
 */
async function runScenarios(): Promise<void> {
  logProgress('Checking the programs of the lab. The first set-up takes about 10 minutes.')
  const programs = await setup(logProgress)
  const setupTime = formatElapsed(start)
  logProgress('Starting Milvus, and a cluster, moto and Envoy per worker. This takes about 20 s.')
  const sharedStart = performance.now()
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-labs-'))
  const watchdog = new Watchdog(directory)
  const nameFilter = process.argv[2]
  // A few scenarios would finish before additional clusters have started.
  const count = nameFilter === undefined ? workerCount : 1
  const shared = await startSharedServices(programs, directory, count)
  const sharedStartTime = formatElapsed(sharedStart)
  try {
    logProgress(`Running the scenarios with ${count} workers.`)
    const run = { watchdog, directory, count, nameFilter, environment: shared.environment }
    const { result, profile } = await runScenarioFiles(run)
    if (result.failed > 0) process.exitCode = 1
    for (const failure of formatFailures(result)) console.log(`FAILED ${failure}`)
    const scenariosTime = `${result.seconds.toFixed(0)} s`
    console.log(
      `Time: set-up ${setupTime}, shared services ${sharedStartTime}, scenarios ${scenariosTime}.`,
    )
    console.log(`Worker time: ${await summarizeTimes(profile)}.`)
    console.log(`${result.passed} passed, ${result.failed} failed`)
  } finally {
    try {
      await waitUntil(
        async () => !(await readdir(directory)).some((name) => name.startsWith('milvus-alb-lab-')),
        {
          timeout: 30_000,
          createError: () => new Error(`Labs in ${directory} were not removed.`),
        },
      )
    } finally {
      await shared.close()
      await watchdog.close()
    }
  }
}

interface ScenarioRun {
  readonly watchdog: Watchdog
  readonly directory: string
  readonly count: number
  readonly nameFilter: string | undefined
  /** The environment of the workers. */
  readonly environment: Readonly<Record<string, string>>
}

/** @returns the result, and the file of the profile */
async function runScenarioFiles({
  watchdog,
  directory,
  count,
  nameFilter,
  environment,
}: ScenarioRun): Promise<{ result: JestRun; profile: string }> {
  const profile = join(directory, 'profile.jsonl')
  // Only a complete run replaces the record of the last complete run.
  const isComplete = nameFilter === undefined
  const recordPath = scenarioRecordPath('lab')
  if (isComplete) await rm(recordPath, { force: true })
  const result = await runJest(
    [
      `--maxWorkers=${count}`,
      '--testPathPatterns=__tests__/scenarios',
      ...(isComplete ? [] : ['--testNamePattern', nameFilter]),
    ],
    {
      testTimeout: 600_000,
      watchdog,
      environment: {
        TEST_ENVIRONMENT: 'lab',
        TMPDIR: directory,
        PROFILE: profile,
        ...(isComplete && { SCENARIO_RECORD: recordPath }),
        ...environment,
      },
    },
  )
  return { result, profile }
}

const commands: Readonly<Record<string, () => Promise<void>>> = { up, down }
const command = commands[process.argv[2] ?? '']
await (command ?? runScenarios)().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  if (!command) console.log('0 passed, 1 failed')
  process.exitCode = 1
})
