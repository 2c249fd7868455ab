/** A run that has nothing to change is quick: it is what pipelines and drift checks do most. */
import { expect } from '@jest/globals'
import { expectSuccess, scenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

/** Milliseconds of the whole process, the probe included, on a machine that is no slower than `load`. */
const target = 800
/** Milliseconds in which such a machine loads the action and refuses its inputs: on a slower one all takes as much longer. */
const load = 200

const median = (times: readonly number[]): number => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity

scenario('a converged run takes less than 0.8 s, the median of five', async ({ run, writes }) => {
  await run()
  const times: number[] = []
  const loads: number[] = []
  for (let round = 0; round < 5; round += 1) {
    loads.push((await run({ host: '' })).took)
    const result = await run()
    expectSuccess(result)
    expect(writes()).toEqual([])
    times.push(result.took)
  }
  const [took, loaded] = [median(times), median(loads)]
  console.log(`a converged run took ${(took / 1000).toFixed(2)} s, of which ${(loaded / 1000).toFixed(2)} s to load the action (medians of 5)`)
  expect(took).toBeLessThan(target * Math.max(1, loaded / load))
})
