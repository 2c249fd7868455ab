/** The way to an EKS cluster: its state, who its endpoint lets in, and a runner whose clock is off. */
import { expect } from '@jest/globals'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { annotation, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

/** Changes what DescribeCluster says. */
function describe({ state, cluster }: Sandbox, changes: Partial<NonNullable<ReturnType<Sandbox['state']['clusters']['get']>>>): void {
  const known = state.clusters.get(cluster)
  if (known) state.clusters.set(cluster, { ...known, ...changes })
}

sandboxScenario("moto's clusters are ACTIVE", 'a cluster that is being made, deleted, or has failed is said with its status; one that is updated is fine', async ({ world, run, writes }) => {
  for (const [status, said] of [['CREATING', 'aws eks wait cluster-active --name production'], ['DELETING', 'Set cluster to one that stays'], ['FAILED', 'EKS could not create it']] as const) {
    describe(world, { status })
    const result = await run()
    expectFailure(result, 'preflight', 'cluster-not-found')
    for (const part of [`its status is ${status}`, said]) expect(annotation(result)).toContain(part)
    expect(writes()).toEqual([])
  }
  describe(world, { status: 'UPDATING' })
  expectSuccess(await run())
})

sandboxScenario("moto's clusters are open to everybody", 'an endpoint that does not let this runner in says whom it does', async ({ world, run, writes }) => {
  for (const [network, said] of [[{ endpointPublicAccess: false, endpointPrivateAccess: true }, 'This endpoint is private'], [{ publicAccessCidrs: ['203.0.113.0/24'] }, 'takes connections only from 203.0.113.0/24']] as const) {
    describe(world, { endpoint: 'https://127.0.0.1:1', network })
    const result = await run()
    expectFailure(result, 'preflight', 'cluster-unreachable')
    expect(annotation(result)).toContain(said)
    expect(writes()).toEqual([])
  }
})

sandboxScenario('moto has no clock of its own', "a runner whose clock is off by twenty minutes: AWS' clock counts, for requests, the first import and the cluster's tokens", async ({ world, run }) => {
  expectSuccess(await run())
  world.aws.clockOffset = 20 * 60_000
  expectUnchanged(await run())
  const larger = await world.authority.issue({ hosts: [world.host], key: 'RSA_3072' })
  expectSuccess(await run({ certificate: larger.fullchain, 'private-key': larger.privateKey }))
  expect(world.aws.tokenRefusals).toEqual([])
})
