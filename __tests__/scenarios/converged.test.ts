/** A run that has nothing to change is quick: it is what pipelines and drift checks do most. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { profilingInto, readProfile, sumsOf } from '../../sandbox/profile.ts'
import type { ActionRun } from '../../sandbox/runner.ts'
import { expectSuccess, scenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

/** Seconds of the processor's work, the probe and the post step included, on a machine that is no slower than `load`. */
const target = 0.6
/** Seconds in which such a machine loads the action and refuses its inputs: on a slower or busier one all takes as much longer. */
const load = 0.2

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity

scenario('a converged run needs less than 0.6 s of the processor, the median of five', async ({ world, run: runWith, writes }) => {
  const path = join(world.directory, 'times.jsonl')
  const { nodeOptions, environment } = profilingInto(path)
  const noted = { ...environment, NODE_OPTIONS: [world.environment()['NODE_OPTIONS'], ...nodeOptions].join(' ') }
  const run = async (inputs: Readonly<Record<string, string>> = {}): Promise<ActionRun & { readonly worked: number }> => {
    await writeFile(path, '')
    const result = await runWith(inputs, { environment: noted })
    const { action, helm } = sumsOf(readProfile(await readFile(path, 'utf8')))
    return { ...result, worked: action + helm }
  }
  await run()
  const times: number[] = []
  const loads: number[] = []
  for (let round = 0; round < 5; round += 1) {
    loads.push((await run({ host: '' })).worked)
    const result = await run()
    expectSuccess(result)
    expect(writes()).toEqual([])
    times.push(result.worked)
  }
  const [worked, loaded] = [median(times), median(loads)]
  console.log(`a converged run needed ${worked.toFixed(2)} s of the processor, of which ${loaded.toFixed(2)} s to load the action (medians of 5)`)
  expect(worked).toBeLessThan(target * Math.max(1, loaded / load))
})
