/** An AWS account for the tests of the sandbox's AWS, with clients of the real SDK. */
import { ACMClient, ImportCertificateCommand } from '@aws-sdk/client-acm'
import type { ImportCertificateCommandInput } from '@aws-sdk/client-acm'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { startAws } from '../../sandbox/aws/server.ts'
import type { Aws } from '../../sandbox/aws/server.ts'
import type { AwsCredential } from '../../sandbox/aws/service.ts'
import { createAwsState } from '../../sandbox/aws/state.ts'
import type { IssuedCertificate } from '../../sandbox/certificates.ts'
import { createAuthority } from '../../sandbox/certificates.ts'
import { Traffic } from '../../sandbox/traffic.ts'

export const host = 'milvus.example.com'
export const user: AwsCredential = { accessKeyId: 'AKIAUSER', secretAccessKey: 'user secret', principalArn: 'arn:aws:iam::111122223333:user/deployer' }
export const session: AwsCredential = {
  accessKeyId: 'ASIASESSION', secretAccessKey: 'session secret', sessionToken: 'token+/=', principalArn: 'arn:aws:sts::111122223333:assumed-role/deployer/run-1',
}
export const rsaAuthority = createAuthority()
export const ecAuthority = createAuthority({ key: 'EC_prime256v1' })

/** A running account. `imported` imports a certificate, a new one when none is given, and says under which ARN. */
export interface Account {
  readonly traffic: Traffic
  readonly aws: Aws
  readonly acm: ACMClient
  readonly elb: ElasticLoadBalancingV2Client
  options(credential?: AwsCredential, region?: string): {
    endpoint: string, region: string, maxAttempts: number, credentials: { accessKeyId: string, secretAccessKey: string, sessionToken?: string }
  }
  imported(issued?: IssuedCertificate, more?: Partial<ImportCertificateCommandInput>): Promise<string>
  close(): Promise<void>
}

export async function openAccount(): Promise<Account> {
  const traffic = new Traffic()
  const aws = await startAws({ traffic, state: createAwsState(), credentials: [{ ...user }, { ...session }] })
  const options: Account['options'] = ({ accessKeyId, secretAccessKey, sessionToken } = user, region = 'us-east-2') => ({
    endpoint: aws.endpoint, region, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  })
  const [acm, elb] = [new ACMClient(options()), new ElasticLoadBalancingV2Client(options())]
  return {
    traffic, aws, acm, elb, options,
    imported: async (issued, more = {}) => {
      const { certificate, privateKey, chain } = issued ?? await (await rsaAuthority).issue({ hosts: [host] })
      const optional = chain === '' ? {} : { CertificateChain: bytes(chain) }
      const { CertificateArn } = await acm.send(new ImportCertificateCommand({ Certificate: bytes(certificate), PrivateKey: bytes(privateKey), ...optional, ...more }))
      return CertificateArn ?? ''
    },
    close: async () => {
      acm.destroy()
      elb.destroy()
      await aws.close()
    },
  }
}

/** `Name: message` of the error that AWS answered; `none` when there was none. */
export async function failure(call: Promise<unknown>): Promise<string> {
  return call.then(() => 'none', (error: unknown) => error instanceof Error ? `${error.name}: ${error.message}` : String(error))
}

export const bytes = (text: string): Buffer => Buffer.from(text)
