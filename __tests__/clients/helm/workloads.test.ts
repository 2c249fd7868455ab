import { expect, test } from '@jest/globals'
import {
  findChangedWorkloads,
  findRestartedByFirstUpgrade,
  findRestartedWorkloads,
  describeRestart,
  findServiceSelector,
} from '../../../src/clients/helm/workloads.ts'

interface WorkloadOptions {
  readonly kind?: string
  readonly replicas?: number
  readonly strategy?: string
  readonly image?: string
  readonly clusterState?: string
}

/** One workload as YAML. */
function createWorkload({
  kind = 'Deployment',
  replicas,
  strategy,
  image = 'a',
  clusterState,
}: WorkloadOptions): string {
  const lines = [
    '---',
    '# Source: chart/x.yaml',
    'apiVersion: apps/v1',
    `kind: ${kind}`,
    'metadata:',
    '  name: x',
    'spec:',
    ...(replicas === undefined ? [] : [`  replicas: ${replicas}`]),
    ...(strategy === undefined
      ? []
      : [`  ${kind === 'Deployment' ? 'strategy' : 'updateStrategy'}:`, `    type: ${strategy}`]),
    '  template:',
    '    metadata:',
    '      labels:',
    '        app: x',
    '    spec:',
    '      containers:',
    `        - image: ${image}`,
    ...(clusterState === undefined
      ? []
      : [
          '          env:',
          '            - name: ETCD_INITIAL_CLUSTER_STATE',
          `              value: ${clusterState}`,
        ]),
  ]
  return `${lines.join('\n')}\n`
}

const configMap = '---\nkind: ConfigMap\nmetadata:\n  name: c\n'

test.each<[name: string, before: string, after: string, restarted: string[], changed: number]>([
  ['nothing', createWorkload({}), createWorkload({}), [], 0],
  ['another object', createWorkload({}) + configMap, createWorkload({}), [], 0],
  [
    'another image',
    createWorkload({}),
    createWorkload({ image: 'b' }),
    ['Deployment x: its pods, a few at a time, new ones first'],
    1,
  ],
  [
    'one pod',
    createWorkload({ replicas: 1 }),
    createWorkload({ replicas: 1, image: 'b' }),
    ['Deployment x: 1 pod'],
    1,
  ],
  [
    'all pods at once',
    createWorkload({ replicas: 2, strategy: 'Recreate' }),
    createWorkload({ replicas: 2, strategy: 'Recreate', image: 'b' }),
    ['Deployment x: 2 pods, all at once'],
    1,
  ],
  [
    'a StatefulSet',
    createWorkload({ kind: 'StatefulSet', replicas: 3 }),
    createWorkload({ kind: 'StatefulSet', replicas: 3, image: 'b' }),
    ['StatefulSet x: 3 pods, one after the other'],
    1,
  ],
  [
    'a DaemonSet',
    createWorkload({ kind: 'DaemonSet' }),
    createWorkload({ kind: 'DaemonSet', image: 'b' }),
    ['DaemonSet x: its pods, one after the other'],
    1,
  ],
  [
    'a StatefulSet that is left to people',
    createWorkload({ kind: 'StatefulSet', strategy: 'OnDelete' }),
    createWorkload({ kind: 'StatefulSet', strategy: 'OnDelete', image: 'b' }),
    [],
    1,
  ],
  [
    'more pods restart none',
    createWorkload({ replicas: 1 }),
    createWorkload({ replicas: 2 }),
    [],
    1,
  ],
  ['no pods', createWorkload({ replicas: 0 }), createWorkload({ replicas: 0, image: 'b' }), [], 1],
  ['a new workload', configMap, createWorkload({}), [], 1],
  ['a workload that goes', createWorkload({}), configMap, [], 0],
  [
    'a document that is no YAML',
    `${createWorkload({})}---\nkind: X\n\t- a`,
    createWorkload({ image: 'b' }),
    ['Deployment x: its pods, a few at a time, new ones first'],
    1,
  ],
])('%s', (_name, before, after, expectedRestarts, expectedChanges) => {
  expect(findRestartedWorkloads(before, after).map(describeRestart)).toEqual(expectedRestarts)
  expect(findChangedWorkloads(before, after)).toHaveLength(expectedChanges)
})

test('the labels by which a Service selects its pods', () => {
  const manifest = '---\nkind: Service\nmetadata:\n  name: s\nspec:\n  selector:\n    app: x\n'
  expect(findServiceSelector(manifest, 's')).toEqual({ app: 'x' })
  expect(findServiceSelector(manifest, 'other')).toBeUndefined()
})

test.each<[name: string, manifest: string, restarted: string[]]>([
  [
    'etcd as an installation makes it',
    createWorkload({ kind: 'StatefulSet', replicas: 3, clusterState: 'new' }),
    ['StatefulSet x: 3 pods, one after the other'],
  ],
  [
    'etcd as an upgrade makes it',
    createWorkload({ kind: 'StatefulSet', replicas: 3, clusterState: 'existing' }),
    [],
  ],
  [
    'etcd without pods',
    createWorkload({ kind: 'StatefulSet', replicas: 0, clusterState: 'new' }),
    [],
  ],
  ['anything else', createWorkload({}) + configMap, []],
])('restarted by the first upgrade: %s', (_name, manifest, expectedRestarts) => {
  expect(findRestartedByFirstUpgrade(manifest).map(describeRestart)).toEqual(expectedRestarts)
})
