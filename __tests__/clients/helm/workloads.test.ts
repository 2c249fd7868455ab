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

test.each<{
  readonly name: string

  readonly before: string
  readonly after: string
  readonly restarts: readonly string[]
  readonly changed: number
}>([
  {
    name: 'no change',
    before: createWorkload({}),
    after: createWorkload({}),
    restarts: [],
    changed: 0,
  },
  {
    name: 'a change of another object',
    before: createWorkload({}) + configMap,
    after: createWorkload({}),
    restarts: [],
    changed: 0,
  },
  {
    name: 'another image',
    before: createWorkload({}),
    after: createWorkload({ image: 'b' }),
    restarts: ['Deployment x: its pods, a few at a time, new ones first'],
    changed: 1,
  },
  {
    name: 'a workload with one pod',
    before: createWorkload({ replicas: 1 }),
    after: createWorkload({ replicas: 1, image: 'b' }),
    restarts: ['Deployment x: 1 pod'],
    changed: 1,
  },
  {
    name: 'a workload that replaces all pods at once',
    before: createWorkload({ replicas: 2, strategy: 'Recreate' }),
    after: createWorkload({ replicas: 2, strategy: 'Recreate', image: 'b' }),
    restarts: ['Deployment x: 2 pods, all at once'],
    changed: 1,
  },
  {
    name: 'a StatefulSet',
    before: createWorkload({ kind: 'StatefulSet', replicas: 3 }),
    after: createWorkload({ kind: 'StatefulSet', replicas: 3, image: 'b' }),
    restarts: ['StatefulSet x: 3 pods, one after the other'],
    changed: 1,
  },
  {
    name: 'a DaemonSet',
    before: createWorkload({ kind: 'DaemonSet' }),
    after: createWorkload({ kind: 'DaemonSet', image: 'b' }),
    restarts: ['DaemonSet x: its pods, one after the other'],
    changed: 1,
  },
  {
    name: 'a StatefulSet with strategy OnDelete',
    before: createWorkload({ kind: 'StatefulSet', strategy: 'OnDelete' }),
    after: createWorkload({ kind: 'StatefulSet', strategy: 'OnDelete', image: 'b' }),
    restarts: [],
    changed: 1,
  },
  {
    name: 'more replicas',
    before: createWorkload({ replicas: 1 }),
    after: createWorkload({ replicas: 2 }),
    restarts: [],
    changed: 1,
  },
  {
    name: 'a workload without pods',
    before: createWorkload({ replicas: 0 }),
    after: createWorkload({ replicas: 0, image: 'b' }),
    restarts: [],
    changed: 1,
  },
  {
    name: 'a new workload',
    before: configMap,
    after: createWorkload({}),
    restarts: [],
    changed: 1,
  },
  {
    name: 'a removed workload',
    before: createWorkload({}),
    after: configMap,
    restarts: [],
    changed: 0,
  },
  {
    name: 'a document that is not YAML',
    before: `${createWorkload({})}---\nkind: X\n\t- a`,
    after: createWorkload({ image: 'b' }),
    restarts: ['Deployment x: its pods, a few at a time, new ones first'],
    changed: 1,
  },
])(
  'finds changed and restarted workloads: $name',
  ({ before, after, restarts: expectedRestarts, changed: expectedChanges }) => {
    expect(findRestartedWorkloads(before, after).map(describeRestart)).toEqual(expectedRestarts)
    expect(findChangedWorkloads(before, after)).toHaveLength(expectedChanges)
  },
)

test('findServiceSelector returns the selector of a Service, or undefined', () => {
  const manifest = '---\nkind: Service\nmetadata:\n  name: s\nspec:\n  selector:\n    app: x\n'
  expect(findServiceSelector(manifest, 's')).toEqual({ app: 'x' })
  expect(findServiceSelector(manifest, 'other')).toBeUndefined()
})

test.each<{ name: string; manifest: string; expectedRestarts: string[] }>([
  {
    name: 'etcd as an installation renders it',
    manifest: createWorkload({ kind: 'StatefulSet', replicas: 3, clusterState: 'new' }),
    expectedRestarts: ['StatefulSet x: 3 pods, one after the other'],
  },
  {
    name: 'etcd as an upgrade renders it',
    manifest: createWorkload({ kind: 'StatefulSet', replicas: 3, clusterState: 'existing' }),
    expectedRestarts: [],
  },
  {
    name: 'etcd without pods',
    manifest: createWorkload({ kind: 'StatefulSet', replicas: 0, clusterState: 'new' }),
    expectedRestarts: [],
  },
  { name: 'other objects', manifest: createWorkload({}) + configMap, expectedRestarts: [] },
])('findRestartedByFirstUpgrade: $name', ({ manifest, expectedRestarts }) => {
  expect(findRestartedByFirstUpgrade(manifest).map(describeRestart)).toEqual(expectedRestarts)
})
