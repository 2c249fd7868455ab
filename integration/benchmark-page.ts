/** The page docs/performance.md. */
import { cpus, totalmem } from 'node:os'
import { replaceTable } from '../scripts/tables.ts'

/** A measured run. */
export interface Measurement {
  /** Seconds. */
  readonly wall: number
  /** Seconds. */
  readonly cpu: number
  /** Peak memory in MB. */
  readonly memory: number
}

/** One round of the guide and the action. */
export type MeasurementPair = readonly [guide: Measurement, action: Measurement]

/** The results of a benchmark. */
export interface BenchmarkResults {
  readonly rounds: number
  readonly first: readonly MeasurementPair[]
  readonly converged: readonly MeasurementPair[]
  readonly parts: ConvergedParts
  /** Seconds. */
  readonly active: readonly number[]
  /** Seconds. */
  readonly rejection: readonly number[]
}

/** What a converged run consists of. */
export interface ConvergedParts {
  /** Node without a program. */
  readonly empty: readonly Measurement[]
  /** The action until it has read its inputs. */
  readonly loading: readonly Measurement[]
}

/** The results of a benchmark on a slow network. */
export interface LatencyResults {
  /** Milliseconds of a round trip in the comparison. */
  readonly roundTrip: number
  /** Converged runs. */
  readonly pairs: readonly MeasurementPair[]
  /** The number of round trips that follow one another in each step of a run of the action. */
  readonly roundTrips: readonly {
    readonly run: string
    readonly steps: Readonly<Record<string, number>>
  }[]
}

const computeMedian = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

function renderTable(title: string, pairs: readonly MeasurementPair[]): string {
  const renderRow = (name: string, getValue: (figures: Measurement) => number, digits: number) => {
    const [actionMedian, guideMedian] = [
      computeMedian(pairs.map(([, action]) => getValue(action))),
      computeMedian(pairs.map(([first]) => getValue(first))),
    ]
    const ratio = computeMedian(pairs.map(([first, action]) => getValue(first) / getValue(action)))
    const cells = [guideMedian.toFixed(digits), actionMedian.toFixed(digits), ratio.toFixed(1)]
    return `| ${name} | ${cells.join(' | ')} |`
  }
  return [
    `## ${title}`,
    '',
    '| median | guide | action | guide / action |',
    '|---|---|---|---|',
    renderRow('wall, s', ({ wall }) => wall, 2),
    renderRow('CPU, s', ({ cpu }) => cpu, 2),
    renderRow('peak memory, MB', ({ memory }) => memory, 0),
  ].join('\n')
}

/** Of a converged run on a fast network: how many times as fast as the guide, and MB. */
const targets = { ratio: 7, memory: 90 } as const

/** Each row contains the ones above it. */
function renderParts(
  { empty, loading }: ConvergedParts,
  converged: readonly MeasurementPair[],
): string {
  const runs = converged.map(([, action]) => action)
  const getMedians = (measurements: readonly Measurement[]) => ({
    wall: computeMedian(measurements.map(({ wall }) => wall)).toFixed(2),
    cpu: computeMedian(measurements.map(({ cpu }) => cpu)).toFixed(2),
    memory: computeMedian(measurements.map(({ memory }) => memory)).toFixed(0),
  })
  const renderRow = (name: string, measurements: readonly Measurement[]) => {
    const { wall, cpu, memory } = getMedians(measurements)
    return `| ${name} | ${wall} | ${cpu} | ${memory} |`
  }
  const [loaded, whole] = [getMedians(loading), getMedians(runs)]
  return [
    [
      `The goals for a converged run are ${targets.ratio} times the speed of the guide`,
      `and ${targets.memory} MB.`,
      `Of the ${whole.wall} s and ${whole.memory} MB of a run,`,
      `starting Node and loading the action take ${loaded.wall} s and ${loaded.memory} MB.`,
    ].join(' '),
    '',
    '| median of a converged run until | wall, s | CPU, s | peak memory, MB |',
    '|---|---|---|---|',
    renderRow('Node has started, without a program', empty),
    renderRow('the action is loaded and has read its inputs', loading),
    renderRow('its end', runs),
  ].join('\n')
}

const formatSpread = (values: readonly number[]) => {
  const range = `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`
  return `${computeMedian(values).toFixed(2)} s (${range})`
}

/** Renders the page. */
export function renderPage(results: BenchmarkResults): string {
  const { rounds, first, converged, parts, active, rejection } = results
  const machine = [
    `${cpus().length} cores (${cpus()[0]?.model.trim() ?? ''})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node ${process.version}`,
  ].join(', ')
  const introduction = [
    `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${machine}.`,
    `Medians of ${rounds} rounds, alternating between guide and action; ratios are medians of the`,
    "rounds' ratios. CPU time and memory cover the whole process tree; memory is that of its",
    'largest process.',
  ].join(' ')
  const comparison = [
    'The guide is a script of its own commands: `aws acm import-certificate`, `helm upgrade`,',
    "`kubectl apply`, `kubectl wait`, and pymilvus' connect. Both run against the lab, whose",
    'components respond immediately: on AWS, add minutes of provisioning to each first deployment.',
    "The guide's script does not check whether the served certificate is the one in ACM, nor",
    'whether the controller has reconciled this change. The action runs Helm twice in a first',
    'deployment: a dry run shows what the upgrade would change before anything changes.',
  ].join(' ')
  return `# Performance

${introduction}

${comparison}

${renderTable('First deployment', first)}

${renderTable('Converged run', converged)}

${renderParts(parts, converged)}

## Latency of the waits

| from | to the end of the action (median) |
|---|---|
| AWS reports the load balancer as active | ${formatSpread(active)} |
| the API shows the controller's rejection | ${formatSpread(rejection)} |

## On a slow network

TCP proxies in front of AWS, the Kubernetes API, the chart repository and the ALB delay each
connection and each message. Written by \`npm run bench -- latency\`. A converged run, medians:

<!-- latency -->
<!-- /latency -->

On such a network, the round trips that follow one another count. The action makes requests that do
not depend on each other at once. AWS is called without TLS here, so a first connection to each of
its services takes one round trip more in production.

<!-- round-trips -->
<!-- /round-trips -->
`
}

/** Fills the tables of a slow network. */
export function addLatencyTables(
  page: string,
  { roundTrip, pairs, roundTrips }: LatencyResults,
): string {
  const guide = computeMedian(pairs.map(([each]) => each.wall))
  const action = computeMedian(pairs.map(([, each]) => each.wall))
  const comparison = [
    {
      'round trip': `${roundTrip} ms`,
      'guide, s': guide.toFixed(2),
      'action, s': action.toFixed(2),
      'guide / action': (guide / action).toFixed(1),
    },
  ]
  const counts = roundTrips.map(({ run, steps }) => ({
    run,
    ...steps,
    all: Object.values(steps).reduce((sum, count) => sum + count, 0),
  }))
  return replaceTable(replaceTable(page, 'latency', comparison), 'round-trips', counts)
}
