import { expect, test } from '@jest/globals'
import { diffManifests } from '../../../src/clients/helm/manifest-diff.ts'

const createManifest = (kind: string, name: string, extraYaml = ''): string =>
  `---\n# Source: milvus/templates/${kind}.yaml\napiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  labels:\n    helm.sh/chart: milvus-1\n${extraYaml}`

const [serviceManifest, deploymentManifest] = [
  createManifest('Service', 'a', 'spec:\n  type: LoadBalancer\n'),
  createManifest('Deployment', 'b'),
]

test.each<[string, string, string, [added: string[], removed: string[], changed: string[]]]>([
  [
    'the same objects in another order',
    serviceManifest + deploymentManifest,
    deploymentManifest + serviceManifest,
    [[], [], []],
  ],
  [
    'an added and a removed object',
    serviceManifest,
    deploymentManifest,
    [['Deployment b'], ['Service a'], []],
  ],
  [
    'a changed object',
    serviceManifest + deploymentManifest,
    serviceManifest.replace('LoadBalancer', 'ClusterIP') + deploymentManifest,
    [[], [], ['Service a']],
  ],
  [
    'labels and comments that only identify the chart',
    serviceManifest,
    serviceManifest.replace('milvus-1', 'milvus-2').replace('# Source: milvus', '# Source: other'),
    [[], [], []],
  ],
  [
    'another indentation, with a quoted name after the labels',
    '',
    '---\nkind: Service\nmetadata:\n    labels:\n        name: not-this\n    name: "a"\nspec:\n  name: nor-this\n',
    [['Service a'], [], []],
  ],
  ['empty documents and comments', '---\n---\n# nothing\n', '', [[], [], []]],
  [
    'a manifest inside a ConfigMap',
    '',
    `---\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  x: |\n    kind: Service\n    ---\n`,
    [['ConfigMap c'], [], []],
  ],
  ['no deployed object', '', serviceManifest, [['Service a'], [], []]],
])('diffManifests: %s', (_, before, after, [added, removed, changed]) => {
  expect(diffManifests(before, after)).toEqual({ added, removed, changed })
})
