import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../../src/util/polling.ts'
import { isRunning, listProcessTree } from '../../../testing/process-tree.ts'
import { waitUntil } from '../../../testing/wait.ts'
import { collectErrorText, captureActionError } from '../../capture-error.ts'
import { sendJson, sendStatus } from './stub-server.ts'
import {
  connect,
  directory,
  replaceServer,
  server,
  createKubeconfig,
  writeTempFile,
  sendRequest,
  startServer,
  stopServer,
} from './kubeconfig-fixture.ts'

beforeEach(startServer)
afterEach(stopServer)

const canary = 'canary-Zm9vYmFy'

describe('an invalid kubeconfig', () => {
  test.each<{
    name: string
    /** A function where it contains the server's port, which is known only in a test. */
    text: string | (() => string) | undefined
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
      text: () => createKubeconfig({ currentContext: '' }),
      context: undefined,
      problem: /does not define a cluster for context \(none\)/,
    },
    {
      name: 'lacks the requested context',
      text: () => createKubeconfig(),
      context: 'other',
      problem: /does not contain context other; its contexts are: main\./,
    },
    {
      name: 'runs its credential plugin with an old API version',
      text: () =>
        createKubeconfig({
          user: { exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'aws' } },
        }),
      context: undefined,
      problem: /runs aws for credentials with client\.authentication\.k8s\.io\/v1alpha1/,
    },
    {
      name: 'has a server without a host',
      text: () => createKubeconfig({ cluster: { server: 'https:' } }),
      context: undefined,
      problem: /sets server https:, which is not an https URL/,
    },
    {
      name: 'has a server with plain HTTP',
      text: () => createKubeconfig({ cluster: { server: 'http://127.0.0.1:1' } }),
      context: undefined,
      problem: /sets server http:\/\/127\.0\.0\.1:1, which is not an https URL/,
    },
  ])('is rejected when it $name', async ({ text, context, problem }) => {
    const path = join(directory, 'config')
    if (text !== undefined) await writeFile(path, typeof text === 'string' ? text : text())
    const error = await captureActionError(() => connect([path], context))
    expect([error.code, error.message]).toEqual([
      'kubeconfig-invalid',
      expect.stringMatching(problem),
    ])
    expect(error.message).toContain(`Kubeconfig ${path} `)
    expect(collectErrorText(error)).not.toContain(canary)
  })

  test.each<[string, object, string]>([
    ['does not exist', { command: 'no-such-credential-plugin' }, 'ENOENT'],
    ['fails', { command: 'false' }, 'it ended with exit code 1'],
    ['prints other output', { command: 'echo', args: [canary] }, 'it does not print JSON'],
    [
      'prints a credential that is cut',
      { command: 'echo', args: [`{"status": {"token": "${canary}`] },
      'it does not print JSON',
    ],
    ['prints no credential', { command: 'echo', args: ['{"status": {}}'] }, 'without a token'],
  ])(
    'is reported instead of a network failure when its credential plugin %s',
    async (_, exec, reason) => {
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
      const error = await captureActionError(() => sendRequest(connect([path])))
      expect(error.code).toBe('kubeconfig-invalid')
      expect(error.message).toContain(reason)
      expect(collectErrorText(error)).not.toContain(canary)
      expect(server.requests).toEqual([])
    },
  )

  test.each([
    ['sleeps', 'sleep 600'],
    ['leaves its work to another program', 'sleep 600 & wait'],
    ['prints without an end', 'while :; do echo ....................; done'],
  ])('is stopped, with all that it started, when its credential plugin %s', async (_, script) => {
    const pidFile = join(directory, 'pid')
    const command = await writeTempFile('plugin', `#!/bin/sh\necho $$ > ${pidFile}\n${script}\n`)
    await chmod(command, 0o755)
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command }
    const path = await writeTempFile('config', createKubeconfig({ user: { exec } }))
    let pids: number[] = []
    const clock: Clock = {
      now: () => Date.now(),
      sleep: async (_ms, signal) => {
        await waitUntil(async () => (await readFile(pidFile, 'utf8')) !== '')
        pids = listProcessTree(Number(await readFile(pidFile, 'utf8')))
        if (script.startsWith('while')) await systemClock.sleep(60_000, signal)
      },
    }
    const error = await captureActionError(() => sendRequest(connect([path], undefined, { clock })))
    expect(error.code).toBe('kubeconfig-invalid')
    expect(`${error.message} ${error.remedy}`).toContain(command)
    expect(pids.length).toBeGreaterThan(0)
    await waitUntil(() => Promise.resolve(!pids.some(isRunning)))
  })

  test('gives its credential plugin no standard input', async () => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'cat' }
    const path = await writeTempFile('config', createKubeconfig({ user: { exec } }))
    const error = await captureActionError(() => sendRequest(connect([path])))
    expect(error.message).toContain('it does not print JSON')
  })

  /** A credential plugin with a path relative to the kubeconfig. Its tokens count its runs. */
  async function writeCountingPlugin(status: object = {}): Promise<string> {
    const runs = join(directory, 'runs')
    const credential = JSON.stringify({ status: { token: 'token-RUN', ...status } })
    const script =
      `#!/bin/sh\necho run >> ${runs}\n` +
      `echo '${credential}' | sed "s/RUN/$(wc -l < ${runs} | tr -d ' ')/"\n`
    await chmod(await writeTempFile('count.sh', script), 0o755)
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: './count.sh' }
    return writeTempFile('config', createKubeconfig({ user: { exec } }))
  }
  const listTokens = (): (string | undefined)[] =>
    server.requests.map(({ headers }) => headers.authorization)

  test('runs its credential plugin once for simultaneous requests', async () => {
    const connection = connect([await writeCountingPlugin()])
    await Promise.all([1, 2, 3].map(() => sendRequest(connection)))
    await sendRequest(connection)
    expect(listTokens()).toEqual(Array.from({ length: 4 }, () => 'Bearer token-1'))
  })

  test('runs its credential plugin again when the credential has expired', async () => {
    const path = await writeCountingPlugin({ expirationTimestamp: '2020-01-01T00:00:00Z' })
    const connection = connect([path])
    await sendRequest(connection)
    await sendRequest(connection)
    expect(listTokens()).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('runs its credential plugin again when the credential is rejected', async () => {
    await replaceServer((response, index) =>
      index === 0
        ? sendStatus(response, 401, 'Unauthorized')
        : sendJson(response, { metadata: {} }),
    )
    const connection = connect([await writeCountingPlugin()])
    await sendRequest(connection)
    expect(listTokens()).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('is not retried when its credentials are rejected', async () => {
    await replaceServer((response) => sendStatus(response, 401, 'Unauthorized'))
    const path = await writeTempFile('config', createKubeconfig())
    expect((await captureActionError(() => sendRequest(connect([path])))).code).toBe(
      'cluster-unauthorized',
    )
    expect(server.requests).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toContain('token-1')
  })
})
