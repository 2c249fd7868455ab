/** What the environment beside the inputs sets. */
import { describe, expect, test } from '@jest/globals'
import { rejectUnknownInput, extractInputs } from '../../src/inputs/environment.ts'
import type { Settings } from '../../src/inputs/types.ts'
import { minimalInputsFor, readInputs, regionEnv, type Inputs } from './read-inputs.ts'

test('takes the inputs of a process out of its environment, known or not', () => {
  const env: NodeJS.ProcessEnv = {
    PATH: '/bin',
    'INPUT_PRIVATE-KEY': 'canary',
    INPUT_NAMESPACE: ' vectors\n',
    INPUT_DRY_RUN: 'true',
    INPUT_EMPTY: '',
  }
  const { texts, unknownNames } = extractInputs(env)
  expect(texts).toMatchObject({ namespace: 'vectors', 'private-key': 'canary', host: '' })
  expect(unknownNames).toEqual(['dry_run'])
  expect(env).toEqual({ PATH: '/bin' })
})

test.each<{ name: string; suggestion: string | undefined }>([
  { name: 'dry_run', suggestion: 'dry-run' },
  { name: 'dryrun', suggestion: 'dry-run' },
  { name: 'certifcate', suggestion: 'certificate' },
  { name: 'allowed_account_id', suggestion: 'allowed-account-ids' },
  { name: 'inbound cidr', suggestion: 'inbound-cidrs' },
  { name: 'foo', suggestion: undefined },
  { name: 'github_token', suggestion: undefined },
])('rejects input $name, and suggests $suggestion', ({ name, suggestion }) => {
  const { code, message, remedy } = rejectUnknownInput(name)
  expect([code, message]).toEqual(['input-invalid', `Input ${name} does not exist.`])
  expect(remedy).toMatch(suggestion ? `Did you mean ${suggestion}?` : /^Remove it: README/)
})

describe('environment variables', () => {
  test.each<{
    name: string
    inputs: Inputs
    env: Record<string, string>
    expected: Partial<Settings>
  }>([
    {
      name: 'AWS_DEFAULT_REGION',
      inputs: {},
      env: { AWS_DEFAULT_REGION: 'eu-west-1' },
      expected: { region: 'eu-west-1' },
    },
    {
      name: 'AWS_REGION over AWS_DEFAULT_REGION',
      inputs: {},
      env: { AWS_REGION: 'us-west-2', AWS_DEFAULT_REGION: 'eu-west-1' },
      expected: { region: 'us-west-2' },
    },
    {
      name: 'an empty AWS_REGION',
      inputs: {},
      env: { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' },
      expected: { region: 'eu-west-1' },
    },
    {
      name: 'the region input over AWS_REGION',
      inputs: { region: 'sa-east-1' },
      env: regionEnv,
      expected: { region: 'sa-east-1' },
    },
    {
      name: 'KUBECONFIG with two files',
      inputs: { cluster: '' },
      env: { ...regionEnv, KUBECONFIG: '/a:/b:' },
      expected: { clusterAccess: { kind: 'kubeconfig', paths: ['/a', '/b'], context: undefined } },
    },
    {
      name: 'the cluster input over KUBECONFIG',
      inputs: {},
      env: { ...regionEnv, KUBECONFIG: '/a' },
      expected: { clusterAccess: { kind: 'eks', cluster: 'production' } },
    },
    {
      name: 'the kubeconfig input over KUBECONFIG',
      inputs: { cluster: '', kubeconfig: '/c', context: 'x' },
      env: { ...regionEnv, KUBECONFIG: '/a' },
      expected: { clusterAccess: { kind: 'kubeconfig', paths: ['/c'], context: 'x' } },
    },
    {
      name: 'HELM_DRIVER=configmap',
      inputs: {},
      env: { ...regionEnv, HELM_DRIVER: 'configmap' },
      expected: { helmStorage: 'ConfigMap' },
    },
    {
      name: 'HELM_DRIVER=secret',
      inputs: {},
      env: { ...regionEnv, HELM_DRIVER: 'secret' },
      expected: { helmStorage: 'Secret' },
    },
    {
      name: 'HELM_DRIVER=sql without a release',
      inputs: { service: 'milvus' },
      env: { ...regionEnv, HELM_DRIVER: 'sql' },
      expected: { helmStorage: 'Secret' },
    },
  ])('$name', ({ inputs, env, expected }) => {
    expect(
      readInputs({ ...minimalInputsFor(expected.region ?? 'us-east-2'), ...inputs }, env),
    ).toMatchObject(expected)
  })
})
