import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { KubernetesClient } from '../../../src/clients/kubernetes/client.ts'
import {
  createKubeconfigConnection,
  type Connection,
} from '../../../src/clients/kubernetes/connection.ts'
import { collectErrorText, captureActionError } from '../../capture-error.ts'
import { FakeClock } from '../../util/clock.ts'
import { sendJson, startStubServer, sendStatus, type StubServer } from './stub-server.ts'

let directory: string, server: StubServer
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connection-test-'))
  server = await startStubServer((response) => sendJson(response, { metadata: {} }))
})
afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

interface KubeconfigOptions {
  cluster?: object
  user?: object
  name?: string
  currentContext?: string
}

/** A kubeconfig of one cluster, user and context, all of one name. */
function createKubeconfig({
  cluster = {},
  user = { token: 'token-1' },
  name = 'main',
  currentContext = name,
}: KubeconfigOptions = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': currentContext,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [
      {
        name,
        cluster: {
          server: server.url,
          'certificate-authority-data': Buffer.from(server.ca).toString('base64'),
          ...cluster,
        },
      },
    ],
    users: [{ name, user }],
  })
}

async function writeTempFile(name: string, text: string): Promise<string> {
  await writeFile(join(directory, name), text)
  return join(directory, name)
}

async function sendRequest(connection: Connection): Promise<StubServer['requests'][number]> {
  const client = new KubernetesClient(connection, {
    signal: new AbortController().signal,
    clock: new FakeClock(),
  })
  await client.get('/api/v1/namespaces/milvus', 'read namespace milvus')
  const lastRequest = server.requests.at(-1)
  if (!lastRequest) throw new Error('nothing was sent')
  return lastRequest
}

const basicAuthorization = `Basic ${Buffer.from('me:secret').toString('base64')}`

describe('the credentials of a kubeconfig', () => {
  test.each<{ name: string; user: () => Promise<object>; authorization: string }>([
    {
      name: 'a token',
      user: () => Promise.resolve({ token: 'token-1' }),
      authorization: 'Bearer token-1',
    },
    {
      name: 'a token file',
      user: async () => ({ tokenFile: await writeTempFile('token', 'token-2') }),
      authorization: 'Bearer token-2',
    },
    {
      name: 'a username and a password',
      user: () => Promise.resolve({ username: 'me', password: 'secret' }),
      authorization: basicAuthorization,
    },
    {
      name: 'a credential plugin that prints a token',
      user: async () => {
        const credentialPath = await writeTempFile(
          'credential.json',
          JSON.stringify({
            apiVersion: 'client.authentication.k8s.io/v1beta1',
            kind: 'ExecCredential',
            status: { token: 'token-3' },
          }),
        )
        return {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1beta1',
            command: 'cat',
            args: [credentialPath],
            interactiveMode: 'Never',
          },
        }
      },
      authorization: 'Bearer token-3',
    },
  ])('$name', async ({ user, authorization }) => {
    const path = await writeTempFile('config', createKubeconfig({ user: await user() }))
    expect(
      (await sendRequest(createKubeconfigConnection([path], undefined, {}))).headers.authorization,
    ).toBe(authorization)
  })

  test('a client certificate', async () => {
    const authority = await createCertificateAuthority({
      keyAlgorithm: 'EC_prime256v1',
      name: 'Clients',
    })
    const clientCertificate = await authority.issue({
      hosts: [],
      commonName: 'deployer',
      keyAlgorithm: 'EC_prime256v1',
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    })
    await server.close()
    let subject = ''
    server = await startStubServer((response, _, incomingMessage) => {
      if (incomingMessage.socket instanceof TLSSocket)
        subject = String(incomingMessage.socket.getPeerCertificate().subject.CN)
      sendJson(response, {})
    }, authority.root)
    const user = {
      'client-certificate-data': Buffer.from(clientCertificate.fullchain).toString('base64'),
      'client-key-data': Buffer.from(clientCertificate.privateKey).toString('base64'),
    }
    await sendRequest(
      createKubeconfigConnection(
        [await writeTempFile('config', createKubeconfig({ user }))],
        undefined,
        {},
      ),
    )
    expect(subject).toBe('deployer')
  })

  test('resolves paths relative to the kubeconfig', async () => {
    await writeTempFile('ca.pem', server.ca)
    const path = await writeTempFile(
      'config',
      createKubeconfig({
        cluster: { 'certificate-authority-data': undefined, 'certificate-authority': 'ca.pem' },
      }),
    )
    expect((await sendRequest(createKubeconfigConnection([path], undefined, {}))).method).toBe(
      'GET',
    )
  })

  test('supports YAML and tls-server-name', async () => {
    const text = `apiVersion: v1\nkind: Config\ncurrent-context: main\ncontexts: [{name: main, context: {cluster: main, user: main}}]\nusers: [{name: main, user: {token: token-1}}]\nclusters:\n- name: main\n  cluster:\n    server: ${server.url}\n    tls-server-name: localhost\n    certificate-authority-data: ${Buffer.from(server.ca).toString('base64')}\n`
    expect(
      (
        await sendRequest(
          createKubeconfigConnection([await writeTempFile('config', text)], undefined, {}),
        )
      ).headers.authorization,
    ).toBe('Bearer token-1')
  })

  test('keeps one connection for several requests', async () => {
    const connection = createKubeconfigConnection(
      [await writeTempFile('config', createKubeconfig())],
      undefined,
      {},
    )
    const [firstOptions, secondOptions] = [await connection.options(), await connection.options()]
    expect(firstOptions.agent).toBeInstanceOf(https.Agent)
    expect(secondOptions.agent).toBe(firstOptions.agent)
  })
})

describe('the context of a kubeconfig', () => {
  test('is the requested one', async () => {
    const paths = [
      await writeTempFile('one', createKubeconfig({ name: 'one', user: { token: 'one' } })),
      await writeTempFile('two', createKubeconfig({ name: 'two', user: { token: 'two' } })),
    ]
    expect(
      (await sendRequest(createKubeconfigConnection(paths, 'two', {}))).headers.authorization,
    ).toBe('Bearer two')
  })

  // Source: kubectl, "The KUBECONFIG environment variable": the first file to set a value wins, and
  // missing files are passed over.
  test.each<[string, () => Promise<string[]>]>([
    [
      'the current context of the first file',
      async () => [
        await writeTempFile('one', createKubeconfig({ name: 'one', user: { token: 'one' } })),
        await writeTempFile('two', createKubeconfig({ name: 'two' })),
      ],
    ],
    [
      'the current context of the second file when the first has none',
      async () => [
        await writeTempFile('two', createKubeconfig({ name: 'two', currentContext: '' })),
        await writeTempFile('one', createKubeconfig({ name: 'one', user: { token: 'one' } })),
      ],
    ],
    [
      'a name in both files, of which the first is used',
      async () => [
        await writeTempFile('one', createKubeconfig({ user: { token: 'one' } })),
        await writeTempFile('two', createKubeconfig({ user: { token: 'two' } })),
      ],
    ],
    [
      'a missing file of the list',
      async () => [
        await writeTempFile('one', createKubeconfig({ user: { token: 'one' } })),
        join(directory, 'not-there'),
      ],
    ],
  ])('is selected as kubectl does: %s', async (_, paths) => {
    expect(
      (await sendRequest(createKubeconfigConnection(await paths(), undefined, {}))).headers
        .authorization,
    ).toBe('Bearer one')
  })
})

describe('an invalid kubeconfig', () => {
  const canary = 'canary-Zm9vYmFy'
  test.each<{
    name: string
    text: string | undefined
    context: string | undefined
    problem: RegExp
  }>([
    {
      name: 'does not exist',
      text: undefined,
      context: undefined,
      problem: /config does not exist\.$/,
    },
    {
      name: 'is not YAML',
      text: `users: [{name: x, user: {token: ${canary}}`,
      context: undefined,
      problem: /is not valid YAML: syntax error in line 1\.$/,
    },
    {
      name: 'is empty',
      text: '',
      context: undefined,
      problem: /is not a kubeconfig|does not define a cluster/,
    },
    {
      name: 'is plain text',
      text: 'hello',
      context: undefined,
      problem: /is not a kubeconfig|does not define a cluster/,
    },
    {
      name: 'has users that are not a list',
      text: JSON.stringify({ users: 0, clusters: [], contexts: [] }),
      context: undefined,
      problem: /is not a kubeconfig\.$/,
    },
    {
      name: 'has a map as its context',
      text: JSON.stringify({
        'current-context': { a: canary },
        users: [],
        clusters: [],
        contexts: [],
      }),
      context: undefined,
      problem: /is not a kubeconfig\.$/,
    },
    {
      name: 'has no current context',
      text: deferKubeconfig({ currentContext: '' }),
      context: undefined,
      problem: /does not define a cluster for context \(none\)/,
    },
    {
      name: 'lacks the requested context',
      text: deferKubeconfig(),
      context: 'other',
      problem: /does not contain context other; its contexts are: main\./,
    },
    {
      name: 'runs its credential plugin with an old API version',
      text: deferKubeconfig({
        user: { exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'aws' } },
      }),
      context: undefined,
      problem: /runs aws for credentials with client\.authentication\.k8s\.io\/v1alpha1/,
    },
    {
      name: 'has a server without a host',
      text: deferKubeconfig({ cluster: { server: 'https:' } }),
      context: undefined,
      problem: /sets server https:, which is not an https URL/,
    },
    {
      name: 'has a server with plain HTTP',
      text: deferKubeconfig({ cluster: { server: 'http://127.0.0.1:1' } }),
      context: undefined,
      problem: /sets server http:\/\/127\.0\.0\.1:1, which is not an https URL/,
    },
  ])('is rejected when it $name', async ({ text, context, problem }) => {
    const path = join(directory, 'config')
    if (text !== undefined)
      await writeFile(
        path,
        text.startsWith('later:')
          ? createKubeconfig(JSON.parse(text.slice(6)) as KubeconfigOptions)
          : text,
      )
    const error = await captureActionError(() => createKubeconfigConnection([path], context, {}))
    expect([error.code, error.message]).toEqual([
      'kubeconfig-invalid',
      expect.stringMatching(problem),
    ])
    expect(error.message).toContain(`Kubeconfig ${path} `)
    expect(collectErrorText(error)).not.toContain(canary)
  })

  test.each<[string, object]>([
    ['does not exist', { command: 'no-such-credential-plugin' }],
    ['fails', { command: 'false' }],
    ['prints other output', { command: 'echo', args: ['hello'] }],
  ])('is reported instead of a network failure when its credential plugin %s', async (_, exec) => {
    const path = await writeTempFile(
      'config',
      createKubeconfig({
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1beta1',
            interactiveMode: 'Never',
            ...exec,
          },
        },
      }),
    )
    const error = await captureActionError(() =>
      sendRequest(createKubeconfigConnection([path], undefined, {})),
    )
    expect(error.code).toBe('kubeconfig-invalid')
    expect(server.requests).toEqual([])
  })

  test('is not retried when its credentials are rejected', async () => {
    await server.close()
    server = await startStubServer((response) => sendStatus(response, 401, 'Unauthorized'))
    const path = await writeTempFile('config', createKubeconfig())
    expect(
      (
        await captureActionError(() =>
          sendRequest(createKubeconfigConnection([path], undefined, {})),
        )
      ).code,
    ).toBe('cluster-unauthorized')
    expect(server.requests).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toContain('token-1')
  })
})

/** The server's port is known only in a test. */
function deferKubeconfig(options: KubeconfigOptions = {}): string {
  return `later:${JSON.stringify(options)}`
}
