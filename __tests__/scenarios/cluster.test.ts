/**
 * Access to an EKS cluster: its status, the networks that its endpoint allows, and a runner whose
 * clock is wrong.
 */
import { expect } from '@jest/globals'
import type { Simulator } from '../../simulator/simulator.ts'
import { certificateInputs, issueWithLargerKey } from './certificate-inputs.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

scenario('a cluster that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { cluster: 'nowhere' }, 'cluster-not-found')
})

scenario('a cluster that is unreachable', async (scenario) => {
  // Nothing listens on port 1 of loopback.
  scenario.environment.setClusterEndpoint('https://127.0.0.1:1')
  const text = await expectFailureWithoutWrites(scenario, {}, 'cluster-unreachable')
  expect(text).toContain('ECONNREFUSED')
})

scenario('a cluster without an access entry for the role', async (scenario) => {
  scenario.environment.eks.accessEntries = new Map()
  await expectFailureWithoutWrites(scenario, {}, 'cluster-unauthorized')
})

scenario('a namespace that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { namespace: 'nowhere' }, 'namespace-not-found')
})

scenario('a Kubernetes API that fails', async (scenario) => {
  scenario.environment.faults.inject({
    service: 'kubernetes',
    operation: /^GET .*\/services$/,
    error: { status: 500, code: 'InternalError', message: 'etcdserver: no leader' },
  })
  expect(await expectFailureWithoutWrites(scenario, {}, 'cluster-request-failed')).toContain(
    'etcdserver: no leader',
  )
})

/** Changes the response of DescribeCluster. */
function setClusterDescription(
  { awsState: state, cluster }: Simulator,
  changes: Partial<NonNullable<ReturnType<Simulator['awsState']['clusters']['get']>>>,
): void {
  const clusterDescription = state.clusters.get(cluster)
  if (clusterDescription) state.clusters.set(cluster, { ...clusterDescription, ...changes })
}

simulatorScenario(
  'an EKS cluster that is being created, deleted or has failed is reported with its status; one being updated works',
  "moto's clusters are always ACTIVE",
  async ({ environment, run, writes }) => {
    for (const { status, expectedText } of [
      { status: 'CREATING', expectedText: 'aws eks wait cluster-active --name production' },
      {
        status: 'DELETING',
        expectedText: 'Set input cluster to a cluster that is not being deleted',
      },
      { status: 'FAILED', expectedText: 'EKS could not create it' },
    ] as const) {
      setClusterDescription(environment, { status })
      const result = await run()
      expectFailure(result, 'preflight', 'cluster-not-found')
      expectToContainAll(getErrorAnnotation(result), [`its status is ${status}`, expectedText])
      expect(writes()).toEqual([])
    }
    setClusterDescription(environment, { status: 'UPDATING' })
    expectSuccess(await run())
  },
)

simulatorScenario(
  'a cluster of EKS Connector is rejected with the way to connect to it; a local cluster on an Outpost gets tokens for its id',
  'moto has no clusters on Outposts or of EKS Connector',
  async (scenario) => {
    const { environment, run } = scenario
    setClusterDescription(environment, { isRegistered: true })
    const text = await expectFailureWithoutWrites(scenario, {}, 'cluster-not-found')
    expectToContainAll(text, ['EKS Connector', 'Set input kubeconfig'])
    const id = '1a2b3c4d-5678-90ab-cdef-1234567890ab'
    setClusterDescription(environment, { isRegistered: false, id })
    expectSuccess(await run())
    expect(environment.aws.tokenRejections).toEqual([])
  },
)

simulatorScenario(
  'a cluster endpoint that rejects this runner is reported with the networks it allows',
  "moto's clusters do not restrict networks",
  async ({ environment, run, writes }) => {
    for (const { network, expectedText } of [
      {
        network: { endpointPublicAccess: false, endpointPrivateAccess: true },
        expectedText: 'This endpoint is private',
      },
      {
        network: { publicAccessCidrs: ['203.0.113.0/24'] },
        expectedText: 'accepts connections only from 203.0.113.0/24',
      },
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
  'a runner whose clock is off by 20 minutes uses the clock of AWS for requests, the first import and cluster tokens',
  'moto has no clock of its own',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.aws.clockOffset = 20 * 60_000
    expectUnchanged(await run())
    const largerKey = await issueWithLargerKey(environment)
    expectSuccess(await run(certificateInputs(largerKey)))
    expect(environment.aws.tokenRejections).toEqual([])
  },
)
