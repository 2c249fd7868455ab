/**
 * Identifies the bearer of an EKS token. The checks are those of aws-iam-authenticator
 * (pkg/token/token.go, Verify): the form of the presigned GetCallerIdentity request, its signature,
 * which covers the cluster's name, and its age. Then STS identifies the caller.
 */
import type { AccessEntry } from '../../simulator/aws/server.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'
import { toCanonicalArn, verifyEksToken } from '../../simulator/aws/sts.ts'
import { AwsClient, getElementText } from './aws-client.ts'
import type { Moto } from './moto.ts'
import type { AuthenticateToken } from './token-webhook.ts'

/** The authenticator. Mutable fields can be changed at any time. */
export interface EksAuthenticator {
  /**
   * By ARN of the role or user. While undefined, every principal of the account is in
   * system:masters.
   */
  accessEntries: Map<string, AccessEntry> | undefined
  /** Milliseconds from a token's X-Amz-Date until it expires. */
  tokenLifetime: number
  /** The keys whose signatures are accepted. A scenario adds the keys of its sessions. */
  readonly credentials: AwsCredential[]
  /** The reasons why tokens were rejected; the newest is last. */
  readonly rejections: string[]
  readonly authenticate: AuthenticateToken
}

/** Creates the authenticator of a cluster. */
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
  // moto identifies the caller only by the Authorization header, never by a presigned query. The
  // signature was verified above, so STS is called with the key itself.
  const credential = credentials.find(({ principalArn }) => principalArn === arn)
  if (!credential) throw new Error('no such key')
  return getElementText(
    await new AwsClient(moto.url, moto.region, credential).query('sts', 'GetCallerIdentity'),
    'Arn',
  )
}
