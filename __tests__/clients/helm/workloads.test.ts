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

test.each<
  [
    string,
    {
      readonly before: string
      readonly after: string
      readonly restarts: readonly string[]
      readonly changed: number
    },
  ]
>([
  [
    'no change',
    {
      before: createWorkload({}),
      after: createWorkload({}),
      restarts: [],
      changed: 0,
    },
  ],
  [
    'a change of another object',
    {
      before: createWorkload({}) + configMap,
      after: createWorkload({}),
      restarts: [],
      changed: 0,
    },
  ],
  [
    'another image',
    {
      before: createWorkload({}),
      after: createWorkload({ image: 'b' }),
      restarts: ['Deployment x: its pods, a few at a time, new ones first'],
      changed: 1,
    },
  ],
  [
    'a workload with one pod',
    {
      before: createWorkload({ replicas: 1 }),
      after: createWorkload({ replicas: 1, image: 'b' }),
      restarts: ['Deployment x: 1 pod'],
      changed: 1,
    },
  ],
  [
    'a workload that replaces all pods at once',
    {
      before: createWorkload({ replicas: 2, strategy: 'Recreate' }),
      after: createWorkload({ replicas: 2, strategy: 'Recreate', image: 'b' }),
      restarts: ['Deployment x: 2 pods, all at once'],
      changed: 1,
    },
  ],
  [
    'a StatefulSet',
    {
      before: createWorkload({ kind: 'StatefulSet', replicas: 3 }),
      after: createWorkload({ kind: 'StatefulSet', replicas: 3, image: 'b' }),
      restarts: ['StatefulSet x: 3 pods, one after the other'],
      changed: 1,
    },
  ],
  [
    'a DaemonSet',
    {
      before: createWorkload({ kind: 'DaemonSet' }),
      after: createWorkload({ kind: 'DaemonSet', image: 'b' }),
      restarts: ['DaemonSet x: its pods, one after the other'],
      changed: 1,
    },
  ],
  [
    'a StatefulSet with strategy OnDelete',
    {
      before: createWorkload({ kind: 'StatefulSet', strategy: 'OnDelete' }),
      after: createWorkload({ kind: 'StatefulSet', strategy: 'OnDelete', image: 'b' }),
      restarts: [],
      changed: 1,
    },
  ],
  [
    'more replicas',
    {
      before: createWorkload({ replicas: 1 }),
      after: createWorkload({ replicas: 2 }),
      restarts: [],
      changed: 1,
    },
  ],
  [
    'a workload without pods',
    {
      before: createWorkload({ replicas: 0 }),
      after: createWorkload({ replicas: 0, image: 'b' }),
      restarts: [],
      changed: 1,
    },
  ],
  [
    'a new workload',
    {
      before: configMap,
      after: createWorkload({}),
      restarts: [],
      changed: 1,
    },
  ],
  [
    'a removed workload',
    {
      before: createWorkload({}),
      after: configMap,
      restarts: [],
      changed: 0,
    },
  ],
  [
    'a document that is not YAML',
    {
      before: `${createWorkload({})}---\nkind: X\n\t- a`,
      after: createWorkload({ image: 'b' }),
      restarts: ['Deployment x: its pods, a few at a time, new ones first'],
      changed: 1,
    },
  ],
])(
  'finds changed and restarted workloads: %s',
  (_name, { before, after, restarts: expectedRestarts, changed: expectedChanges }) => {
    expect(findRestartedWorkloads(before, after).map(describeRestart)).toEqual(expectedRestarts)
    expect(findChangedWorkloads(before, after)).toHaveLength(expectedChanges)
  },
)

test('findServiceSelector returns the selector of a Service, or undefined', () => {
  const manifest = '---\nkind: Service\nmetadata:\n  name: s\nspec:\n  selector:\n    app: x\n'
  expect(findServiceSelector(manifest, 's')).toEqual({ app: 'x' })
  expect(findServiceSelector(manifest, 'other')).toBeUndefined()
})

test.each<[name: string, manifest: string, restarted: string[]]>([
  [
    'etcd as an installation renders it',
    createWorkload({ kind: 'StatefulSet', replicas: 3, clusterState: 'new' }),
    ['StatefulSet x: 3 pods, one after the other'],
  ],
  [
    'etcd as an upgrade renders it',
    createWorkload({ kind: 'StatefulSet', replicas: 3, clusterState: 'existing' }),
    [],
  ],
  [
    'etcd without pods',
    createWorkload({ kind: 'StatefulSet', replicas: 0, clusterState: 'new' }),
    [],
  ],
  ['other objects', createWorkload({}) + configMap, []],
])('findRestartedByFirstUpgrade: %s', (_name, manifest, expectedRestarts) => {
  expect(findRestartedByFirstUpgrade(manifest).map(describeRestart)).toEqual(expectedRestarts)
})
