/** Input probe: deep: work with a temporary collection. */
import { expect } from '@jest/globals'
import { DataType, MilvusClient, RbacObjects } from '@zilliz/milvus2-sdk-node'
import type { MilvusServer } from '../../simulator/milvus/server.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { runAction } from '../../testing/run-action.ts'
import type { RunResult } from '../../testing/runner.ts'
import { checkInputs, expectClean } from './check-expectations.ts'
import { expectFailure, expectSuccess, expectWarnings, getErrorAnnotation } from './expectations.ts'
import { holdNextRequest } from './faults.ts'
import { labScenario, scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { cancelWhen, killWhen } from './interruptions.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

const deepInputs = { probe: 'deep' }
const shortDeepProbe = { ...deepInputs, ...shortProbe }

const parseDeep = (run: RunResult): unknown =>
  (JSON.parse(run.outputs['probe'] ?? '{}') as { deep?: unknown }).deep

/** A client of Milvus, through the ALB. */
async function withMilvusClient<T>(
  environment: TestEnvironment,
  token: string | undefined,
  work: (client: MilvusClient) => Promise<T>,
): Promise<T> {
  const { albAddress, listenPort, host, certificateAuthority } = environment
  const client = new MilvusClient({
    address: `https://${albAddress}:${listenPort}`,
    ssl: true,
    logLevel: 'error',
    ...(token !== undefined && { token }),
    tls: { rootCert: Buffer.from(certificateAuthority.root), serverName: host },
    channelOptions: { 'grpc.default_authority': host },
  })
  try {
    await client.connectPromise
    return await work(client)
  } finally {
    await client.closeConnection()
  }
}

const listCollections = (environment: TestEnvironment, token?: string): Promise<string[]> =>
  withMilvusClient(environment, token, async (client) =>
    (await client.showCollections()).data.map(({ name }) => name),
  )

const createCollection = (environment: TestEnvironment, name: string): Promise<unknown> =>
  withMilvusClient(environment, undefined, (client) =>
    client.createCollection({
      collection_name: name,
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
      ],
    }),
  )

const leftCollection = 'milvus_alb_action_probe_0123456789ab'

scenario(
  'a deep probe inserts into a temporary collection, searches and drops it, and drops one that was left behind',
  async ({ environment, run, writes }) => {
    await createCollection(environment, leftCollection)
    const deepRun = expectSuccess(await run(deepInputs))
    expect(parseDeep(deepRun)).toMatchObject({ vectors: 1000, bytes: 3_073_965 })
    expect(deepRun.summary).toMatch(/3\.1 MB inserted and searched/)
    expect(deepRun.log).toContain(
      `Dropped collection ${leftCollection}, which another run left behind`,
    )
    expect(await listCollections(environment)).not.toContain(leftCollection)

    const check = await run({ ...checkInputs, ...deepInputs })
    expectClean(check)
    expect(writes()).toEqual([])
    expect(parseDeep(check)).toMatchObject({ vectors: 1000 })

    const token = await environment.enableAuthorization()
    const withoutToken = await run({ ...shortDeepProbe, 'milvus-token': '' })
    expect(getErrorAnnotation(expectFailure(withoutToken, 'probe', 'probe-deep-failed'))).toContain(
      'milvus-token is empty',
    )
    expect(withoutToken.log).not.toContain('could not be dropped')
    expect(parseDeep(withoutToken)).toBeNull()
    expectSuccess(await run({ ...deepInputs, 'milvus-token': token }))
    expect((await listCollections(environment, token)).filter(isTemporary)).toEqual([])
  },
)

const isTemporary = (name: string): boolean => name.startsWith('milvus_alb_action_probe_')

simulatorScenario(
  'a deep probe that is killed, cancelled or disturbed leaves no collection for longer than a run',
  'a real Milvus cannot be interrupted at a certain call',
  async ({ environment, run }) => {
    const { faults, milvus, requestLog } = environment
    const nextSearch = () => requestLog.nextRequest(({ operation }) => operation === 'Search')
    const releaseKilled = holdNextRequest(faults, { service: 'milvus', operation: 'Search' })
    await runAction(environment, deepInputs, killWhen(nextSearch()))
    releaseKilled()
    expect(milvus.collections.size).toBe(1)
    const [left] = milvus.collections.values()
    expect(expectSuccess(await run(deepInputs)).log).toContain(`Dropped collection ${left?.name}`)
    expect(milvus.collections.size).toBe(0)

    const releaseCancelled = holdNextRequest(faults, { service: 'milvus', operation: 'Search' })
    expectFailure(await run(deepInputs, cancelWhen(nextSearch())), 'probe', 'cancelled')
    releaseCancelled()
    expect(milvus.collections.size).toBe(0)

    // Another run drops the collection, and this one creates it again.
    const releaseDisturbed = holdNextRequest(faults, { service: 'milvus', operation: 'Search' })
    const disturbedRun = run(deepInputs)
    await nextSearch()
    milvus.collections.clear()
    releaseDisturbed()
    expectSuccess(await disturbedRun)
    expect(milvus.collections.size).toBe(0)
  },
)

function addCollections({ collections }: MilvusServer, count: number): void {
  for (let id = 1; id <= count; id++) {
    const name = `embeddings_of_tenant_${id}`
    const statistics = { createdAt: Date.now(), shards: 1, dimension: 4, vectors: new Map() }
    const collection = { id: String(id), name, database: 'default', ...statistics }
    collections.set(`default/${name}`, { ...collection, isIndexed: true, isLoaded: false })
  }
}

simulatorScenario(
  'what Milvus rejects in a deep probe is named with what to do, and its collection is dropped',
  'a real Milvus has no such limits in the lab',
  async ({ environment, run }) => {
    const { faults, milvus } = environment
    const runDeep = async () =>
      getErrorAnnotation(expectFailure(await run(shortDeepProbe), 'probe', 'probe-deep-failed'))
    const rejectCall = (operation: string, status: number, message: string) =>
      faults.inject({ service: 'milvus', operation, error: { status, message, code: '' } })

    const removeDenial = rejectCall('CreateIndex', 7, 'PrivilegeCreateIndex: permission deny')
    expect(await runDeep()).toMatch(
      /answered CreateIndex with grpc-status 7 .*lacks the privilege.*\nWhat to do: Grant that user a role/,
    )
    removeDenial()
    expect(milvus.collections.size).toBe(0)

    milvus.quotaStates = ['DenyToWrite']
    expect(await runDeep()).toMatch(/answered Insert with error code 9 .*limits is reached/)
    milvus.quotaStates = []
    expect(milvus.collections.size).toBe(0)

    const removeDropFault = rejectCall('DropCollection', 14, 'no coordinator')
    expectWarnings(expectSuccess(await run(shortDeepProbe)), [
      'of the deep probe could not be dropped: Milvus answered DropCollection with grpc-status 14',
    ])
    const removeSearchFault = rejectCall('Search', 2, 'no segment')
    const failedTwice = await run(shortDeepProbe)
    expect(getErrorAnnotation(expectFailure(failedTwice, 'probe', 'probe-deep-failed'))).toContain(
      'answered Search',
    )
    expectWarnings(failedTwice, ['Temporary collection', 'could not be dropped'])
    removeDropFault()
    removeSearchFault()
    expectSuccess(await run(deepInputs))
    expect(milvus.collections.size).toBe(0)

    // A list of so many is longer than an answer of any other call of the probe.
    addCollections(milvus, 50_000)
    expectSuccess(await run(deepInputs))
    expect(milvus.collections.size).toBe(50_000)
  },
)

/** By object type, as in docs/deep-probe.md. */
const privileges = [
  {
    object: RbacObjects.Global,
    names: ['CreateCollection', 'DropCollection', 'ShowCollections'],
  },
  {
    object: RbacObjects.Collection,
    names: ['Insert', 'CreateIndex', 'Load', 'GetLoadingProgress', 'Search'],
  },
]

labScenario(
  'a Milvus user with the documented privileges can make a deep probe, and one without cannot',
  'the simulator has one user',
  async ({ environment, run }) => {
    const token = await environment.enableAuthorization()
    const user = { username: 'prober', password: 'canary-of-prober' }
    const roleName = 'prober'
    await withMilvusClient(environment, token, async (client) => {
      await client.createUser(user)
      await client.createRole({ roleName })
      await client.addUserToRole({ username: user.username, roleName })
    })
    const inputs = { ...deepInputs, 'milvus-token': `${user.username}:${user.password}` }
    const denied = expectFailure(await run(inputs), 'probe', 'probe-deep-failed')
    expect(getErrorAnnotation(denied)).toMatch(/lacks the privilege.*\nWhat to do: Grant/)
    await withMilvusClient(environment, token, async (client) => {
      for (const { object, names } of privileges)
        for (const privilegeName of names)
          await client.grantRolePrivilege({ roleName, object, objectName: '*', privilegeName })
    })
    expectSuccess(await run(inputs))
    expect((await listCollections(environment, token)).filter(isTemporary)).toEqual([])
  },
)
