import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import https from 'node:https'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { sendJson } from './stub-server.ts'
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

const basicAuthorization = `Basic ${Buffer.from('me:secret').toString('base64')}`

/** A credential plugin that prints this status. */
const execPlugin = (status: object): object => ({
  apiVersion: 'client.authentication.k8s.io/v1',
  command: 'echo',
  args: [JSON.stringify({ kind: 'ExecCredential', status })],
  interactiveMode: 'Never',
})

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
      name: 'a token file with a final newline',
      user: async () => ({ tokenFile: await writeTempFile('token', 'token-2\n') }),
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
    expect((await sendRequest(connect([path]))).headers.authorization).toBe(authorization)
  })

  const masked = (secrets: string[]) => ({ maskSecret: (secret: string) => secrets.push(secret) })

  test.each<{ name: string; user: object; cluster?: object; expected: string[] }>([
    { name: 'a token', user: { token: 'token-1' }, expected: ['Bearer token-1', 'token-1'] },
    {
      name: 'a password',
      user: { username: 'me', password: 'secret' },
      expected: ['me:secret', 'secret'],
    },
    {
      name: 'what a credential plugin prints',
      user: { exec: execPlugin({ token: 'token-3' }) },
      expected: ['Bearer token-3', 'token-3'],
    },
  ])('are masked: $name', async ({ user, expected }) => {
    const secrets: string[] = []
    const path = await writeTempFile('config', createKubeconfig({ user }))
    const connection = connect([path], undefined, masked(secrets))
    await sendRequest(connection)
    await sendRequest(connection)
    expect(secrets).toEqual(expected)
  })

  test('are masked: the key of a client certificate, and passwords in the URLs of a cluster', async () => {
    const { privateKey, fullchain } = await (
      await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1', name: 'Clients' })
    ).issue({ hosts: [], keyAlgorithm: 'EC_prime256v1' })
    const secrets: string[] = []
    const path = await writeTempFile(
      'config',
      createKubeconfig({
        cluster: {
          server: 'https://me:hunter2@127.0.0.1',
          'proxy-url': 'http://me:hunter3@127.0.0.1:1',
        },
        user: {
          'client-certificate-data': Buffer.from(fullchain).toString('base64'),
          'client-key-data': Buffer.from(privateKey).toString('base64'),
        },
      }),
    )
    const connection = connect([path], undefined, masked(secrets))
    await connection.options().catch(() => undefined)
    expect(secrets).toEqual(['hunter2', 'hunter3', privateKey])
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
    let subject = ''
    await replaceServer((response, _, incomingMessage) => {
      if (incomingMessage.socket instanceof TLSSocket)
        subject = String(incomingMessage.socket.getPeerCertificate().subject.CN)
      sendJson(response, {})
    }, authority.root)
    const user = {
      'client-certificate-data': Buffer.from(clientCertificate.fullchain).toString('base64'),
      'client-key-data': Buffer.from(clientCertificate.privateKey).toString('base64'),
    }
    await sendRequest(connect([await writeTempFile('config', createKubeconfig({ user }))]))
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
    expect((await sendRequest(connect([path]))).method).toBe('GET')
  })

  test('supports YAML and tls-server-name', async () => {
    const text = `apiVersion: v1\nkind: Config\ncurrent-context: main\ncontexts: [{name: main, context: {cluster: main, user: main}}]\nusers: [{name: main, user: {token: token-1}}]\nclusters:\n- name: main\n  cluster:\n    server: ${server.url}\n    tls-server-name: localhost\n    certificate-authority-data: ${Buffer.from(server.ca).toString('base64')}\n`
    expect(
      (await sendRequest(connect([await writeTempFile('config', text)]))).headers.authorization,
    ).toBe('Bearer token-1')
  })

  test('keeps one connection for several requests', async () => {
    const connection = connect([await writeTempFile('config', createKubeconfig())])
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
    expect((await sendRequest(connect(paths, 'two'))).headers.authorization).toBe('Bearer two')
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
    expect((await sendRequest(connect(await paths()))).headers.authorization).toBe('Bearer one')
  })
})
