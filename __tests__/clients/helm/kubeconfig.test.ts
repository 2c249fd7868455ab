/**
 * The kubeconfig for Helm: private, and its token is renewed for as long as Helm runs.
 */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { EksTokenSource } from '../../../src/clients/aws/eks.ts'
import { writeKubeconfig } from '../../../src/clients/helm/kubeconfig.ts'

const minute = 60_000

/** A clock whose sleeps the test ends, one by one. */
function createManualClock() {
  const asleep: { ms: number; wake: () => void }[] = []
  const clock = {
    asleep,
    time: 0,
    now: () => clock.time,
    sleep: (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const wake = () => {
          clock.time += ms
          resolve()
        }
        asleep.push({ ms, wake })
        signal.addEventListener('abort', () => resolve())
      }),
  }
  return clock
}

test('writeKubeconfig writes files with mode 0600 and renews the token while Helm runs', async () => {
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

test('the token of EKS that Helm uses is younger than 15 minutes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-test-'))
  const clock = createManualClock()
  const abortController = new AbortController()
  const tokenSource = new EksTokenSource({
    clients: {
      credentials: () => Promise.resolve({ accessKeyId: 'AKIA', secretAccessKey: 'secret' }),
      region: 'us-east-2',
    },
    eks: { config: { systemClockOffset: 0 } },
    cluster: 'production',
    audience: 'production',
    clock,
    maskSecret: () => undefined,
  })
  await tokenSource.token()
  // Right before the source replaces the token.
  clock.time = 10 * minute - 1
  try {
    const cluster = { server: 'https://api.example.com', certificateAuthority: 'PEM', tokenSource }
    await writeKubeconfig(directory, cluster, clock, abortController.signal)
    const ages: number[] = []
    for (let count = 1; count <= 5; count += 1) {
      while (clock.asleep.length < count) await new Promise((resolve) => setImmediate(resolve))
      const signedAt = readSigningTime(await readFile(join(directory, 'token'), 'utf8'))
      const { ms = 0, wake } = clock.asleep[count - 1] ?? {}
      // client-go uses what it has read for another minute.
      ages.push(clock.now() + ms + minute - signedAt)
      wake?.()
    }
    expect(Math.max(...ages)).toBeLessThan(15 * minute)
  } finally {
    abortController.abort()
    await rm(directory, { recursive: true, force: true })
  }
})

/** Milliseconds since the epoch, by X-Amz-Date: 20260102T030405Z. */
function readSigningTime(token: string): number {
  const url = new URL(Buffer.from(token.replace('k8s-aws-v1.', ''), 'base64url').toString())
  const date = url.searchParams.get('X-Amz-Date') ?? ''
  return Date.parse(date.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'))
}
