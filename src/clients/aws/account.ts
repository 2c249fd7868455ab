/**
 * STS: checks the account of the credentials before any other request is signed with them. The
 * SDK's client is large, so it is imported only when accounts are restricted.
 */
import { awsAccountNotAllowed } from '../../failures/aws.ts'
import type { AwsClientConfig } from './clients.ts'
import { translateAwsError } from './errors.ts'

/**
 * Credentials that sign nothing until their account is known to be allowed, so that no client can
 * send a request before that.
 * @param config of a client with the same credentials, for the one call that precedes all others.
 *   IAM cannot deny it. Source: STS API reference, GetCallerIdentity
 * @param allowedAccounts ids; empty allows every account
 */
export function restrictToAccounts(
  config: AwsClientConfig,
  allowedAccounts: readonly string[],
): AwsClientConfig['credentials'] {
  if (allowedAccounts.length === 0) return config.credentials
  let accountCheck: Promise<void> | undefined
  return async (options) => {
    const credentials = await config.credentials(options)
    await (accountCheck ??= requireAllowedAccount(config, allowedAccounts))
    return credentials
  }
}

/** @throws ActionError `aws-account-not-allowed`, and those of `translateAwsError` */
async function requireAllowedAccount(
  config: AwsClientConfig,
  allowedAccounts: readonly string[],
): Promise<void> {
  const { account, principalArn } = await getCallerIdentity(config)
  if (!allowedAccounts.includes(account))
    throw awsAccountNotAllowed({ account, principalArn, allowedAccounts })
}

async function getCallerIdentity(
  config: AwsClientConfig,
): Promise<{ account: string; principalArn: string }> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  try {
    const { Account = '', Arn = '' } = await new STSClient(config).send(
      new GetCallerIdentityCommand({}),
    )
    return { account: Account, principalArn: Arn }
  } catch (thrown) {
    throw translateAwsError('sts:GetCallerIdentity', thrown)
  }
}
