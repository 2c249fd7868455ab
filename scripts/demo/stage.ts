/** What the stories of the demo do: run the action and show what a person sees, and use Milvus as applications do. */
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { join } from 'node:path'
import { act } from '../../sandbox/act.ts'
import type { CallingClient } from '../../sandbox/calling-client.ts'
import { runAction, type ActionRun } from '../../sandbox/runner.ts'
import { repository, type World } from '../../sandbox/world.ts'

/** A line between two acts. */
export const say = (text: string): void => console.log(`\n\u001b[1m${text}\u001b[0m`)

/** The log as GitHub shows it, without the runner's own commands. */
const show = (line: string): void => {
  if (!line.startsWith('::add-mask::')) console.log(`  ${line.replace(/^::group::/, '').replace(/^::(endgroup|set-output).*$/, '')}`.trimEnd())
}

/** How the action is run. */
export interface Act {
  /** The code that it fails with; a success when absent. */
  readonly fails?: string
  readonly onLine?: (line: string) => void
}

/** Runs the action and shows its log. @throws Error when it ends otherwise than the story has it */
export async function perform(world: World, inputs: Readonly<Record<string, string>> = {}, { fails, onLine }: Act = {}): Promise<ActionRun> {
  const run = await act(world, inputs, { onLine: (line) => {
    show(line)
    onLine?.(line)
  } })
  if (run.outputs['failure-code'] !== fails || run.exitCode !== (fails === undefined ? 0 : 1)) throw new Error(`the action ended with ${run.exitCode ?? ''} ${run.outputs['failure-code'] ?? ''}`)
  return run
}

/** Runs another action of this repository and shows its log. */
export const performOther = (world: World, action: string, inputs: Readonly<Record<string, string>>): Promise<ActionRun> =>
  runAction({ action: join(repository, action), directory: world.directory, environment: world.environment(), inputs, onLine: show })

/** Shows some outputs, or all. */
export function showOutputs(run: ActionRun, ...names: readonly string[]): void {
  for (const [name, value] of Object.entries(run.outputs)) if (names.length === 0 || names.includes(name)) console.log(`  ${name}: ${value}`)
}

/** Shows the job summary as it is written. */
export function showSummary(run: ActionRun): void {
  say('Its job summary')
  console.log(run.summary.replace(/^/gm, '  '))
}

/** @throws Error with `otherwise` */
export function insist(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}

/** Ends a client and tells how it went. @returns the calls that failed */
export async function tally(name: string, client: CallingClient): Promise<CallingClient['failed']> {
  await client.stop()
  console.log(`  ${name}: ${client.calls.length} calls, ${client.failed.length} failed`)
  return client.failed
}

/** A collection made, seen and dropped by Milvus' own SDK for Node, over TLS through the ALB. */
export async function useMilvus(world: World, address: string): Promise<void> {
  process.env['SANDBOX_NAMES'] = world.environment()['SANDBOX_NAMES']
  await import('../../sandbox/names.mjs')
  const client = new MilvusClient({
    address: `https://${address}:${world.listenPort}`,
    ssl: true,
    tls: { rootCert: Buffer.from(world.authority.root), serverName: world.host },
    // The SDK's serverName sets only the name in TLS; the ALB routes by :authority.
    channelOptions: { 'grpc.default_authority': world.host },
  })
  try {
    await client.connectPromise
    const { version } = await client.getVersion()
    insist(Boolean(version), 'the SDK got no version from Milvus')
    console.log(`  Milvus ${version} at ${address}:${world.listenPort}`)
    const created = await client.createCollection({ collection_name: 'demo', fields: [{ name: 'id', data_type: DataType.Int64, is_primary_key: true }, { name: 'vector', data_type: DataType.FloatVector, dim: 4 }] })
    const collections = (await client.showCollections()).data.map(({ name }) => name)
    insist(created.error_code === 'Success' && collections.includes('demo'), `the collection was not made: ${created.reason}`)
    await client.dropCollection({ collection_name: 'demo' })
    console.log('  collection demo made, seen and dropped')
  } finally {
    await client.closeConnection()
  }
}
