import { expect, test } from '@jest/globals'
import { diffManifests } from '../../../src/clients/helm/manifest-diff.ts'

const createManifest = (kind: string, name: string, extraYaml = ''): string =>
  `---\n# Source: milvus/templates/${kind}.yaml\napiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  labels:\n    helm.sh/chart: milvus-1\n${extraYaml}`

const [serviceManifest, deploymentManifest] = [
  createManifest('Service', 'a', 'spec:\n  type: LoadBalancer\n'),
  createManifest('Deployment', 'b'),
]

test.each<{
  name: string
  before: string
  after: string
  expected: ReturnType<typeof diffManifests>
}>([
  {
    name: 'the same objects in another order',
    before: serviceManifest + deploymentManifest,
    after: deploymentManifest + serviceManifest,
    expected: { added: [], removed: [], changed: [] },
  },
  {
    name: 'an added and a removed object',
    before: serviceManifest,
    after: deploymentManifest,
    expected: { added: ['Deployment b'], removed: ['Service a'], changed: [] },
  },
  {
    name: 'a changed object',
    before: serviceManifest + deploymentManifest,
    after: serviceManifest.replace('LoadBalancer', 'ClusterIP') + deploymentManifest,
    expected: { added: [], removed: [], changed: ['Service a'] },
  },
  {
    name: 'labels and comments that only identify the chart',
    before: serviceManifest,
    after: serviceManifest
      .replace('milvus-1', 'milvus-2')
      .replace('# Source: milvus', '# Source: other'),
    expected: { added: [], removed: [], changed: [] },
  },
  {
    name: 'another indentation, with a quoted name after the labels',
    before: '',
    after:
      '---\nkind: Service\nmetadata:\n    labels:\n        name: not-this\n    name: "a"\nspec:\n  name: nor-this\n',
    expected: { added: ['Service a'], removed: [], changed: [] },
  },
  {
    name: 'empty documents and comments',
    before: '---\n---\n# nothing\n',
    after: '',
    expected: { added: [], removed: [], changed: [] },
  },
  {
    name: 'a manifest inside a ConfigMap',
    before: '',
    after: `---\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  x: |\n    kind: Service\n    ---\n`,
    expected: { added: ['ConfigMap c'], removed: [], changed: [] },
  },
  {
    name: 'no deployed object',
    before: '',
    after: serviceManifest,
    expected: { added: ['Service a'], removed: [], changed: [] },
  },
])('diffManifests: $name', ({ before, after, expected }) => {
  expect(diffManifests(before, after)).toEqual(expected)
})
