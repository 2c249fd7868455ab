/**
 * `npm run demo`: the whole story on this machine. A Milvus behind a LoadBalancer Service, as the guide assumes; the action
 * as a runner would run it; the official client at the address from the output; the action again, which changes nothing.
 */
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import { act } from '../sandbox/act.ts'
import type { ActionRun } from '../sandbox/runner.ts'
import { startSandbox } from '../sandbox/sandbox.ts'
import type { World } from '../sandbox/world.ts'

const say = (text: string) => console.log(`\n\u001b[1m${text}\u001b[0m`)

async function succeed(world: World): Promise<ActionRun> {
  const run = await act(world, {}, {
    onLine: (line) => line.startsWith('::add-mask::') || console.log(`  ${line.replace(/^::group::/, '').replace(/^::(endgroup|set-output).*$/, '')}`.trimEnd()),
  })
  if (run.exitCode !== 0) throw new Error(`the action failed: ${run.outputs['failure-code'] ?? ''}`)
  return run
}

/** A collection made, filled, searched and dropped by Milvus' own SDK for Node, over TLS through the ALB. */
async function useMilvus(world: World, address: string, port: number): Promise<void> {
  const client = new MilvusClient({
    address: `https://${address}:${port}`,
    ssl: true,
    tls: { rootCert: Buffer.from(world.authority.root), serverName: world.host },
    // The SDK's serverName sets only the name in TLS; the ALB routes by :authority.
    channelOptions: { 'grpc.default_authority': world.host },
  })
  await client.connectPromise
  const { version } = await client.getVersion()
  if (!version) throw new Error('the SDK got no version from Milvus')
  console.log(`  Milvus ${version} at ${address}:${port}`)
  const created = await client.createCollection({ collection_name: 'demo', fields: [{ name: 'id', data_type: DataType.Int64, is_primary_key: true }, { name: 'vector', data_type: DataType.FloatVector, dim: 4 }] })
  const collections = (await client.showCollections()).data.map(({ name }) => name)
  if (created.error_code !== 'Success' || !collections.includes('demo')) throw new Error(`the collection was not made: ${created.reason}`)
  await client.dropCollection({ collection_name: 'demo' })
  console.log('  collection demo made, seen and dropped')
  await client.closeConnection()
}

const world = await startSandbox()
try {
  say('Milvus is installed by helm behind a LoadBalancer Service, as the guide assumes')
  await world.installMilvus({ values: { minio: { bucketName: 'precious' } } })
  console.log((await world.helm('list')).trimEnd().replace(/^/gm, '  '))

  say('The action, as a runner would run it')
  const first = await succeed(world)

  say('Its outputs')
  for (const [name, value] of Object.entries(first.outputs)) console.log(`  ${name}: ${value}`)

  say('Its job summary')
  console.log(first.summary.replace(/^/gm, '  '))

  say('The official Node SDK at the address from the output')
  process.env['SANDBOX_NAMES'] = world.environment()['SANDBOX_NAMES']
  await import('../sandbox/names.mjs')
  await useMilvus(world, first.outputs['alb-address'] ?? '', world.listenPort)

  say('The action again')
  const second = await succeed(world)
  if (second.outputs['changed'] !== 'false') throw new Error(`the second run changed something: ${second.outputs['changes'] ?? ''}`)
  say(`Nothing changed, in ${(second.took / 1000).toFixed(2)} s`)
  console.log('\n1 passed, 0 failed')
} finally {
  await world.close()
}
