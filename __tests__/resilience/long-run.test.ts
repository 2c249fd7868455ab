/** Many deployments of one target, each with a change. */
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { startSimulator } from '../../simulator/simulator.ts'
import { recordResult, isFullRun } from './result-tables.ts'

/** Measured when the ALB has answered the process, which is the end of its work. */
interface ResourceUsage {
  readonly memory: number
  readonly openFiles: number
}

/** @returns the process' peak memory in MB, and its open files. Source: proc(5) */
const measureUsage = (pid: number): ResourceUsage => ({
  memory: Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
  openFiles: readdirSync(`/proc/${pid}/fd`).length,
})

const computeMedian = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

test('consecutive deployments, each with another certificate and every tenth with other values, leak no memory, files or resources', async () => {
  const simulator = await startSimulator()
  try {
    await simulator.installMilvus()
    const count = isFullRun ? 200 : 7
    const usages: ResourceUsage[] = []
    const certificates = await Promise.all(
      [0, 1].map(() => simulator.certificateAuthority.issue({ hosts: [simulator.host] })),
    )
    const disk = `${simulator.directory}/disk`
    for (let round = 0; round < count; round += 1) {
      let pid = 0
      const stopObserving = simulator.requestLog.observe({
        received: ({ service, operation }) => {
          if (service === 'alb' && operation.endsWith('/Connect')) usages.push(measureUsage(pid))
        },
      })
      const issued = certificates[round % 2] ?? simulator.certificate
      const inputs = {
        values: `minio: {bucketName: bucket-${Math.floor(round / 10)}}`,
        certificate: issued.fullchain,
        'private-key': issued.privateKey,
      }
      const run = await runAction(simulator, inputs, {
        runnerDirectory: disk,
        onStart: (child) => {
          pid = child.pid ?? 0
        },
      })
      stopObserving()
      expect({
        round,
        exitCode: run.exitCode,
        changed: run.outputs['changed'],
        remainingFiles: run.remainingFiles,
        log: run.exitCode === 0 ? '' : run.log,
      }).toEqual({ round, exitCode: 0, changed: 'true', remainingFiles: [], log: '' })
    }
    expect(usages.length).toBeGreaterThanOrEqual(count)
    const revisions = simulator.kubernetes
      .list('Secret', simulator.namespace)
      .filter(({ metadata }) => metadata.labels?.['owner'] === 'helm').length
    const objects = ['Ingress', 'Lease', 'Service'].map(
      (kind) =>
        simulator.kubernetes
          .list(kind, simulator.namespace)
          .filter(({ metadata }) => /^milvus-(demo|alb-action)$/.test(metadata.name)).length,
    )
    // Helm keeps 10 revisions by default.
    expect({
      certificates: simulator.awsState.certificates.size,
      loadBalancers: simulator.awsState.loadBalancers.size,
      revisions,
      objects,
    }).toEqual({
      certificates: 1,
      loadBalancers: 1,
      revisions: Math.min(10, 1 + Math.ceil(count / 10)),
      objects: [1, 1, 1],
    })
    const windowSize = Math.max(3, count / 10)
    // The first deployment creates what the others change, so its calls differ.
    const [first, last] = [usages.slice(1, 1 + windowSize), usages.slice(-windowSize)]
    const describeGrowth = (select: (usage: ResourceUsage) => number): string =>
      `${computeMedian(first.map(select)).toFixed(0)} to ${computeMedian(last.map(select)).toFixed(0)}`
    expect(computeMedian(last.map(({ openFiles }) => openFiles))).toBeLessThanOrEqual(
      computeMedian(first.map(({ openFiles }) => openFiles)) + 2,
    )
    expect(computeMedian(last.map(({ memory }) => memory))).toBeLessThan(
      computeMedian(first.map(({ memory }) => memory)) * 1.15,
    )
    recordResult('long-run', {
      deployments: count,
      certificates: 1,
      'load balancers': 1,
      'stored revisions': revisions,
      'leftover files': 0,
      'open files per run, first to last tenth': describeGrowth(({ openFiles }) => openFiles),
      'memory per run, MB': describeGrowth(({ memory }) => memory),
    })
  } finally {
    await simulator.close()
  }
})
