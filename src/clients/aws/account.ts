/**
 * STS: whose account this is, before anything else is asked of AWS. The client's code is large: it
 * is loaded only where it is asked.
 */
import { ActionError } from '../../failures/action-error.ts'
import type { AwsClientConfig } from './clients.ts'
import { translateAwsError } from './errors.ts'

/**
 * Credentials that sign nothing until their account is known to be an allowed one, so that no
 * client can ask first.
 * @param config of a client with the same credentials, for the one call that goes ahead. IAM
 *   cannot deny it (STS API reference, GetCallerIdentity)
 * @param allowedAccounts ids; every account is when there are none
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

/** @throws ActionError `aws-account-not-allowed`, and the AWS ones */
async function requireAllowedAccount(
  config: AwsClientConfig,
  allowedAccounts: readonly string[],
): Promise<void> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts')
  const { Account = '', Arn = '' } = await new STSClient(config)
    .send(new GetCallerIdentityCommand({}))
    .catch((thrown: unknown) => {
      throw translateAwsError('sts:GetCallerIdentity', thrown)
    })
  if (allowedAccounts.includes(Account)) return
  throw new ActionError({
    code: 'aws-account-not-allowed',
    step: 'preflight',
    problem: `The AWS credentials are of account ${Account} (${Arn}), and allowed-account-ids has only ${allowedAccounts.join(', ')}.`,
    remedy: `Give aws-actions/configure-aws-credentials a role of an allowed account; if ${Account} is meant, add it to allowed-account-ids.`,
  })
}
