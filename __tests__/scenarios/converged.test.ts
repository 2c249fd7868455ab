/** A run that has nothing to change is quick: it is what pipelines and drift checks do most. */
import { expect } from '@jest/globals'
import { expectSuccess, scenario } from './harness.ts'

/** Milliseconds of the whole process, the probe included. */
const target = 800

scenario('a converged run takes less than 0.8 s, the median of five', async ({ run, writes }) => {
  await run()
  const times: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const result = await run()
    expectSuccess(result)
    expect(writes()).toEqual([])
    times.push(result.took)
  }
  const median = times.sort((a, b) => a - b)[2] ?? Infinity
  console.log(`a converged run took ${(median / 1000).toFixed(2)} s (median of 5; ${times.map((time) => (time / 1000).toFixed(2)).join(', ')})`)
  expect(median).toBeLessThan(target)
})
