/**
 * Who the bearer of an EKS token is. The checks are those of aws-iam-authenticator
 * (pkg/token/token.go, Verify): the form of the presigned GetCallerIdentity, its signature over the
 * cluster's name, its age; then STS is asked who that is.
 */
import type { AccessEntry } from '../../simulator/aws/server.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'
import { toCanonicalArn, verifyEksToken } from '../../simulator/aws/sts.ts'
import { AwsClient, getElementText } from './aws-client.ts'
import type { Moto } from './moto.ts'
import type { AuthenticateToken } from './token-webhook.ts'

/** The authenticator; what is not readonly may be changed while it runs. */
export interface EksAuthenticator {
  /**
   * By role or user ARN. While it is undefined every principal of the account is in system:masters.
   */
  accessEntries: Map<string, AccessEntry> | undefined
  /** Of a token, from its X-Amz-Date, milliseconds. */
  tokenLifetime: number
  /** The keys whose signatures are good: a scenario adds those of sessions. */
  readonly credentials: AwsCredential[]
  /** Why tokens were refused, the newest last. */
  readonly rejections: string[]
  readonly authenticate: AuthenticateToken
}

/** Makes the authenticator of a cluster. */
export function createEksAuthenticator(moto: Moto, cluster: string): EksAuthenticator {
  const authenticator: EksAuthenticator = {
    accessEntries: undefined,
    tokenLifetime: 15 * 60_000,
    credentials: Object.values(moto.users),
    rejections: [],
    authenticate: async (token) => {
      try {
        const arn = await identifyPrincipal(authenticator, moto, token, cluster)
        const entry = authenticator.accessEntries
          ? authenticator.accessEntries.get(toCanonicalArn(arn))
          : { groups: ['system:masters'] }
        if (entry) return { username: entry.username ?? arn, groups: entry.groups }
        authenticator.rejections.push(`ARN is not mapped: ${toCanonicalArn(arn)}`)
      } catch (error) {
        authenticator.rejections.push(error instanceof Error ? error.message : String(error))
      }
      return undefined
    },
  }
  return authenticator
}

async function identifyPrincipal(
  { credentials, tokenLifetime }: EksAuthenticator,
  moto: Moto,
  token: string,
  cluster: string,
): Promise<string> {
  const { arn } = await verifyEksToken(
    { credentials, tokenLifetime, now: () => Date.now() },
    token,
    cluster,
  )
  // moto reads who calls from the Authorization header alone, never from a presigned query: now
  // that the signature is proven to be that key's, STS is asked with the key itself.
  const credential = credentials.find(({ principalArn }) => principalArn === arn)
  if (!credential) throw new Error('no such key')
  return getElementText(
    await new AwsClient(moto.url, moto.region, credential).query('sts', 'GetCallerIdentity'),
    'Arn',
  )
}
