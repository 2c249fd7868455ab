/** The content of a file in place of its path. */
import { describe, expect, test } from '@jest/globals'
import { parseFilePath, findMisplacedSecrets } from '../../src/inputs/file-paths.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'
import { captureInputError, issued, minimalInputs, regionEnv } from './read-inputs.ts'

const token = 'canary-Zm9vYmFy'
const kubeconfig = `apiVersion: v1
kind: Config
users:
  - name: admin
    user:
      token: ${token}
      client-key-data: canary-a2V5
`
const json = JSON.stringify({ apiVersion: 'v1', users: [{ name: 'a', user: { token } }] })
const encoded = Buffer.from(kubeconfig).toString('base64')

describe('the content of a file', () => {
  test.each<{ name: string; text: string; secrets: string[] }>([
    { name: 'YAML', text: kubeconfig, secrets: [token, 'canary-a2V5'] },
    { name: 'CRLF', text: kubeconfig.replaceAll('\n', '\r\n'), secrets: [token, 'canary-a2V5'] },
    { name: 'JSON on one line', text: json, secrets: [token] },
    { name: 'base64', text: encoded, secrets: [token, 'canary-a2V5', encoded] },
    { name: 'lines without a key', text: 'hunter2\nhunter3', secrets: ['hunter2\nhunter3'] },
    {
      name: 'PEM',
      text: issued.privateKey,
      secrets: issued.privateKey.split('\n').filter((line) => /^[\w+/=]{32,}$/.test(line)),
    },
  ])('is rejected without a quote, and its secrets are found: $name', ({ text, secrets }) => {
    const { message, remedy } = captureInvalidInput(parseFilePath, text)
    expect(message).toBe('contains the content of a file, where its path is expected.')
    expect(remedy).toMatch(/^Write the content to a file/)
    expect(findMisplacedSecrets(text)).toEqual(secrets)
  })

  test.each(['kubeconfig', 'chart'] as const)('is rejected in input %s', (name) => {
    const error = captureInputError({ ...minimalInputs, cluster: '', [name]: kubeconfig })
    expect(error.allErrors.map(({ message }) => message)).toContain(
      `Input ${name} contains the content of a file, where its path is expected.`,
    )
    expect(error.allErrors.map(({ message }) => message).join()).not.toContain(token)
  })

  test.each(['KUBECONFIG', 'AWS_CA_BUNDLE'])('is rejected in variable %s', (variable) => {
    const error = captureInputError(
      { ...minimalInputs, cluster: '' },
      { ...regionEnv, KUBECONFIG: '/c', [variable]: json },
    )
    expect(error.allErrors.map(({ message }) => message)).toEqual([
      `The environment variable ${variable} contains the content of a file, where its path is expected.`,
    ])
  })

  test('is not quoted if a context has several lines', () => {
    const error = captureInputError({
      ...minimalInputs,
      cluster: '',
      kubeconfig: '/c',
      context: 'a\nb',
    })
    expect(error.message).toBe('Input context contains more than one line.')
  })
})

test.each([
  '/home/runner/.kube/config',
  '/a/config:/b/config',
  'C:\\Users\\runner\\.kube\\config',
  'examples/kubernetes/clusters/production/kubeconfig',
  'oci://registry.example.com/charts/milvus@sha256:0a1b2c3d',
])('accepts the path %s, which contains no secret', (path) => {
  expect(parseFilePath(path)).toBe(path)
  expect(findMisplacedSecrets(path)).toEqual([])
})
