/**
 * `npm run bench`: compares the guide, as a script of its commands, with the action, on the real
 * services of the lab. Writes docs/performance.md. `npm run bench -- latency` writes only its
 * section about a slow network.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runAction } from '../testing/run-action.ts'
import { repositoryRoot } from '../testing/environment.ts'
import { waitUntil } from '../testing/wait.ts'
import { measureLatency } from './benchmark-latency.ts'
import {
  addLatencyTables,
  renderPage,
  type ConvergedParts,
  type Measurement,
  type MeasurementPair,
} from './benchmark-page.ts'
import {
  measureAction,
  measureEmptyProcess,
  measureGuide,
  measureLoading,
  readGuideArn,
} from './benchmark-runs.ts'
import { setup, type LabPrograms } from './setup.ts'
import { startLab, type Lab } from './lab.ts'

const rounds = 7
const start = performance.now()
const logProgress = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

async function withLab<T>(programs: LabPrograms, operation: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await startLab(programs, { bypassKubernetesProxy: true })
  try {
    await lab.installMilvus()
    return await operation(lab)
  } finally {
    await lab.close()
  }
}

async function measureFirstDeployments(programs: LabPrograms): Promise<MeasurementPair[]> {
  const pairs: MeasurementPair[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const guideRun = await withLab(programs, (lab) => measureGuide(lab, ''))
    const actionRun = await withLab(programs, measureAction)
    pairs.push([guideRun, actionRun])
    logProgress(`first deployment, round ${round}: ${formatWallTimes(guideRun, actionRun)}`)
  }
  return pairs
}

const formatWallTimes = (guideRun: Measurement, actionRun: Measurement): string =>
  `guide ${guideRun.wall.toFixed(2)} s, action ${actionRun.wall.toFixed(2)} s`

/** Runs that change nothing, and parts of such a run of the action. */
interface ConvergedResults {
  readonly converged: readonly MeasurementPair[]
  readonly parts: ConvergedParts
}

/** Measures in one lab in which both the guide and the action have deployed. */
function measureConvergedRuns(programs: LabPrograms): Promise<ConvergedResults> {
  return withLab(programs, async (lab) => {
    await measureGuide(lab, '')
    const arn = await readGuideArn(lab)
    await measureAction(lab)
    const pairs: MeasurementPair[] = []
    const empty: Measurement[] = []
    const loading: Measurement[] = []
    for (let round = 1; round <= rounds; round += 1) {
      empty.push(await measureEmptyProcess())
      loading.push(await measureLoading(lab))
      const guideRun = await measureGuide(lab, arn)
      const actionRun = await measureAction(lab)
      pairs.push([guideRun, actionRun])
      logProgress(`converged, round ${round}: ${formatWallTimes(guideRun, actionRun)}`)
    }
    return { converged: pairs, parts: { empty, loading } }
  })
}

/** Seconds from the load balancer becoming active to the end of the action. */
function measureAfterActive(programs: LabPrograms): Promise<number> {
  return withLab(programs, async (lab) => {
    const releaseLoadBalancers = lab.pauseLoadBalancerProvisioning()
    const deployment = runAction(lab)
    const hasHostname = async (): Promise<boolean> => {
      const output = 'jsonpath={.status.loadBalancer.ingress[0].hostname}'
      const args = ['get', 'ingress', 'milvus-demo', '--ignore-not-found', '-o', output]
      return (await lab.kubectl(...args)) !== ''
    }
    await waitForEvent(hasHostname, 'The Ingress got no hostname.')
    // Makes sure that the action is waiting.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const startedAt = performance.now()
    releaseLoadBalancers()
    const result = await deployment
    if (result.exitCode !== 0) throw new Error(result.log)
    return (performance.now() - startedAt) / 1000
  })
}

interface EventList {
  readonly items: readonly {
    readonly reason?: string
    readonly involvedObject: { readonly kind?: string }
  }[]
}

/** Seconds from the controller's first error event to the end of the action. */
function measureAfterRejection(programs: LabPrograms): Promise<number> {
  return withLab(programs, async (lab) => {
    lab.controller.options.unknownIds = ['sg-00000000']
    const rejectedRun = runAction(lab, { 'security-groups': 'sg-00000000' })
    const hasErrorEvent = async (): Promise<boolean> => {
      const path = `/api/v1/namespaces/${lab.namespace}/events`
      const { items } = await lab.client.get<EventList>(path)
      return items.some(
        ({ reason, involvedObject }) =>
          involvedObject.kind === 'Ingress' && (reason?.startsWith('Failed') ?? false),
      )
    }
    await waitForEvent(hasErrorEvent, 'The controller reported no error.')
    const startedAt = performance.now()
    await rejectedRun
    return (performance.now() - startedAt) / 1000
  })
}

/** Polls at a short interval, because the time of the event is measured. */
const waitForEvent = (condition: () => Promise<boolean>, message: string): Promise<true> =>
  waitUntil(condition, { interval: 5, createError: () => new Error(message) })

async function measureRepeatedly(
  name: string,
  operation: () => Promise<number>,
): Promise<number[]> {
  const values: number[] = []
  for (let round = 1; round <= rounds; round += 1) values.push(await operation())
  logProgress(`${name}: ${values.map((value) => value.toFixed(2)).join(', ')} s`)
  return values
}

async function measureOnFastNetwork(programs: LabPrograms): Promise<string> {
  const first = await measureFirstDeployments(programs)
  const { converged, parts } = await measureConvergedRuns(programs)
  const active = await measureRepeatedly('after the ALB is active', () =>
    measureAfterActive(programs),
  )
  const rejection = await measureRepeatedly('after a rejection is observable', () =>
    measureAfterRejection(programs),
  )
  return renderPage({ rounds, first, converged, parts, active, rejection })
}

const pagePath = join(repositoryRoot, 'docs/performance.md')
const programs = await setup(logProgress)
const page =
  process.argv[2] === 'latency'
    ? await readFile(pagePath, 'utf8')
    : await measureOnFastNetwork(programs)
const latency = await measureLatency((operation) => withLab(programs, operation), logProgress)
await writeFile(pagePath, addLatencyTables(page, latency))
logProgress('docs/performance.md is written')
