/** A run without changes is fast: it is the most frequent one in pipelines and drift checks. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { parseProfile, profilingOptionsFor, sumByPhase } from '../../testing/profile.ts'
import type { RunResult } from '../../testing/runner.ts'
import { expectSuccess } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('cluster-ip')

/**
 * The limit in seconds of CPU time, with the probe and the post step, on a machine that is no
 * slower than `load`.
 */
const maxCpuSeconds = 0.6

/**
 * Seconds in which such a machine loads the action and rejects its inputs. The limit scales with a
 * slower or busier machine.
 */
const idleStartupSeconds = 0.2

const computeMedian = (cpuSeconds: readonly number[]): number =>
  [...cpuSeconds].sort((a, b) => a - b)[Math.floor(cpuSeconds.length / 2)] ?? Infinity

scenario(
  'a converged run uses less than 0.6 s of CPU time, as the median of five',
  async ({ environment, run: runWith, writes }) => {
    const profilePath = join(environment.directory, 'times.jsonl')
    const { nodeOptions, env } = profilingOptionsFor(profilePath)
    const profilingEnv = {
      ...env,
      NODE_OPTIONS: [environment.runnerEnv()['NODE_OPTIONS'], ...nodeOptions].join(' '),
    }
    const run = async (
      inputs: Readonly<Record<string, string>> = {},
    ): Promise<RunResult & { readonly cpuTime: number }> => {
      await writeFile(profilePath, '')
      const result = await runWith(inputs, { env: profilingEnv })
      const { action, helm } = sumByPhase(parseProfile(await readFile(profilePath, 'utf8')))
      return { ...result, cpuTime: action + helm }
    }
    await run()
    const cpuSeconds: number[] = []
    const startupSeconds: number[] = []
    for (let round = 0; round < 5; round += 1) {
      startupSeconds.push((await run({ host: '' })).cpuTime)
      const result = await run()
      expectSuccess(result)
      expect(writes()).toEqual([])
      cpuSeconds.push(result.cpuTime)
    }
    const [cpuTime, medianStartup] = [computeMedian(cpuSeconds), computeMedian(startupSeconds)]
    console.log(
      `a converged run needed ${cpuTime.toFixed(2)} s of the processor, of which ${medianStartup.toFixed(2)} s to load the action (medians of 5)`,
    )
    expect(cpuTime).toBeLessThan(maxCpuSeconds * Math.max(1, medianStartup / idleStartupSeconds))
  },
)
