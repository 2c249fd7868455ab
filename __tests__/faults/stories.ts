/** What is run while things go wrong: each way in which the action changes things. */
import { act } from '../../sandbox/act.ts'
import type { InstallationMode } from '../../sandbox/charts/modes.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { snapshot } from '../../sandbox/snapshot.ts'
import { pointsOf, record, type Point } from './points.ts'
import { stateOf, type State } from './state.ts'

type Inputs = Readonly<Record<string, string>>
/** One way. */
export interface Story {
  readonly name: 'deploy' | 'renewal' | 'cutover: last' | 'on-failure: rollback' | 'destroy'
  /** What is there before: Milvus as helm installed it, or all that a deployment made. */
  readonly before: 'installed' | 'deployed'
  readonly inputs: Inputs
  /** The story that it begins with, whose writes are disturbed there already. */
  readonly beginsAs?: Story['name']
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
export async function setStage(mode: InstallationMode = 'standalone'): Promise<Stage> {
  const world = await startSandbox()
  await world.installMilvus({ mode, values: { minio: { bucketName: 'precious' } } })
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
    { name: 'on-failure: rollback', before: 'installed', beginsAs: 'deploy', inputs: { 'on-failure': 'rollback', 'probe-address': '127.0.0.1:9', 'probe-timeout': '1s' }, again: { 'probe-address': '' } },
    { name: 'destroy', before: 'deployed', inputs: { mode: 'destroy', 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'service.k8s.aws/nlb' } },
  ]
  return { world, stories, begin: ({ before }) => back[before]() }
}

/** What the tables call a story. */
export const labelOf = (name: Story['name'], mode: InstallationMode): string => (mode === 'standalone' ? name : `${name}, ${mode}`)

/** A story as it goes when nothing disturbs it. */
export interface Undisturbed {
  readonly story: Story
  /** What it leaves. */
  readonly state: State
  /** Every moment right before or right after a write. */
  readonly points: readonly Point[]
  /** How many writes, in words. */
  readonly writes: string
}

/** Plays a story to its end. */
export async function undisturbed(stage: Stage, name: Story['name']): Promise<Undisturbed> {
  const story = storyOf(stage, name)
  const known = story.beginsAs && (await play(stage, storyOf(stage, story.beginsAs))).writes
  const { run, writes } = await play(stage, story)
  const last = story.again ? await act(stage.world, { ...story.inputs, ...story.again }) : run
  if (last.exitCode !== 0) throw new Error(last.log)
  return { story, state: stateOf(stage.world), points: pointsOf(writes, known), writes: `${writes.requests.length} requests, ${writes.helm.length} calls of helm, ${writes.files.length} of files` }
}

function storyOf({ stories }: Stage, name: Story['name']): Story {
  const story = stories.find((each) => each.name === name)
  if (!story) throw new Error(`there is no story ${name}`)
  return story
}

async function play(stage: Stage, story: Story) {
  await stage.begin(story)
  return record(stage.world, story.inputs)
}
