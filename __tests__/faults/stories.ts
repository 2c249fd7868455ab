/** What is run while things go wrong: each way in which the action changes things. */
import { act } from '../../sandbox/act.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { snapshot } from '../../sandbox/snapshot.ts'

type Inputs = Readonly<Record<string, string>>

/** One way. */
export interface Story {
  readonly name: string
  /** What is there before: Milvus as helm installed it, or all that a deployment made. */
  readonly before: 'installed' | 'deployed'
  readonly inputs: Inputs
  /** Inputs of the run that comes afterwards, where they differ. */
  readonly again?: Inputs
}

/** A sandbox with every story's beginning at hand. */
export interface Stage {
  readonly world: Sandbox
  readonly stories: readonly Story[]
  /** Back to where a story begins. */
  begin(story: Story): Promise<void>
}

/** Starts it. The caller closes the world. */
export async function setStage(): Promise<Stage> {
  const world = await startSandbox()
  await world.installMilvus({ values: { minio: { bucketName: 'precious' } } })
  const installed = snapshot(world)
  const { exitCode, log } = await act(world)
  if (exitCode !== 0) throw new Error(log)
  const back = { installed, deployed: snapshot(world) }
  const renewed = await world.authority.issue({ hosts: [world.host] })
  const stories: Story[] = [
    { name: 'deploy', before: 'installed', inputs: {} },
    { name: 'renewal', before: 'deployed', inputs: { certificate: renewed.fullchain, 'private-key': renewed.privateKey } },
    { name: 'cutover: last', before: 'installed', inputs: { cutover: 'last' } },
    // The probe asks where nobody listens, and all is put back.
    { name: 'on-failure: rollback', before: 'installed', inputs: { 'on-failure': 'rollback', 'probe-address': '127.0.0.1:9', 'probe-timeout': '1s' }, again: {} },
    { name: 'destroy', before: 'deployed', inputs: { mode: 'destroy', 'restore-service-type': 'LoadBalancer' } },
  ]
  return { world, stories, begin: ({ before }) => back[before]() }
}
