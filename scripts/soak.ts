/**
 * `npm run soak`: runs the tests and a sample of the faults ten times (`-- N`: N times) on a
 * machine whose cores are all busy and whose well-known ports are all in use. Fails if a test
 * fails, or if a process or a folder is left behind.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { repositoryRoot } from '../testing/environment.ts'

/** HTTPS, the Kubernetes API, a second HTTPS, Milvus and its metrics, Envoy's admin interface. */
const occupiedPorts = [443, 6443, 8443, 19530, 9091, 15000]

const rounds = Number(process.argv[2] ?? 10)

/**
 * Listens on a port of all addresses.
 * @returns undefined if the port is already in use, which serves the same purpose
 */
function occupyPort(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined)).listen(port, () => resolve(server))
  })
}

/** Starts a process that keeps one core busy until it is killed. */
const spawnBusyProcess = () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })

/** The processes whose command line contains the path of this checkout. */
function listProcesses(): string[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `process ${pid}: ${readCommandLine(pid)}`)
  return all.filter((line) => line.includes(repositoryRoot)).map((line) => line.slice(0, 160))
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

const listTemporaryFolders = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('milvus-alb-'))

const suites = [['test'], ['run', 'faults', '--', 'sample']]

/**
 * Runs a suite.
 * @returns how many tests passed, and the problems that were reported
 */
function runSuite(args: readonly string[]): { passed: number; problems: string[] } {
  const { stdout, stderr } = spawnSync('npm', args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [, passed = '0', failed = '1'] =
    /^(\d+) passed, (\d+) failed$/m.exec(stdout.trim().split('\n').at(-1) ?? '') ?? []
  const lines = `${stdout}\n${stderr}`.split('\n')
  const problems = [
    ...(failed === '0' ? [] : [`npm ${args.join(' ')}: ${failed} failed`]),
    ...lines.filter((line) => line.startsWith('FAILED ')),
  ]
  return { passed: Number(passed), problems }
}

/**
 * Runs every suite once.
 * @param knownProcesses processes that were already running before
 */
function runRound(knownProcesses: ReadonlySet<string>): {
  passed: number
  seconds: number
  problems: string[]
} {
  const start = performance.now()
  const foldersBefore = new Set(listTemporaryFolders())
  const results = suites.map(runSuite)
  const leftBehind = [
    ...listProcesses().filter((line) => !knownProcesses.has(line)),
    ...listTemporaryFolders()
      .filter((name) => !foldersBefore.has(name))
      .map((name) => `folder ${name}`),
  ]
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    seconds: (performance.now() - start) / 1000,
    problems: [...results.flatMap(({ problems }) => problems), ...leftBehind],
  }
}

const servers = await Promise.all(occupiedPorts.map(occupyPort))
const busyProcesses = Array.from({ length: availableParallelism() }, spawnBusyProcess)
const knownProcesses = new Set(listProcesses())
let failed = 0
try {
  console.log(`Running the tests and a sample of the faults ${rounds} times.`)
  console.log(`Occupied ports: ${occupiedPorts.join(', ')}; busy cores: ${busyProcesses.length}.`)
  for (let roundNumber = 1; roundNumber <= rounds; roundNumber += 1) {
    const { passed, seconds, problems } = runRound(knownProcesses)
    if (problems.length > 0) failed += 1
    console.log(`round ${roundNumber}: ${passed} passed in ${seconds.toFixed(0)} s`)
    for (const problem of problems) console.log(`  ${problem}`)
  }
} finally {
  for (const busyProcess of busyProcesses) busyProcess.kill('SIGKILL')
  for (const server of servers) server?.close()
}
process.exitCode = failed > 0 ? 1 : 0
console.log(`${rounds - failed} passed, ${failed} failed`)
