/**
 * The real Helm versions install, upgrade and remove a Milvus cluster: the simulated Kubernetes
 * supports every kind of object in the chart.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mergeValues } from '../../simulator/charts/merge-values.ts'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { getIn, type KubernetesObject } from '../../simulator/kubernetes/api.ts'
import { isPodReady } from '../../simulator/kubernetes/pods.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { helmVersions, installHelm3, installTools } from '../../testing/cli-tools.ts'

const run = promisify(execFile)
const programs = {
  [`Helm ${helmVersions[3]}`]: installHelm3,
  [`Helm ${helmVersions[4]}`]: async () => (await installTools()).helm,
}

let environment: Simulator
beforeAll(async () => void (environment = await startSimulator()))
afterAll(() => environment.close())

const listObjects = (kind: string): KubernetesObject[] =>
  environment.kubernetes.list(kind, 'milvus')
const getReadyReplicas = (kind: string): Record<string, unknown> =>
  Object.fromEntries(
    listObjects(kind).map((object) => [
      object.metadata.name,
      getIn(object, 'status', 'readyReplicas'),
    ]),
  )
const getPodUids = (): Map<string, string | undefined> =>
  new Map(listObjects('Pod').map(({ metadata }) => [metadata.name, metadata.uid]))

/** A cluster with all optional components. */
const values = mergeValues(modeValues.cluster, {
  attu: { enabled: true },
  metrics: { serviceMonitor: { enabled: true } },
  proxy: { hpa: { enabled: true } },
  etcd: { pdb: { create: true } },
})

test.each(Object.entries(programs))(
  '%s: install, upgrade and uninstall wait until the objects are ready or deleted',
  async (name, getProgram) => {
    const file = join(environment.directory, 'cluster.json')
    await writeFile(file, JSON.stringify(values))
    const path = await getProgram()
    const { stdout: version } = await run(path, ['version', '--template', '{{.Version}}'])
    expect(`Helm ${version.replace(/^v/, '')}`).toMatch(new RegExp(`^${name}\\.\\d`))
    const helm = (...args: string[]): Promise<unknown> =>
      run(path, ['--namespace', 'milvus', ...args, '--timeout', '30s', '--wait'], {
        env: { HOME: environment.directory, KUBECONFIG: environment.kubeconfig },
      })
    const chart = [
      'milvus-demo',
      'milvus',
      '--repo',
      environment.chartRepository.url,
      '--version',
      '4.2.58',
    ]

    await helm('install', ...chart, '--values', file, '--wait-for-jobs')
    expect(getReadyReplicas('Deployment')).toMatchObject({
      'milvus-demo-proxy': 1,
      'milvus-demo-attu': 1,
    })
    expect(getReadyReplicas('StatefulSet')).toMatchObject({
      'milvus-demo-etcd': 3,
      'milvus-demo-pulsarv3-broker': 2,
    })
    expect(listObjects('Job').map((job) => getIn(job, 'status', 'conditions', 1, 'type'))).toEqual([
      'Complete',
      'Complete',
    ])
    for (const kind of [
      'Role',
      'RoleBinding',
      'ServiceAccount',
      'ConfigMap',
      'PodDisruptionBudget',
      'HorizontalPodAutoscaler',
      'ServiceMonitor',
    ])
      expect(listObjects(kind)).not.toEqual([])

    const before = getPodUids()
    await helm('upgrade', ...chart, '--reset-then-reuse-values', '--set', 'service.type=ClusterIP')
    const restarted = [...getPodUids()]
      .filter(([name, uid]) => before.get(name) !== uid)
      .map(([name]) => name)
    expect(restarted.sort()).toEqual([
      'milvus-demo-etcd-0',
      'milvus-demo-etcd-1',
      'milvus-demo-etcd-2',
    ])
    expect(listObjects('Job')).toEqual([])

    await helm('uninstall', 'milvus-demo')
    expect(listObjects('StatefulSet')).toEqual([])
  },
  60_000,
)

test('the pods of a StatefulSet restart one at a time in reverse order', async () => {
  await environment.installMilvus({ mode: 'cluster' })
  const etcd = (): KubernetesObject[] =>
    listObjects('Pod').filter(({ metadata }) => metadata.name.startsWith('milvus-demo-etcd-'))
  const initialUids = new Set(etcd().map(({ metadata }) => metadata.uid))
  const restarted: string[] = []
  let unready = 0
  const pollTimer = setInterval(() => {
    for (const { metadata } of etcd())
      if (!initialUids.has(metadata.uid) && !restarted.includes(metadata.name))
        restarted.push(metadata.name)
    unready = Math.max(unready, etcd().filter((pod) => !isPodReady(pod)).length)
  }, 5)
  await environment.helm(
    'upgrade',
    'milvus-demo',
    'milvus',
    '--repo',
    environment.chartRepository.url,
    '--version',
    '4.2.58',
    '--reset-then-reuse-values',
    '--wait',
  )
  clearInterval(pollTimer)
  expect({ restarted, unready }).toEqual({
    restarted: ['milvus-demo-etcd-2', 'milvus-demo-etcd-1', 'milvus-demo-etcd-0'],
    unready: 1,
  })
}, 30_000)
