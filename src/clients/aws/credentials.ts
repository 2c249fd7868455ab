/**
 * The credentials of the default provider chain, masked, and with failures of their own: every call
 * needs them first, so without this a failure to get them would look like one of that call.
 */
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { ActionError } from '../../failures/action-error.ts'
import {
  awsCredentialSourceFailed,
  awsCredentialsMissing,
  awsRoleRefused,
} from '../../failures/aws.ts'
import { getErrorMessage } from '../../util/text.ts'
import type { AwsClientConfig } from './clients.ts'
import { errorName, translateAwsError } from './errors.ts'

/** Provides credentials, and renews those that are about to expire. */
export type CredentialProvider = ReturnType<typeof defaultProvider>

/** What a failure to get credentials calls its operation. */
const operation = 'for credentials'

/** What the chain needs, and what it must tell. */
export interface CredentialSource {
  readonly clientConfig: Pick<AwsClientConfig, 'region' | 'requestHandler'>
  /** AWS_PROFILE: the chain skips a profile that does not exist. */
  readonly profile: string | undefined
  /** Called with what the runner does not mask: credentials of profiles, roles, programs. */
  readonly maskSecret: (secret: string) => void
}

/** The default provider chain. */
export function createCredentialProvider(source: CredentialSource): CredentialProvider {
  const { clientConfig, profile, maskSecret } = source
  const skipped = new SkippedSources()
  const provider = defaultProvider({ clientConfig, logger: skipped })
  const masked = new Set<string>()
  return async (options) => {
    const credentials = await provider(options).catch((thrown: unknown) => {
      throw translateCredentialError(thrown, skipped.reason ?? describeProfile(profile))
    })
    for (const secret of [credentials.secretAccessKey, credentials.sessionToken]) {
      if (secret === undefined || masked.has(secret)) continue
      masked.add(secret)
      maskSecret(secret)
    }
    return credentials
  }
}

const describeProfile = (profile: string | undefined): string | undefined =>
  profile && `profile ${profile} (AWS_PROFILE) provides none`

/**
 * The chain skips a program that fails, and tells only its logger why. Source:
 * @smithy/property-provider, ProviderError.
 */
class SkippedSources {
  reason: string | undefined

  debug(line: unknown): void {
    const [, reason] = /-> (Command failed: .{1,2000})/s.exec(String(line)) ?? []
    this.reason ??= reason?.trim()
  }
  info(): void {
    // Only debug lines contain reasons.
  }
  warn(): void {
    // As info.
  }
  error(): void {
    // As info.
  }
}

/** Names of STS' errors about the role and its trust policy. Source: STS API reference. */
const roleErrors =
  /^(AccessDenied(Exception)?|InvalidIdentityToken(Exception)?|IDPRejectedClaim(Exception)?|IDPCommunicationError(Exception)?|PackedPolicyTooLarge(Exception)?|RegionDisabled(Exception)?|ValidationError)$/

/**
 * @param thrown by the provider chain
 * @param skipReason why the chain skipped a source that is configured
 */
export function translateCredentialError(thrown: unknown, skipReason?: string): ActionError {
  if (thrown instanceof ActionError) return thrown
  const failure = { operation, message: getErrorMessage(thrown), cause: thrown }
  const name = errorName(thrown)
  if (roleErrors.test(name)) return awsRoleRefused(failure)
  // Source: @smithy/property-provider, and node:fs for the file of a web identity token.
  if (/from any providers$/.test(failure.message)) {
    if (!skipReason) return awsCredentialsMissing(failure)
    return awsCredentialSourceFailed({ ...failure, message: skipReason })
  }
  const isSourceError = name === 'CredentialsProviderError' || isFileError(thrown)
  if (isSourceError) return awsCredentialSourceFailed(failure)
  return translateAwsError(operation, thrown)
}

const isFileError = (thrown: unknown): boolean =>
  ['open', 'read'].includes((thrown as NodeJS.ErrnoException).syscall ?? '')
