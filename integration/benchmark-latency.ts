/** The guide and the action on a slow network, and the round trips of the action. */
import { addLatency, type SlowNetwork } from '../testing/latency.ts'
import { runAction } from '../testing/run-action.ts'
import type { LatencyResults, MeasurementPair } from './benchmark-page.ts'
import { measureAction, measureGuide, readGuideArn } from './benchmark-runs.ts'
import type { Lab } from './lab.ts'
import type { ProgressLogger } from './setup.ts'

/** Milliseconds of a round trip, between a runner and a region that is not far away. */
const roundTrip = 50
const rounds = 5
/** Milliseconds of the round trips that are counted: next to these, the rest hardly counts. */
const countedRoundTrip = 400

/** Runs an operation in a lab in which Helm has installed Milvus, and nothing is deployed. */
export type WithLab = <T>(operation: (lab: Lab) => Promise<T>) => Promise<T>

/** Measures converged runs on a slow network, and counts the round trips of the action. */
export async function measureLatency(
  withLab: WithLab,
  logProgress: ProgressLogger,
): Promise<LatencyResults> {
  const fast = await withLab((lab) => timeRuns(lab, 0))
  const slow = await withLab((lab) => timeRuns(lab, countedRoundTrip))
  const roundTrips = slow.map(({ run, steps }, index) => ({
    run,
    steps: subtract(steps, fast[index]?.steps ?? {}),
  }))
  logProgress(`round trips of the action: ${JSON.stringify(roundTrips)}`)
  const pairs = await withLab((lab) => compareConvergedRuns(lab, logProgress))
  return { roundTrip, pairs, roundTrips }
}

async function compareConvergedRuns(
  lab: Lab,
  logProgress: ProgressLogger,
): Promise<MeasurementPair[]> {
  await measureGuide(lab, '')
  const arn = await readGuideArn(lab)
  await measureAction(lab)
  const pairs: MeasurementPair[] = []
  await onSlowNetwork(lab, roundTrip, async (network) => {
    for (let round = 1; round <= rounds; round += 1) {
      const guide = await measureGuide(lab, arn, network)
      const action = await measureAction(lab, network)
      pairs.push([guide, action])
      logProgress(
        `${roundTrip} ms, round ${round}: guide ${guide.wall.toFixed(2)} s, ` +
          `action ${action.wall.toFixed(2)} s`,
      )
    }
  })
  return pairs
}

async function onSlowNetwork<T>(
  lab: Lab,
  milliseconds: number,
  operation: (network: SlowNetwork) => Promise<T>,
): Promise<T> {
  const network = await addLatency(lab, milliseconds)
  try {
    return await operation(network)
  } finally {
    await network.close()
  }
}

interface TimedRun {
  readonly run: string
  /** Milliseconds of each step. */
  readonly steps: Readonly<Record<string, number>>
}

/** Times a first deployment, then a run that changes nothing, then a check. */
const timeRuns = (lab: Lab, milliseconds: number): Promise<TimedRun[]> =>
  onSlowNetwork(lab, milliseconds, async (network) => [
    { run: 'first deployment', steps: await timeSteps(lab, network) },
    { run: 'converged run', steps: await timeSteps(lab, network) },
    { run: 'check', steps: await timeSteps(lab, network, { mode: 'check' }) },
  ])

/** The round trips of a step that follow one another: what it takes longer on a slow network. */
const subtract = (slow: TimedRun['steps'], fast: TimedRun['steps']): Record<string, number> =>
  Object.fromEntries(
    Object.entries(slow).map(([step, time]) => [
      step,
      Math.max(0, Math.round((time - (fast[step] ?? 0)) / countedRoundTrip)),
    ]),
  )

/** The time of each step, from the lines that end them in the log. */
async function timeSteps(
  lab: Lab,
  network: SlowNetwork,
  inputs: Readonly<Record<string, string>> = {},
): Promise<Record<string, number>> {
  const steps: Record<string, number> = {}
  let lastEnd = performance.now()
  const onLine = (line: string): void => {
    const [, step] = /^::group::\S+ ([a-z-]+)/.exec(line) ?? []
    if (step === undefined) return
    const now = performance.now()
    steps[step] = (steps[step] ?? 0) + now - lastEnd
    lastEnd = now
  }
  const result = await runAction(
    lab,
    { 'chart-repository': network.chartRepository, ...inputs },
    { env: { AWS_ENDPOINT_URL: network.awsEndpoint }, onLine },
  )
  if (result.exitCode !== 0) throw new Error(result.log)
  return steps
}
