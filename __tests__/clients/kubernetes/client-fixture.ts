/** A client of the Kubernetes API, and the stub server that answers it. */
import { KubernetesClient } from '../../../src/clients/kubernetes/client.ts'
import { createTokenConnection } from '../../../src/clients/kubernetes/connection.ts'
import type { KubernetesObject } from '../../../src/clients/kubernetes/types.ts'
import { FakeClock } from '../../util/clock.ts'
import { startStubServer, type RequestHandler, type StubServer } from './stub-server.ts'

let server: StubServer | undefined

/** Stops the server, even if the test has stopped it. */
export async function stopServer(): Promise<void> {
  await server?.close()
  server = undefined
}

interface ClientFixture {
  client: KubernetesClient
  api: StubServer
  clock: FakeClock
  invalidatedTokens: string[]
}

/** A client whose tokens are numbered, and the server that answers it. */
export async function startClient(
  handler: RequestHandler,
  options: { path?: string; ca?: string; signal?: AbortSignal } = {},
): Promise<ClientFixture> {
  server = await startStubServer(handler)
  const invalidatedTokens: string[] = []
  let tokenNumber = 1
  const tokenSource = {
    token: () => Promise.resolve(`token-${tokenNumber}`),
    invalidate: () => {
      invalidatedTokens.push(`token-${tokenNumber++}`)
    },
  }
  const connection = createTokenConnection(
    { server: server.url + (options.path ?? ''), certificateAuthority: options.ca ?? server.ca },
    tokenSource,
    {},
  )
  const clock = new FakeClock()
  return {
    client: new KubernetesClient(connection, {
      signal: options.signal ?? new AbortController().signal,
      clock,
    }),
    api: server,
    clock,
    invalidatedTokens,
  }
}

export const namespacePath = '/api/v1/namespaces/milvus'

export const getNamespace = (client: KubernetesClient): Promise<KubernetesObject | undefined> =>
  client.get<KubernetesObject>(namespacePath, 'read namespace milvus')

export const applyObject = (client: KubernetesClient): Promise<unknown> =>
  client.apply(`${namespacePath}/x`, { kind: 'X' }, { fieldManager: 'me', force: false }, 'apply X')
