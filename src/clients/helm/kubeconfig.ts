/**
 * The kubeconfig that helm is given for an EKS cluster: its token is in a file of its own, which is
 * written anew before it ends.
 */
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import tls from 'node:tls'
import type { TokenSource } from '../../util/token-source.ts'
import type { Clock } from '../../util/polling.ts'

/** The cluster in the words of a kubeconfig. */
export interface TokenClusterAccess {
  readonly server: string
  readonly certificateAuthority: string
  readonly tokenSource: TokenSource
}

/** client-go reads a token file again after at most a minute; a token lives 15. */
const tokenRefreshInterval = 5 * 60_000

/**
 * Writes the kubeconfig and its token file, and keeps the token fresh until the signal is aborted.
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

/** By a rename, so that helm never reads half a token. */
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
    // A renewal that fails now may work in the next round; when none does, helm itself says that it
    // is not authorized.
    await tokenSource
      .token()
      .then((token) => writeToken(path, token))
      .catch(() => undefined)
  }
}
