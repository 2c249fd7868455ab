/**
 * The kubeconfig for Helm: private, and its token is renewed for as long as Helm runs.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { writeKubeconfig } from '../../../src/clients/helm/kubeconfig.ts'

/** A clock whose sleeps the test ends, one by one. */
function createManualClock() {
  const asleep: { ms: number; wake: () => void }[] = []
  return {
    asleep,
    now: () => 0,
    sleep: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        asleep.push({ ms, wake: resolve })
        signal.addEventListener('abort', () => resolve())
      }),
  }
}

test('writeKubeconfig writes files with mode 0600 and renews the token every five minutes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-test-'))
  const clock = createManualClock()
  const abortController = new AbortController()
  let tokenCount = 0
  const tokens = {
    token: () => Promise.resolve(`token-${(tokenCount += 1)}`),
    invalidate: () => undefined,
  }
  try {
    const path = await writeKubeconfig(
      directory,
      { server: 'https://api.example.com', certificateAuthority: 'PEM', tokenSource: tokens },
      clock,
      abortController.signal,
    )
    const tokenFile = join(directory, 'token')
    const kubeconfig = JSON.parse(await readFile(path, 'utf8')) as {
      users: [{ user: { tokenFile: string } }]
      clusters: [{ cluster: { server: string } }]
    }
    expect(kubeconfig.users[0].user).toEqual({ tokenFile })
    expect(kubeconfig.clusters[0].cluster.server).toBe('https://api.example.com')
    for (const file of [path, tokenFile]) expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(tokenFile, 'utf8')).toBe('token-1')

    const [firstSleep] = clock.asleep
    expect(firstSleep?.ms).toBe(5 * 60_000)
    firstSleep?.wake()
    // The next sleep begins when the new token is on the disk.
    while (clock.asleep.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(await readFile(tokenFile, 'utf8')).toBe('token-2')
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600)
  } finally {
    abortController.abort()
    await rm(directory, { recursive: true, force: true })
  }
})
