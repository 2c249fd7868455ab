/** Paths in the reusable workflows, whose jobs do not check out the caller's repository. */
import { expect, test } from '@jest/globals'
import { readTargets, readWorkflowTarget } from '../../src/fleet/plan/targets.ts'
import {
  captureInputError,
  formatProblems,
  minimalInputs,
  readInputs,
  regionEnv,
  type Inputs,
} from './read-inputs.ts'

const env = { ...regionEnv, MILVUS_ALB_WITHOUT_CHECKOUT: 'true' }
const kubeconfigInputs: Inputs = { ...minimalInputs, cluster: '' }
const problemOf = (input: string, path: string): string =>
  `Input ${input} is the relative path ${path}, but the jobs of a reusable workflow do not check out your repository.`

test.each<{ name: string; inputs: Inputs; input: string; path: string }>([
  {
    name: 'a chart in a directory',
    inputs: { ...minimalInputs, chart: './charts/milvus' },
    input: 'chart',
    path: './charts/milvus',
  },
  {
    name: 'a chart in a deep directory, which no repository on the runner can contain',
    inputs: { ...minimalInputs, chart: 'charts/team/milvus' },
    input: 'chart',
    path: 'charts/team/milvus',
  },
  {
    name: 'a chart in a directory with a slash at its end',
    inputs: { ...minimalInputs, chart: 'charts/milvus/' },
    input: 'chart',
    path: 'charts/milvus/',
  },
  {
    name: 'a packaged chart',
    inputs: { ...minimalInputs, chart: 'milvus-5.0.19.tgz' },
    input: 'chart',
    path: 'milvus-5.0.19.tgz',
  },
  {
    name: 'one of several kubeconfigs',
    inputs: { ...kubeconfigInputs, kubeconfig: '/etc/kubeconfig:.kube/config' },
    input: 'kubeconfig',
    path: '.kube/config',
  },
])('rejects $name', ({ inputs, input, path }) => {
  const error = captureInputError(inputs, env)
  expect(formatProblems(error)).toEqual([`input-invalid: ${problemOf(input, path)}`])
  expect(() => readInputs(inputs)).not.toThrow()
})

test.each<{ name: string; inputs: Inputs }>([
  { name: 'a chart of the repository', inputs: minimalInputs },
  {
    name: 'a chart of a registry',
    inputs: { ...minimalInputs, chart: 'oci://r.example.com/milvus' },
  },
  {
    name: 'a chart of a repository on the runner',
    inputs: { ...minimalInputs, chart: 'a/milvus' },
  },
  { name: 'an absolute path of a chart', inputs: { ...minimalInputs, chart: '/opt/milvus.tgz' } },
  { name: 'an absolute kubeconfig', inputs: { ...kubeconfigInputs, kubeconfig: '/etc/a:/etc/b' } },
])('accepts $name', ({ inputs }) => {
  expect(() => readInputs(inputs, env)).not.toThrow()
})

test('fleet/plan rejects them before any job starts', () => {
  const target = { region: 'us-east-2', host: 'milvus.example.com', kubeconfig: 'config' }
  const problems = [expect.stringContaining(problemOf('kubeconfig', 'config'))]
  const file = JSON.stringify({ targets: [{ name: 'a', environment: 'e', ...target }] })
  expect(readTargets(file, env)).toEqual({ problems })
  expect(readWorkflowTarget(JSON.stringify(target), env)).toEqual({ problems })
  expect(readTargets(file)).toHaveProperty('targets')
})
