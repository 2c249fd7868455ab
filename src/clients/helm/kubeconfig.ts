/**
 * The kubeconfig with which Helm accesses an EKS cluster. The token is in a separate file, which is
 * rewritten before the token expires.
 */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tls from 'node:tls'
import type { TokenSource } from '../../util/token-source.ts'
import type { Clock } from '../../util/polling.ts'

/** The fields of a kubeconfig's cluster, and where tokens come from. */
export interface TokenClusterAccess {
  readonly server: string
  readonly certificateAuthority: string
  readonly tokenSource: TokenSource
}

/**
 * Milliseconds. A token is valid for 15 minutes, and may be 10 minutes old when it is written.
 * client-go rereads the file every minute.
 */
const tokenRefreshInterval = 2 * 60_000

/**
 * Writes the kubeconfig and its token file, and renews the token until the signal is aborted.
 * @param directory private to this run
 * @returns the kubeconfig's path
 */
export async function writeKubeconfig(
  directory: string,
  cluster: TokenClusterAccess,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  const tokenFile = join(directory, 'token')
  const path = join(directory, 'kubeconfig')
  await writeToken(tokenFile, await cluster.tokenSource.token())
  await writeFile(path, JSON.stringify(buildKubeconfig(cluster, tokenFile)), { mode: 0o600 })
  void refreshTokenPeriodically(tokenFile, cluster.tokenSource, clock, signal)
  return path
}

function buildKubeconfig(cluster: TokenClusterAccess, tokenFile: string): object {
  const caBundle = [cluster.certificateAuthority, ...tls.getCACertificates('extra')].join('\n')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'target',
    contexts: [{ name: 'target', context: { cluster: 'target', user: 'action' } }],
    clusters: [
      {
        name: 'target',
        cluster: {
          server: cluster.server,
          'certificate-authority-data': Buffer.from(caBundle).toString('base64'),
        },
      },
    ],
    users: [{ name: 'action', user: { tokenFile } }],
  }
}

/** Atomic, by a rename: Helm never reads an incomplete token. */
async function writeToken(path: string, token: string): Promise<void> {
  await writeFile(`${path}.new`, token, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

async function refreshTokenPeriodically(
  path: string,
  tokenSource: TokenSource,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(tokenRefreshInterval, signal)
    if (signal.aborted) return
    try {
      await writeToken(path, await tokenSource.token())
    } catch {
      // The next renewal may succeed. If none does, Helm fails with an authorization error.
    }
  }
}
