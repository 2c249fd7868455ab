import { expect, test } from '@jest/globals'
import { compareManifests } from '../../src/helm/manifest.ts'

const object = (kind: string, name: string, more = ''): string => `---\n# Source: milvus/templates/${kind}.yaml\napiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n  labels:\n    helm.sh/chart: milvus-1\n${more}`

const [service, deployment] = [object('Service', 'a', 'spec:\n  type: LoadBalancer\n'), object('Deployment', 'b')]

test.each<[string, string, string, [added: string[], removed: string[], changed: string[]]]>([
  ['the same', service + deployment, deployment + service, [[], [], []]],
  ['one that goes, one that comes', service, deployment, [['Deployment b'], ['Service a'], []]],
  ['one that changes', service + deployment, service.replace('LoadBalancer', 'ClusterIP') + deployment, [[], [], ['Service a']]],
  ['what says only which chart made it', service, service.replace('milvus-1', 'milvus-2').replace('# Source: milvus', '# Source: other'), [[], [], []]],
  ['another indentation, the name after the labels, in quotes', '', '---\nkind: Service\nmetadata:\n    labels:\n        name: not-this\n    name: "a"\nspec:\n  name: nor-this\n', [['Service a'], [], []]],
  ['empty documents and comments', '---\n---\n# nothing\n', '', [[], [], []]],
  ['a list of kinds inside an object is no object', '', `---\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  x: |\n    kind: Service\n    ---\n`, [['ConfigMap c'], [], []]],
  ['nothing was deployed', '', service, [['Service a'], [], []]],
])('%s', (_, before, after, [added, removed, changed]) => {
  expect(compareManifests(before, after)).toEqual({ added, removed, changed })
})
