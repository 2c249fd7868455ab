/** The issue that the nightly tests maintain. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startGitHubApi, type GitHubApi } from '../testing/github-api.ts'
import { syncIssue, formatReport, type Needs } from '../scripts/nightly.ts'
import { GitHub } from '../src/fleet/github/github.ts'

const url = 'https://github.com/owner/name/actions/runs/1'
const passedNeeds: Needs = { faults: { result: 'success' }, lab: { result: 'success' } }
const failedNeeds: Needs = { faults: { result: 'success' }, lab: { result: 'failure' } }

let api: GitHubApi
beforeEach(async () => {
  api = await startGitHubApi()
})
afterEach(() => api.close())

const runNightly = (needs: Needs): Promise<void> =>
  syncIssue(new GitHub({ apiUrl: api.url, repository: 'owner/name', token: api.token }), needs, url)

test.each<{ name: string; needs: Needs; expectedParts: readonly string[] | undefined }>([
  { name: 'every job passed', needs: passedNeeds, expectedParts: undefined },
  { name: 'a job failed', needs: failedNeeds, expectedParts: ['`lab`: failure', url] },
  {
    name: 'a job timed out',
    needs: { lab: { result: 'cancelled' } },
    expectedParts: ['`lab`: cancelled'],
  },
  {
    name: 'a job was skipped',
    needs: { lab: { result: 'skipped' } },
    expectedParts: ['`lab`: skipped'],
  },
])('$name', ({ needs, expectedParts }) => {
  const report = formatReport(needs, url)
  if (expectedParts === undefined) expect(report).toBeUndefined()
  else for (const part of expectedParts) expect(report).toContain(part)
})

test('the first failed night opens one issue, later failures add comments, and a passing night closes it', async () => {
  await runNightly(passedNeeds)
  expect(api.issues).toEqual([])
  await runNightly(failedNeeds)
  await runNightly(failedNeeds)
  expect(api.issues).toMatchObject([
    {
      title: 'The nightly tests are failing',
      state: 'open',
      labels: ['nightly'],
      comments: [expect.stringContaining('`lab`: failure')],
    },
  ])
  await runNightly(passedNeeds)
  expect(api.issues).toMatchObject([
    { state: 'closed', comments: [expect.anything(), expect.stringContaining('pass again')] },
  ])
  await runNightly(failedNeeds)
  expect(api.issues).toMatchObject([{ state: 'closed' }, { state: 'open' }])
})
