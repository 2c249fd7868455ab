/** A full cluster and a full account. The test is a run of dist/. */
import { gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, test } from '@jest/globals'
import type { KubernetesObject } from '../../simulator/kubernetes/api.ts'
import { isFullRun } from './result-tables.ts'
import { expectHostileRun } from './hostile-run.ts'
import { simulator, startFixture, removeAllFaults, stopFixture } from './hostile-api-fixture.ts'

beforeAll(startFixture)
afterEach(removeAllFaults)
afterAll(stopFixture)

test('succeeds in a cluster with 100,000 events and thousands of Services, Ingresses and Helm revisions', async () => {
  const largeText = randomBytes(5_000).toString('hex')
  const metadata = (name: string) => ({
    namespace: simulator.namespace,
    name,
    uid: name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'example.com/notes': largeText },
  })
  const createMany = (count: number, createObject: (name: string) => object): KubernetesObject[] =>
    Array.from({ length: count }, (_, n) => createObject(`full-${n}`) as KubernetesObject)
  const [ownIngress] = simulator.kubernetes.list('Ingress', simulator.namespace)
  const createEvent =
    (involved: object) =>
    (name: string): object => ({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: simulator.namespace, name, uid: name },
      type: 'Normal',
      reason: 'SuccessfullyReconciled',
      message: 'Successfully reconciled',
      count: 1,
      involvedObject: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        namespace: simulator.namespace,
        ...involved,
      },
    })
  const chart = { metadata: { name: 'nginx', version: '1.0.0' } }
  const release = gzipSync(
    JSON.stringify({
      name: 'full',
      version: 1,
      info: { status: 'deployed' },
      chart,
      config: {},
      manifest: randomBytes(150_000).toString('base64'),
    }),
  ).toString('base64')
  const divisor = isFullRun ? 1 : 20
  const counts = { events: 100_000 / divisor, objects: 3_000 / divisor }
  simulator.kubernetes.load([
    ...createMany(counts.events / 2, createEvent({ name: 'another', uid: 'another' })),
    ...createMany(
      counts.events / 2,
      createEvent({ name: ownIngress?.metadata.name, uid: ownIngress?.metadata.uid }),
    ).map((each, n) => ({ ...each, metadata: { ...each.metadata, name: `ours-${n}` } })),
    ...createMany(counts.objects, (name) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(name),
      spec: { type: 'ClusterIP', ports: [{ port: 80 }] },
    })),
    ...createMany(counts.objects, (name) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: metadata(name),
      spec: { ingressClassName: 'nginx', rules: [{ host: name }] },
    })),
    ...createMany(counts.objects, (name) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'helm.sh/release.v1',
      metadata: {
        ...metadata(name),
        labels: {
          owner: 'helm',
          name: `full-${Number(name.slice(5)) % 100}`,
          status: 'deployed',
          version: `${Math.floor(Number(name.slice(5)) / 100) + 1}`,
        },
      },
      data: { release: Buffer.from(release).toString('base64') },
    })),
  ])
  // The deadline is the action's own limit for one list.
  await expectHostileRun(
    simulator,
    `a cluster with ${counts.events} events, and ${counts.objects} Services, Ingresses and Helm revisions each`,
    { outcome: 'success', messagePattern: /unchanged/, deadlineSeconds: 60 },
  )
})
