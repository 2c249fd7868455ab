/** Many deployments of one target, each of which changes something. */
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { figure, whole } from './figures.ts'

/** What a process has when its ALB answers it: that is the end of its work. */
interface Use {
  readonly memory: number
  readonly handles: number
}

/** @returns its greatest memory so far, in MB, and its open files. Source: proc(5) */
const useOf = (pid: number): Use => ({
  memory: Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024,
  handles: readdirSync(`/proc/${pid}/fd`).length,
})

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

test('deployments in a row, each with another certificate, every tenth with other values: nothing grows', async () => {
  const world = await startSandbox()
  try {
    await world.installMilvus()
    const count = whole ? 200 : 7
    const uses: Use[] = []
    const certificates = await Promise.all([0, 1].map(() => world.authority.issue({ hosts: [world.host] })))
    const disk = `${world.directory}/disk`
    for (let round = 0; round < count; round += 1) {
      let pid = 0
      const forget = world.traffic.observe({ received: ({ part, operation }) => { if (part === 'alb' && operation.endsWith('/Connect')) uses.push(useOf(pid)) } })
      const issued = certificates[round % 2] ?? world.certificate
      const inputs = { values: `minio: {bucketName: bucket-${Math.floor(round / 10)}}`, certificate: issued.fullchain, 'private-key': issued.privateKey }
      const run = await act(world, inputs, { disk, onStart: (child) => { pid = child.pid ?? 0 } })
      forget()
      expect({ round, exitCode: run.exitCode, changed: run.outputs['changed'], leftovers: run.leftovers, log: run.exitCode === 0 ? '' : run.log }).toEqual({ round, exitCode: 0, changed: 'true', leftovers: [], log: '' })
    }
    expect(uses.length).toBeGreaterThanOrEqual(count)
    const revisions = world.kubernetes.list('Secret', world.namespace).filter(({ metadata }) => metadata.labels?.['owner'] === 'helm').length
    const objects = ['Ingress', 'Lease', 'Service'].map((kind) => world.kubernetes.list(kind, world.namespace).filter(({ metadata }) => /^milvus-(demo|alb-action)$/.test(metadata.name)).length)
    // helm keeps 10 by itself.
    expect({ certificates: world.state.certificates.size, loadBalancers: world.state.loadBalancers.size, revisions, objects }).toEqual({ certificates: 1, loadBalancers: 1, revisions: Math.min(10, 1 + Math.ceil(count / 10)), objects: [1, 1, 1] })
    const part = Math.max(3, count / 10)
    // The first of all makes what the others only change: it has other calls to make.
    const [first, last] = [uses.slice(1, 1 + part), uses.slice(-part)]
    const growth = (of: (use: Use) => number): string => `${median(first.map(of)).toFixed(0)} to ${median(last.map(of)).toFixed(0)}`
    expect(median(last.map(({ handles }) => handles))).toBeLessThanOrEqual(median(first.map(({ handles }) => handles)) + 2)
    expect(median(last.map(({ memory }) => memory))).toBeLessThan(median(first.map(({ memory }) => memory)) * 1.15)
    figure('long-run', { deployments: count, certificates: 1, 'load balancers': 1, 'revisions that helm keeps': revisions, 'files left': 0, 'open files of a run, the first tenth to the last': growth(({ handles }) => handles), 'memory of a run, MB': growth(({ memory }) => memory) })
  } finally {
    await world.close()
  }
})
