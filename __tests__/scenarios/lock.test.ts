/** Runs on one target exclude each other, and what a dead one left in helm is finished. */
import { expect } from '@jest/globals'
import { expectSuccess, expectUnchanged, scenario } from './harness.ts'

const asRun = (id: number) => ({ GITHUB_REPOSITORY: 'acme/search', GITHUB_RUN_ID: String(id), GITHUB_RUN_ATTEMPT: '1', GITHUB_JOB: 'deploy' })

scenario('two runs: the second waits for the first, and finds all done', async ({ world, run }) => {
  const provision = world.holdLoadBalancers()
  const waiting = world.traffic.next(({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'))
  const first = run({}, { environment: asRun(1) })
  await waiting
  const second = run({}, { environment: asRun(2), onLine: (line) => void (line.includes('Another run works') && provision()) })
  expectSuccess(await first)
  const result = await second
  expectUnchanged(result)
  expect(result.log).toContain('https://github.com/acme/search/actions/runs/1 (attempt 1, job deploy)')
})
