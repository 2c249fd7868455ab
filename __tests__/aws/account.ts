/** An AWS account of the sandbox, reached by the clients that the action itself makes. */
import { startAws, type Aws } from '../../sandbox/aws/server.ts'
import { createAwsState } from '../../sandbox/aws/state.ts'
import { Traffic } from '../../sandbox/traffic.ts'
import { createClients, type AwsClients } from '../../src/aws/clients.ts'

export interface Account {
  readonly aws: Aws
  readonly traffic: Traffic
  readonly clients: AwsClients
  close(): Promise<void>
}

/** The SDK reads endpoint and credentials from the environment, as on a runner. */
export async function openAccount(region = 'us-east-2'): Promise<Account> {
  const traffic = new Traffic()
  const aws = await startAws({ traffic, state: createAwsState({ region }) })
  const environment = aws.environment()
  Object.assign(process.env, environment)
  return {
    aws,
    traffic,
    clients: createClients(region, {}, []),
    close: async () => {
      for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name)
      await aws.close()
    },
  }
}
