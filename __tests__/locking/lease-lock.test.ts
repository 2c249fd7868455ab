/** The Lease of a run, in a simulated Kubernetes API. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  startKubernetes,
  type JsonObject,
  type KubernetesApi,
} from '../../simulator/kubernetes/api.ts'
import { KubernetesClient } from '../../src/clients/kubernetes/client.ts'
import { createTokenConnection } from '../../src/clients/kubernetes/connection.ts'
import { leaseName, type HelmOperation } from '../../src/locking/lease.ts'
import { Lock } from '../../src/locking/lease-lock.ts'
import { systemClock } from '../../src/util/polling.ts'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import { FaultInjector } from '../../testing/fault-injector.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { captureActionError } from '../capture-error.ts'

const namespace = 'milvus'
let api: KubernetesApi
let faults: FaultInjector
let lock: Lock

beforeEach(async () => {
  const pair = await issueLoopbackCertificate()
  faults = new FaultInjector()
  api = await startKubernetes({
    requestLog: new RequestLog(),
    faults,
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: () => Promise.resolve({ username: 'runner', groups: [] }),
  })
  api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const tokens = { token: () => Promise.resolve('token'), invalidate: () => undefined }
  const connection = createTokenConnection(
    { server: api.url, certificateAuthority: pair.ca },
    tokens,
    {},
  )
  const ignore = (): void => undefined
  const { signal } = new AbortController()
  const context = {
    clock: systemClock,
    signal,
    log: { info: ignore, note: ignore, warn: ignore, progress: ignore, debug: ignore },
  }
  lock = new Lock(context, {
    kubernetes: new KubernetesClient(connection, { clock: systemClock, signal }),
    namespace,
    timeout: 1,
    holder: { id: 'this-run', name: 'this run' },
  })
})

afterEach(async () => {
  await lock.release()
  await api.close()
})

const getLease = () => api.get('Lease', namespace, leaseName)
const getHolder = (): unknown =>
  (getLease()?.['spec'] as { holderIdentity?: string }).holderIdentity
const getOperations = (): unknown =>
  JSON.parse(getLease()?.metadata.annotations?.['milvus-alb-action/helm'] ?? '[]')

async function acquire(): Promise<void> {
  await lock.isHeldByOther()
  expect(await lock.acquire()).toBe(true)
}

/** What a run of another job writes. */
function replaceHolder(spec: JsonObject): void {
  const live = getLease()
  if (!live) throw new Error('there is no Lease')
  live.metadata.annotations = { 'milvus-alb-action/run': 'other run' }
  api.replace({ ...live, spec })
}

const heldByOther = {
  holderIdentity: 'other-run',
  renewTime: '2100-01-01T00:00:00.000000Z',
  leaseDurationSeconds: 30,
}

describe('the operations that the Lease records', () => {
  const operations: HelmOperation[] = [
    { holder: 'dead-run', release: 'milvus-a', revision: 2 },
    { holder: 'dead-run', release: 'milvus-b', revision: 7 },
  ]

  beforeEach(async () => {
    api.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: leaseName,
        namespace,
        annotations: { 'milvus-alb-action/helm': JSON.stringify(operations) },
      },
      spec: { leaseTransitions: 1 },
    })
    await acquire()
  })

  test('a success of Helm removes those of its release, and keeps those of others', async () => {
    await lock.runRecorded({ release: 'milvus-b', revision: 8 }, () => {
      expect(getOperations()).toEqual([
        operations[0],
        { holder: 'this-run', release: 'milvus-b', revision: 8 },
      ])
      return Promise.resolve()
    })
    await lock.release()
    expect(getOperations()).toEqual([operations[0]])
  })

  test('a failure of Helm removes nothing', async () => {
    const failure = new Error('cut off')
    await expect(
      lock.runRecorded({ release: 'milvus-b', revision: 8 }, () => Promise.reject(failure)),
    ).rejects.toBe(failure)
    await lock.release()
    expect(getOperations()).toEqual([
      operations[0],
      { holder: 'this-run', release: 'milvus-b', revision: 8 },
    ])
  })
})

describe('a Lease that was lost', () => {
  const runHelm = (): Promise<void> =>
    lock.runRecorded({ release: 'milvus', revision: 2 }, () => Promise.resolve())

  beforeEach(acquire)

  test.each<{ name: string; lose: () => void; reason: string }>([
    {
      name: 'to another run',
      lose: () => replaceHolder(heldByOther),
      reason: 'other run has taken over its Lease',
    },
    {
      name: 'to another run that has ended',
      lose: () => replaceHolder({ leaseTransitions: 2 }),
      reason: 'another run has changed its Lease',
    },
    {
      name: 'because it was deleted',
      lose: () => api.remove('Lease', namespace, leaseName),
      reason: 'its Lease milvus-alb-action has been deleted',
    },
  ])('$name', async ({ lose, reason }) => {
    lose()
    const error = await captureActionError(runHelm)
    expect([error.code, error.message]).toEqual(['lock-lost', expect.stringContaining(reason)])
  })

  test('is not taken back when the other run ends', async () => {
    replaceHolder(heldByOther)
    await captureActionError(runHelm)
    replaceHolder({ leaseTransitions: 2 })
    await captureActionError(runHelm)
    expect(getHolder()).toBeUndefined()
  })

  test('is not deleted', async () => {
    replaceHolder(heldByOther)
    await lock.release(true)
    expect(getHolder()).toBe('other-run')
  })
})

test('a renewal without a response does not delay the next one', async () => {
  await acquire()
  faults.inject({
    service: 'kubernetes',
    operation: /^PUT .*\/leases\//,
    times: 1,
    respond: () => undefined,
  })
  const operation = { release: 'milvus', revision: 2 }
  await lock.runRecorded(operation, () => Promise.resolve())
  await lock.runRecorded(operation, () => Promise.resolve())
  expect(getOperations()).toEqual([{ holder: 'this-run', ...operation }])
}, 20_000)

test('a Lease without records is deleted after a removal', async () => {
  await acquire()
  await lock.release(true)
  expect(getLease()).toBeUndefined()
})
