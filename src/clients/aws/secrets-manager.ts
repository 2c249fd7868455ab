/**
 * Secrets Manager: the secret that contains a certificate. Few runs need its client: import this
 * module dynamically.
 */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as failures from '../../failures/certificate-secret.ts'
import type { AwsClients } from './clients.ts'
import { translateAwsError, type AwsErrorRule } from './errors.ts'

/** The first match wins. Source: Secrets Manager API reference, GetSecretValue. */
const errorRules = (arn: string): readonly AwsErrorRule[] => [
  {
    // "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    namePattern: /^ResourceNotFoundException$/,
    messagePattern: /staging label/i,
    createFailure: () => failures.awsSecretWithoutValue(arn),
  },
  {
    namePattern: /^ResourceNotFoundException$/,
    createFailure: () => failures.awsSecretNotFound(arn),
  },
  {
    // "... because it was marked for deletion", and earlier "... that's currently marked deleted".
    namePattern: /^InvalidRequestException$/,
    messagePattern: /delet/i,
    createFailure: () => failures.awsSecretScheduledForDeletion(arn),
  },
  {
    // "Access to KMS is not allowed", and messages that name kms:Decrypt or a disabled key. The
    // name of a role or a secret may contain "kms", too.
    namePattern: /^(AccessDeniedException|DecryptionFailure|InvalidRequestException)$/,
    messagePattern: /\bkms:|access to kms|kms key/i,
    createFailure: ({ message, cause }) => failures.awsSecretKeyDenied(arn, message, cause),
  },
  {
    // Organizations and boundaries have failures of their own.
    namePattern: /^AccessDeniedException$/,
    messagePattern: /^(?!.*(?:control policy|boundary|session policy|endpoint policy))/i,
    createFailure: ({ message, cause }) => failures.awsSecretDenied(arn, message, cause),
  },
]

/**
 * The current value of a secret, as text or as bytes.
 * @param region that of the secret, which may differ from that of the cluster
 * @throws ActionError `certificate-secret-not-found`, and those of `translateAwsError`
 */
export async function getSecretValue(
  config: AwsClients['config'],
  { arn, region }: { readonly arn: string; readonly region: string },
): Promise<string | Uint8Array> {
  const client = new SecretsManagerClient({ ...config, region })
  try {
    const { SecretString, SecretBinary } = await client.send(
      new GetSecretValueCommand({ SecretId: arn }),
    )
    return SecretString ?? SecretBinary ?? ''
  } catch (thrown) {
    throw translateAwsError('secretsmanager:GetSecretValue', thrown, errorRules(arn))
  }
}
