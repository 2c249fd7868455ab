/**
 * Helpers for the demo's workflows: they run the action, show what a user sees, and use Milvus as
 * an application does.
 */
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { join } from 'node:path'
import { runAction } from '../../testing/run-action.ts'
import type { ContinuousClient } from '../../testing/continuous-client.ts'
import { executeAction, type RunResult } from '../../testing/runner.ts'
import { Terminal } from '../local/terminal.ts'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'

/** Prints a heading between two steps. */
export const printHeading = (text: string): void => console.log(`\n\u001b[1m${text}\u001b[0m`)

/** Prints the lines of a run as a terminal shows them, without workflow commands. */
function createLogPrinter(): (line: string) => void {
  const terminal = new Terminal()
  return (line) => {
    const text = terminal.render(line)
    if (text !== undefined) console.log(text.replace(/^(?=.)/gm, '  '))
  }
}

/** Options of runMainAction. */
export interface DemoRunOptions {
  /** The failure code that the run must end with. The run must succeed when absent. */
  readonly expectedFailureCode?: string
  readonly onLine?: (line: string) => void
}

/**
 * Runs the action and shows its log.
 * @throws Error if the result is not the expected one
 */
export async function runMainAction(
  environment: TestEnvironment,
  inputs: Readonly<Record<string, string>> = {},
  { expectedFailureCode = '', onLine }: DemoRunOptions = {},
): Promise<RunResult> {
  const printLine = createLogPrinter()
  const run = await runAction(environment, inputs, {
    onLine: (line) => {
      printLine(line)
      onLine?.(line)
    },
  })
  if (
    run.outputs['failure-code'] !== expectedFailureCode ||
    run.exitCode !== (expectedFailureCode === '' ? 0 : 1)
  )
    throw new Error(
      `the action ended with ${run.exitCode ?? ''} ${run.outputs['failure-code'] ?? ''}`,
    )
  return run
}

/** Runs another action of this repository and shows its log. */
export const runFleetAction = (
  environment: TestEnvironment,
  action: string,
  inputs: Readonly<Record<string, string>>,
): Promise<RunResult> =>
  executeAction({
    actionDirectory: join(repositoryRoot, 'fleet', action),
    directory: environment.directory,
    env: environment.runnerEnv(),
    inputs,
    onLine: createLogPrinter(),
  })

/** Prints the given outputs, or all if no names are given. */
export function printOutputs(run: RunResult, ...names: readonly string[]): void {
  for (const [name, value] of Object.entries(run.outputs))
    if (names.length === 0 || names.includes(name)) console.log(`  ${name}: ${value}`)
}

/** Prints the job summary as Markdown. */
export function printSummary(run: RunResult): void {
  printHeading('Its job summary')
  console.log(run.summary.replace(/^/gm, '  '))
}

/** @throws Error with `message` if the condition is false */
export function assert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

/**
 * Stops a client and prints the number of its calls.
 * @returns the calls that failed
 */
export async function stopAndPrintCalls(
  name: string,
  client: ContinuousClient,
): Promise<ContinuousClient['failedCalls']> {
  await client.stop()
  console.log(`  ${name}: ${client.calls.length} calls, ${client.failedCalls.length} failed`)
  return client.failedCalls
}

/**
 * Creates, lists and drops a collection with the official Milvus SDK for Node, over TLS through the
 * ALB.
 */
export async function exerciseMilvus(
  environment: TestEnvironment,
  address: string,
  token: string,
): Promise<void> {
  process.env['DNS_OVERRIDES'] = environment.runnerEnv()['DNS_OVERRIDES']
  await import('../../testing/dns-override.mjs')
  const client = new MilvusClient({
    address: `https://${address}:${environment.listenPort}`,
    ssl: true,
    token,
    tls: {
      rootCert: Buffer.from(environment.certificateAuthority.root),
      serverName: environment.host,
    },
    // The SDK's serverName sets only the name in TLS; the ALB routes by :authority.
    channelOptions: { 'grpc.default_authority': environment.host },
  })
  try {
    await client.connectPromise
    const { version } = await client.getVersion()
    assert(Boolean(version), 'the SDK got no version from Milvus')
    console.log(`  Milvus ${version} at ${address}:${environment.listenPort}`)
    const created = await client.createCollection({
      collection_name: 'demo',
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
      ],
    })
    const collections = (await client.showCollections()).data.map(({ name }) => name)
    assert(
      created.error_code === 'Success' && collections.includes('demo'),
      `the collection was not created: ${created.reason}`,
    )
    await client.dropCollection({ collection_name: 'demo' })
    console.log('  collection demo created, found and dropped')
  } finally {
    await client.closeConnection()
  }
}
