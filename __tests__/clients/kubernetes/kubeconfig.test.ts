import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createKubeconfigConnection } from '../../../src/clients/kubernetes/connection.ts'
import { collectErrorText, captureActionError } from '../../capture-error.ts'
import { sendStatus } from './stub-server.ts'
import {
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

describe('an invalid kubeconfig', () => {
  const canary = 'canary-Zm9vYmFy'
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
    await replaceServer((response) => sendStatus(response, 401, 'Unauthorized'))
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
