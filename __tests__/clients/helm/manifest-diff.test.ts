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
    'the same',
    serviceManifest + deploymentManifest,
    deploymentManifest + serviceManifest,
    [[], [], []],
  ],
  [
    'one that goes, one that comes',
    serviceManifest,
    deploymentManifest,
    [['Deployment b'], ['Service a'], []],
  ],
  [
    'one that changes',
    serviceManifest + deploymentManifest,
    serviceManifest.replace('LoadBalancer', 'ClusterIP') + deploymentManifest,
    [[], [], ['Service a']],
  ],
  [
    'what says only which chart made it',
    serviceManifest,
    serviceManifest.replace('milvus-1', 'milvus-2').replace('# Source: milvus', '# Source: other'),
    [[], [], []],
  ],
  [
    'another indentation, the name after the labels, in quotes',
    '',
    '---\nkind: Service\nmetadata:\n    labels:\n        name: not-this\n    name: "a"\nspec:\n  name: nor-this\n',
    [['Service a'], [], []],
  ],
  ['empty documents and comments', '---\n---\n# nothing\n', '', [[], [], []]],
  [
    'a list of kinds inside an object is no object',
    '',
    `---\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  x: |\n    kind: Service\n    ---\n`,
    [['ConfigMap c'], [], []],
  ],
  ['nothing was deployed', '', serviceManifest, [['Service a'], [], []]],
])('%s', (_, before, after, [added, removed, changed]) => {
  expect(diffManifests(before, after)).toEqual({ added, removed, changed })
})
