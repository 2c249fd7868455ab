/** A Milvus cluster is installed, upgraded and removed by the real helms: every kind of the chart is known to the sandbox's Kubernetes. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { merged } from '../../sandbox/charts/merged.ts'
import { modeValues } from '../../sandbox/charts/modes.ts'
import { at, type KubernetesObject } from '../../sandbox/kubernetes/api.ts'
import { isReady } from '../../sandbox/kubernetes/pods.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { helmThree, tools } from '../../sandbox/tools.ts'

const run = promisify(execFile)
const programs = { 'helm 3.17': helmThree, 'helm 4.1': async () => (await tools()).helm }

let world: Sandbox
beforeAll(async () => void (world = await startSandbox()))
afterAll(() => world.close())

const list = (kind: string): KubernetesObject[] => world.kubernetes.list(kind, 'milvus')
const readyReplicas = (kind: string): Record<string, unknown> => Object.fromEntries(list(kind).map((object) => [object.metadata.name, at(object, 'status', 'readyReplicas')]))
const pods = (): Map<string, string | undefined> => new Map(list('Pod').map(({ metadata }) => [metadata.name, metadata.uid]))

/** A cluster with all that can be asked for besides. */
const values = merged(modeValues.cluster, {
  attu: { enabled: true }, metrics: { serviceMonitor: { enabled: true } }, proxy: { hpa: { enabled: true } }, etcd: { pdb: { create: true } },
})

test.each(Object.entries(programs))('%s: install, upgrade and uninstall wait for what they should', async (_, program) => {
  const file = join(world.directory, 'cluster.json')
  await writeFile(file, JSON.stringify(values))
  const path = await program()
  const helm = (...args: string[]): Promise<unknown> => run(path, ['--namespace', 'milvus', ...args, '--timeout', '30s', '--wait'], { env: { HOME: world.directory, KUBECONFIG: world.kubeconfig } })
  const chart = ['milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58']

  await helm('install', ...chart, '--values', file, '--wait-for-jobs')
  expect(readyReplicas('Deployment')).toMatchObject({ 'milvus-demo-proxy': 1, 'milvus-demo-attu': 1 })
  expect(readyReplicas('StatefulSet')).toMatchObject({ 'milvus-demo-etcd': 3, 'milvus-demo-pulsarv3-broker': 2 })
  expect(list('Job').map((job) => at(job, 'status', 'conditions', 1, 'type'))).toEqual(['Complete', 'Complete'])
  for (const kind of ['Role', 'RoleBinding', 'ServiceAccount', 'ConfigMap', 'PodDisruptionBudget', 'HorizontalPodAutoscaler', 'ServiceMonitor']) expect(list(kind)).not.toEqual([])

  const before = pods()
  await helm('upgrade', ...chart, '--reset-then-reuse-values', '--set', 'service.type=ClusterIP')
  const restarted = [...pods()].filter(([name, uid]) => before.get(name) !== uid).map(([name]) => name)
  expect(restarted.sort()).toEqual(['milvus-demo-etcd-0', 'milvus-demo-etcd-1', 'milvus-demo-etcd-2'])
  expect(list('Job')).toEqual([])

  await helm('uninstall', 'milvus-demo')
  expect(list('StatefulSet')).toEqual([])
}, 60_000)

test('the pods of a StatefulSet restart one after the other, the last first', async () => {
  await world.installMilvus({ mode: 'cluster' })
  const etcd = (): KubernetesObject[] => list('Pod').filter(({ metadata }) => metadata.name.startsWith('milvus-demo-etcd-'))
  const old = new Set(etcd().map(({ metadata }) => metadata.uid))
  const restarted: string[] = []
  let unready = 0
  const looking = setInterval(() => {
    for (const { metadata } of etcd()) if (!old.has(metadata.uid) && !restarted.includes(metadata.name)) restarted.push(metadata.name)
    unready = Math.max(unready, etcd().filter((pod) => !isReady(pod)).length)
  }, 5)
  await world.helm('upgrade', 'milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--reset-then-reuse-values', '--wait')
  clearInterval(looking)
  expect({ restarted, unready }).toEqual({ restarted: ['milvus-demo-etcd-2', 'milvus-demo-etcd-1', 'milvus-demo-etcd-0'], unready: 1 })
}, 30_000)
