/** An AWS account of the simulator, used through the clients that the action itself creates. */
import { startAws, type Aws } from '../../../simulator/aws/server.ts'
import { createAwsState } from '../../../simulator/aws/state.ts'
import { FaultInjector } from '../../../testing/fault-injector.ts'
import { RequestLog } from '../../../testing/request-log.ts'
import { createAwsClients, type AwsClients } from '../../../src/clients/aws/clients.ts'
import { createEksClient } from '../../../src/clients/aws/eks.ts'

export interface TestAccount {
  readonly aws: Aws
  readonly requestLog: RequestLog
  readonly faults: FaultInjector
  readonly clients: AwsClients
  readonly eks: ReturnType<typeof createEksClient>
  close(): Promise<void>
}

/** The SDK reads endpoint and credentials from the environment, as on a runner. */
export async function startTestAccount(region = 'us-east-2'): Promise<TestAccount> {
  const requestLog = new RequestLog()
  const faults = new FaultInjector()
  const aws = await startAws({ requestLog, faults, state: createAwsState({ region }) })
  const env = aws.environment()
  const savedEnvironment = { ...process.env }
  Object.assign(process.env, env)
  const clients = createAwsClients(region, {}, { allowedAccounts: [], maskSecret: () => undefined })
  return {
    aws,
    requestLog,
    faults,
    clients,
    eks: createEksClient(clients.config),
    close: async () => {
      for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name)
      Object.assign(process.env, savedEnvironment)
      await aws.close()
    },
  }
}
