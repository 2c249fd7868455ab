/**
 * Access to an EKS cluster: its status, the networks that its endpoint allows, and a runner whose
 * clock is wrong.
 */
import { expect } from '@jest/globals'
import type { Simulator } from '../../simulator/simulator.ts'
import {
  getErrorAnnotation,
  expectFailure,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  setDefaultStart,
} from './harness.ts'

setDefaultStart('cluster-ip')

/** Changes the response of DescribeCluster. */
function setClusterDescription(
  { awsState: state, cluster }: Simulator,
  changes: Partial<NonNullable<ReturnType<Simulator['awsState']['clusters']['get']>>>,
): void {
  const clusterDescription = state.clusters.get(cluster)
  if (clusterDescription) state.clusters.set(cluster, { ...clusterDescription, ...changes })
}

simulatorScenario(
  "moto's clusters are ACTIVE",
  'an EKS cluster that is being created, deleted or has failed is reported with its status; one being updated works',
  async ({ environment, run, writes }) => {
    for (const [status, expectedText] of [
      ['CREATING', 'aws eks wait cluster-active --name production'],
      ['DELETING', 'Set input cluster to a cluster that is not being deleted'],
      ['FAILED', 'EKS could not create it'],
    ] as const) {
      setClusterDescription(environment, { status })
      const result = await run()
      expectFailure(result, 'preflight', 'cluster-not-found')
      for (const part of [`its status is ${status}`, expectedText])
        expect(getErrorAnnotation(result)).toContain(part)
      expect(writes()).toEqual([])
    }
    setClusterDescription(environment, { status: 'UPDATING' })
    expectSuccess(await run())
  },
)

simulatorScenario(
  "moto's clusters are open to everybody",
  'a cluster endpoint that rejects this runner is reported with the networks it allows',
  async ({ environment, run, writes }) => {
    for (const [network, expectedText] of [
      [{ endpointPublicAccess: false, endpointPrivateAccess: true }, 'This endpoint is private'],
      [{ publicAccessCidrs: ['203.0.113.0/24'] }, 'accepts connections only from 203.0.113.0/24'],
    ] as const) {
      setClusterDescription(environment, { endpoint: 'https://127.0.0.1:1', network })
      const result = await run()
      expectFailure(result, 'preflight', 'cluster-unreachable')
      expect(getErrorAnnotation(result)).toContain(expectedText)
      expect(writes()).toEqual([])
    }
  },
)

simulatorScenario(
  'moto has no clock of its own',
  'a runner whose clock is off by 20 minutes uses the clock of AWS for requests, the first import and cluster tokens',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.aws.clockOffset = 20 * 60_000
    expectUnchanged(await run())
    const largerKey = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyAlgorithm: 'RSA_3072',
    })
    expectSuccess(
      await run({ certificate: largerKey.fullchain, 'private-key': largerKey.privateKey }),
    )
    expect(environment.aws.tokenRejections).toEqual([])
  },
)
