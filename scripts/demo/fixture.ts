/**
 * What the stories of the demo do: run the action and show what a person sees, and use Milvus as
 * applications do.
 */
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { join } from 'node:path'
import { runAction } from '../../testing/run-action.ts'
import type { ContinuousClient } from '../../testing/continuous-client.ts'
import { executeAction, type RunResult } from '../../testing/runner.ts'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'

/** A line between two acts. */
export const printHeading = (text: string): void => console.log(`\n\u001b[1m${text}\u001b[0m`)

/** The log as GitHub shows it, without the runner's own commands. */
const printLogLine = (line: string): void => {
  if (!line.startsWith('::add-mask::'))
    console.log(
      `  ${line.replace(/^::group::/, '').replace(/^::(endgroup|set-output).*$/, '')}`.trimEnd(),
    )
}

/** How the action is run. */
export interface DemoRunOptions {
  /** The code that it fails with; a success when absent. */
  readonly expectedFailureCode?: string
  readonly onLine?: (line: string) => void
}

/**
 * Runs the action and shows its log.
 * @throws Error when it ends otherwise than the story has it
 */
export async function runMainAction(
  environment: TestEnvironment,
  inputs: Readonly<Record<string, string>> = {},
  { expectedFailureCode, onLine }: DemoRunOptions = {},
): Promise<RunResult> {
  const run = await runAction(environment, inputs, {
    onLine: (line) => {
      printLogLine(line)
      onLine?.(line)
    },
  })
  if (
    run.outputs['failure-code'] !== expectedFailureCode ||
    run.exitCode !== (expectedFailureCode === undefined ? 0 : 1)
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
    onLine: printLogLine,
  })

/** Shows some outputs, or all. */
export function printOutputs(run: RunResult, ...names: readonly string[]): void {
  for (const [name, value] of Object.entries(run.outputs))
    if (names.length === 0 || names.includes(name)) console.log(`  ${name}: ${value}`)
}

/** Shows the job summary as it is written. */
export function printSummary(run: RunResult): void {
  printHeading('Its job summary')
  console.log(run.summary.replace(/^/gm, '  '))
}

/** @throws Error with `otherwise` */
export function assert(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

/**
 * Ends a client and tells how it went.
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

/** A collection made, seen and dropped by Milvus' own SDK for Node, over TLS through the ALB. */
export async function exerciseMilvus(environment: TestEnvironment, address: string): Promise<void> {
  process.env['DNS_OVERRIDES'] = environment.runnerEnv()['DNS_OVERRIDES']
  await import('../../testing/dns-override.mjs')
  const client = new MilvusClient({
    address: `https://${address}:${environment.listenPort}`,
    ssl: true,
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
      `the collection was not made: ${created.reason}`,
    )
    await client.dropCollection({ collection_name: 'demo' })
    console.log('  collection demo made, seen and dropped')
  } finally {
    await client.closeConnection()
  }
}
