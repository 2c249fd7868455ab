/**
 * An ALB, and a Milvus behind it, that send malformed responses to the probe. Each case is a run of
 * dist/.
 */
import { afterAll, beforeAll, test } from '@jest/globals'
import type { Simulator } from '../../simulator/simulator.ts'
import { startDeployedSimulator } from './deployed-simulator.ts'
import { http2Cases, tlsCases } from './hostile-alb/connection.cases.ts'
import { grpcCases } from './hostile-alb/grpc.cases.ts'
import { milvusCases } from './hostile-alb/milvus.cases.ts'
import { expectHostileRun, type ExpectedOutcome } from './hostile-run.ts'
import { startHostileServer, type HostileServer } from './hostile-server.ts'
import { sample } from './result-tables.ts'

const hostileCases = [...tlsCases, ...http2Cases, ...grpcCases, ...milvusCases]
const deadlineSeconds = 3

let simulator: Simulator
let hostileServer: HostileServer

beforeAll(async () => {
  simulator = await startDeployedSimulator()
  hostileServer = await startHostileServer(simulator.listenPort, simulator.certificate)
  await simulator.setDnsRecords({ '*.elb.amazonaws.com': hostileServer.address })
})
afterAll(async () => {
  await hostileServer.close()
  await simulator.close()
})

test.each(sample(hostileCases, 20))(
  'a malformed response of the ALB: $name',
  async ({ name, createBehavior, outcome, messagePattern }) => {
    hostileServer.setBehavior(await createBehavior(simulator))
    const expectedOutcome: ExpectedOutcome = {
      inputs: { 'probe-timeout': `${deadlineSeconds}s` },
      outcome,
      messagePattern,
      deadlineSeconds,
    }
    await expectHostileRun(simulator, `ALB: ${name}`, expectedOutcome)
  },
)
