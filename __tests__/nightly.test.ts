/** The issue that the nightly tests keep. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startGitHub, type GitHubApi } from '../sandbox/github.ts'
import { keepIssue, reportOf, type Needs } from '../scripts/nightly.ts'
import { GitHub } from '../src/fleet/github.ts'

const url = 'https://github.com/owner/name/actions/runs/1'
const good: Needs = { faults: { result: 'success' }, lab: { result: 'success' } }
const bad: Needs = { faults: { result: 'success' }, lab: { result: 'failure' } }

let api: GitHubApi
beforeEach(async () => { api = await startGitHub() })
afterEach(() => api.close())

const night = (needs: Needs): Promise<void> => keepIssue(new GitHub({ api: api.url, repository: 'owner/name', token: api.token }), needs, url)

test.each<[name: string, needs: Needs, said: readonly string[] | undefined]>([
  ['every job passed', good, undefined],
  ['a job failed', bad, ['`lab`: failure', url]],
  ['a job ran out of time', { lab: { result: 'cancelled' } }, ['`lab`: cancelled']],
  ['a job was skipped', { lab: { result: 'skipped' } }, ['`lab`: skipped']],
])('%s', (_name, needs, said) => {
  const report = reportOf(needs, url)
  if (said === undefined) expect(report).toBeUndefined()
  else for (const part of said) expect(report).toContain(part)
})

test('one issue is opened, gets a comment each bad night, and is closed by a good one', async () => {
  await night(good)
  expect(api.issues).toEqual([])
  await night(bad)
  await night(bad)
  expect(api.issues).toMatchObject([{ title: 'The nightly tests fail', state: 'open', labels: ['nightly'], comments: [expect.stringContaining('`lab`: failure')] }])
  await night(good)
  expect(api.issues).toMatchObject([{ state: 'closed', comments: [expect.anything(), expect.stringContaining('pass again')] }])
  await night(bad)
  expect(api.issues).toMatchObject([{ state: 'closed' }, { state: 'open' }])
})
