import { expect, test } from '@jest/globals'
import { changedWorkloads, restartedByFirstUpgrade, restartedWorkloads, restartInWords, selectorOf } from '../../src/helm/workloads.ts'

interface Parts { readonly kind?: string; readonly replicas?: number; readonly strategy?: string; readonly image?: string; readonly clusterState?: string }

/** One workload as YAML. */
function workload({ kind = 'Deployment', replicas, strategy, image = 'a', clusterState }: Parts): string {
  const lines = [
    '---', '# Source: chart/x.yaml', 'apiVersion: apps/v1', `kind: ${kind}`, 'metadata:', '  name: x', 'spec:',
    ...(replicas === undefined ? [] : [`  replicas: ${replicas}`]),
    ...(strategy === undefined ? [] : [`  ${kind === 'Deployment' ? 'strategy' : 'updateStrategy'}:`, `    type: ${strategy}`]),
    '  template:', '    metadata:', '      labels:', '        app: x', '    spec:', '      containers:', `        - image: ${image}`,
    ...(clusterState === undefined ? [] : ['          env:', '            - name: ETCD_INITIAL_CLUSTER_STATE', `              value: ${clusterState}`]),
  ]
  return `${lines.join('\n')}\n`
}

const config = '---\nkind: ConfigMap\nmetadata:\n  name: c\n'

test.each<[name: string, before: string, after: string, restarted: string[], changed: number]>([
  ['nothing', workload({}), workload({}), [], 0],
  ['another object', workload({}) + config, workload({}), [], 0],
  ['another image', workload({}), workload({ image: 'b' }), ['Deployment x: its pods, a few at a time, new ones first'], 1],
  ['one pod', workload({ replicas: 1 }), workload({ replicas: 1, image: 'b' }), ['Deployment x: 1 pod'], 1],
  ['all pods at once', workload({ replicas: 2, strategy: 'Recreate' }), workload({ replicas: 2, strategy: 'Recreate', image: 'b' }), ['Deployment x: 2 pods, all at once'], 1],
  ['a StatefulSet', workload({ kind: 'StatefulSet', replicas: 3 }), workload({ kind: 'StatefulSet', replicas: 3, image: 'b' }), ['StatefulSet x: 3 pods, one after the other'], 1],
  ['a DaemonSet', workload({ kind: 'DaemonSet' }), workload({ kind: 'DaemonSet', image: 'b' }), ['DaemonSet x: its pods, one after the other'], 1],
  ['a StatefulSet that is left to people', workload({ kind: 'StatefulSet', strategy: 'OnDelete' }), workload({ kind: 'StatefulSet', strategy: 'OnDelete', image: 'b' }), [], 1],
  ['more pods restart none', workload({ replicas: 1 }), workload({ replicas: 2 }), [], 1],
  ['no pods', workload({ replicas: 0 }), workload({ replicas: 0, image: 'b' }), [], 1],
  ['a new workload', config, workload({}), [], 1],
  ['a workload that goes', workload({}), config, [], 0],
  ['a document that is no YAML', `${workload({})}---\nkind: X\n\t- a`, workload({ image: 'b' }), ['Deployment x: its pods, a few at a time, new ones first'], 1],
])('%s', (_name, before, after, restarted, changed) => {
  expect(restartedWorkloads(before, after).map(restartInWords)).toEqual(restarted)
  expect(changedWorkloads(before, after)).toHaveLength(changed)
})

test('the labels by which a Service selects its pods', () => {
  const manifest = '---\nkind: Service\nmetadata:\n  name: s\nspec:\n  selector:\n    app: x\n'
  expect(selectorOf(manifest, 's')).toEqual({ app: 'x' })
  expect(selectorOf(manifest, 'other')).toBeUndefined()
})

test.each<[name: string, manifest: string, restarted: string[]]>([
  ['etcd as an installation makes it', workload({ kind: 'StatefulSet', replicas: 3, clusterState: 'new' }), ['StatefulSet x: 3 pods, one after the other']],
  ['etcd as an upgrade makes it', workload({ kind: 'StatefulSet', replicas: 3, clusterState: 'existing' }), []],
  ['etcd without pods', workload({ kind: 'StatefulSet', replicas: 0, clusterState: 'new' }), []],
  ['anything else', workload({}) + config, []],
])('restarted by the first upgrade: %s', (_name, manifest, restarted) => {
  expect(restartedByFirstUpgrade(manifest).map(restartInWords)).toEqual(restarted)
})
