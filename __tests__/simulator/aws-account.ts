/** An AWS account for the tests of the simulated AWS, with clients of the real SDK. */
import { ACMClient, ImportCertificateCommand } from '@aws-sdk/client-acm'
import type { ImportCertificateCommandInput } from '@aws-sdk/client-acm'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { startAws } from '../../simulator/aws/server.ts'
import type { Aws } from '../../simulator/aws/server.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'
import { createAwsState } from '../../simulator/aws/state.ts'
import type { IssuedCertificate } from '../../testing/certificates.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { FaultInjector } from '../../testing/fault-injector.ts'
import { RequestLog } from '../../testing/request-log.ts'

export const host = 'milvus.example.com'
export const user: AwsCredential = {
  accessKeyId: 'AKIAUSER',
  secretAccessKey: 'user secret',
  principalArn: 'arn:aws:iam::111122223333:user/deployer',
}
export const session: AwsCredential = {
  accessKeyId: 'ASIASESSION',
  secretAccessKey: 'session secret',
  sessionToken: 'token+/=',
  principalArn: 'arn:aws:sts::111122223333:assumed-role/deployer/run-1',
}
export const rsaAuthority = createCertificateAuthority()
export const ecAuthority = createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })

/**
 * A running account. `imported` imports a certificate (a new one by default) and returns its ARN.
 */
export interface TestAccount {
  readonly requestLog: RequestLog
  readonly faults: FaultInjector
  readonly aws: Aws
  readonly acm: ACMClient
  readonly elb: ElasticLoadBalancingV2Client
  getClientOptions(
    credential?: AwsCredential,
    region?: string,
  ): {
    endpoint: string
    region: string
    maxAttempts: number
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  }
  importCertificate(
    issued?: IssuedCertificate,
    overrides?: Partial<ImportCertificateCommandInput>,
  ): Promise<string>
  close(): Promise<void>
}

export async function startTestAccount(): Promise<TestAccount> {
  const requestLog = new RequestLog()
  const faults = new FaultInjector()
  const aws = await startAws({
    requestLog,
    faults,
    state: createAwsState(),
    credentials: [{ ...user }, { ...session }],
  })
  const getClientOptions: TestAccount['getClientOptions'] = (
    { accessKeyId, secretAccessKey, sessionToken } = user,
    region = 'us-east-2',
  ) => ({
    endpoint: aws.endpoint,
    region,
    maxAttempts: 1,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
  })
  const [acm, elb] = [
    new ACMClient(getClientOptions()),
    new ElasticLoadBalancingV2Client(getClientOptions()),
  ]
  return {
    requestLog,
    faults,
    aws,
    acm,
    elb,
    getClientOptions,
    importCertificate: async (issued, overrides = {}) => {
      const { certificate, privateKey, chain } =
        issued ?? (await (await rsaAuthority).issue({ hosts: [host] }))
      const optional = chain === '' ? {} : { CertificateChain: toBytes(chain) }
      const { CertificateArn } = await acm.send(
        new ImportCertificateCommand({
          Certificate: toBytes(certificate),
          PrivateKey: toBytes(privateKey),
          ...optional,
          ...overrides,
        }),
      )
      return CertificateArn ?? ''
    },
    close: async () => {
      acm.destroy()
      elb.destroy()
      await aws.close()
    },
  }
}

/** `Name: message` of the error from AWS; `none` when there was none. */
export async function getErrorText(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) =>
      error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  )
}

export const toBytes = (text: string): Buffer => Buffer.from(text)
