/** What AWS rejects: the credentials, a permission, a request, or the cluster in EKS. */
import { ActionError } from './action-error.ts'

/** A call to AWS that failed. */
export interface FailedAwsCall {
  /** As IAM names it: `acm:ImportCertificate`. */
  readonly operation: string
  /** The error text of AWS or of the SDK. */
  readonly message: string
  readonly cause: unknown
}

export function awsCredentialsMissing({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-missing',
    problem: `No AWS credentials were found: ${message}`,
    remedy:
      'Run aws-actions/configure-aws-credentials before this step. With OIDC, the job also needs "permissions: id-token: write".',
    cause,
  })
}

/** A profile, a token file or a program that is configured yields none. */
export function awsCredentialSourceFailed({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-missing',
    problem: `The configured source of AWS credentials failed: ${message}`,
    remedy:
      'Check AWS_PROFILE, AWS_WEB_IDENTITY_TOKEN_FILE and the AWS configuration of this runner ("aws sts get-caller-identity" uses the same). Or unset them, and run aws-actions/configure-aws-credentials before this step.',
    cause,
  })
}

/** STS issues no credentials for the role. */
export function awsRoleRefused({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-refused',
    problem: `AWS rejected the request for credentials of the role of this job: ${message}`,
    remedy:
      'Check the name of the role, and that its trust policy allows this repository and its branch or environment (condition on sub). With OIDC, the account also needs the identity provider token.actions.githubusercontent.com.',
    cause,
  })
}

export function awsCredentialsExpired({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-expired',
    problem: `The AWS credentials have expired: ${message}`,
    remedy:
      'Run aws-actions/configure-aws-credentials again right before this step. Or set role-duration-seconds to more than the job takes, and raise the maximum session duration of the role to at least that.',
    cause,
  })
}

/** AWS rejects signatures whose time differs too much from its own. */
export function runnerClockWrong({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-refused',
    problem: `The runner's clock is wrong (it shows ${new Date().toISOString()}), so AWS rejected the signature of ${operation}: ${message}`,
    remedy:
      'Set the clock of the runner ("timedatectl set-ntp true"), or run the job on another runner.',
    cause,
  })
}

/** A header cannot contain the key id or the session token. */
export function awsCredentialsUnsendable({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-refused',
    problem: `The AWS credentials cannot be sent: ${message}`,
    remedy:
      'Remove spaces and line breaks from AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or store the secrets that they come from again without a newline at the end ("printf %s").',
    cause,
  })
}

export function awsCredentialsRejected({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-credentials-refused',
    problem: `AWS rejected the credentials for ${operation}: ${message}`,
    remedy:
      "Check that the access key exists, that its secret is correct, that the region is enabled in the account, and that the runner's clock is right.",
    cause,
  })
}

export function awsDeniedByOrganization({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-access-denied',
    problem: `A policy of the AWS organization denies ${operation}: ${message}`,
    remedy:
      'If the policy requires tags on new resources, set them in input tags. Otherwise ask the owners of its service control policies to allow the call; no policy of the role can.',
    cause,
  })
}

/** A boundary, a session policy or the policy of an endpoint limits what the role may do. */
export function awsDeniedByOtherPolicy({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-access-denied',
    problem: `A policy other than that of the role denies ${operation}: ${message}`,
    remedy:
      'Allow the call in the policy that the message names: the permissions boundary of the role, the session policy (inline-session-policy of aws-actions/configure-aws-credentials), or the policy of the VPC endpoint. Nothing in the policy of the role can.',
    cause,
  })
}

export function awsAccessDenied({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-access-denied',
    problem: `AWS denied ${operation}: ${message}`,
    remedy:
      'Add the permission to the policy of the role; docs/permissions.md has the complete policy.',
    cause,
  })
}

export function awsThrottled({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-request-failed',
    problem: `AWS still throttles ${operation} after several attempts: ${message}`,
    remedy:
      'Run the job again in a few minutes. If the error persists, find out what else in this account and region calls that API so often.',
    cause,
  })
}

export const isAwsAccessDenied = (thrown: unknown): thrown is ActionError =>
  thrown instanceof ActionError && thrown.code === 'aws-access-denied'

/** Any other error, and responses that are not from AWS at all. */
export function awsRequestFailed({ operation, message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'aws-request-failed',
    problem: `The AWS request ${operation} failed: ${message}`,
    remedy:
      "Run the job again. If the error persists, check the region, the runner's network and proxy, and the AWS Health Dashboard.",
    cause,
  })
}

/** The credentials belong to an account that allowed-account-ids does not list. */
export function awsAccountNotAllowed({
  account,
  principalArn,
  allowedAccounts,
}: {
  account: string
  principalArn: string
  allowedAccounts: readonly string[]
}): ActionError {
  return new ActionError({
    code: 'aws-account-not-allowed',
    step: 'preflight',
    problem: `The AWS credentials belong to account ${account} (${principalArn}), but input allowed-account-ids lists only ${allowedAccounts.join(', ')}.`,
    remedy: `Configure aws-actions/configure-aws-credentials with a role of an allowed account. If account ${account} is correct, add it to allowed-account-ids.`,
  })
}

/** @param reason why the file could not be read */
export function caBundleUnreadable(path: string, reason: string): ActionError {
  return new ActionError({
    code: 'input-invalid',
    problem: `The environment variable AWS_CA_BUNDLE points to ${path}, which cannot be read: ${reason}.`,
    remedy: 'Set it to a PEM file that exists on the runner, or unset it.',
  })
}

export function eksClusterNotFound(cluster: string, region: string, cause: unknown): ActionError {
  return new ActionError({
    code: 'cluster-not-found',
    problem: `EKS cluster ${cluster} does not exist in region ${region} of the account of these credentials.`,
    remedy:
      'Check the inputs cluster and region, and that the role belongs to the account of the cluster.',
    cause,
  })
}

/** @param status as EKS calls it: `CREATING` */
export function eksClusterNotReady(cluster: string, status: string): ActionError {
  return new ActionError({
    code: 'cluster-not-found',
    problem: `EKS cluster ${cluster} cannot be deployed to: its status is ${status}.`,
    remedy: `Wait until the cluster is ACTIVE ("aws eks wait cluster-active --name ${cluster}"), then run the job again.`,
  })
}

export function eksClusterBeingDeleted(cluster: string): ActionError {
  return new ActionError({
    code: 'cluster-not-found',
    problem: `EKS cluster ${cluster} cannot be deployed to: its status is DELETING.`,
    remedy: 'Set input cluster to a cluster that is not being deleted.',
  })
}

export function eksClusterCreationFailed(cluster: string): ActionError {
  return new ActionError({
    code: 'cluster-not-found',
    problem: `EKS cluster ${cluster} cannot be deployed to: its status is FAILED.`,
    remedy: `Set input cluster to another cluster, or recreate this one: EKS could not create it ("aws eks describe-cluster --name ${cluster} --query cluster.health" shows why).`,
  })
}

/** EKS Connector shows clusters of others in the console; EKS has no endpoint for them. */
export function eksClusterOnlyRegistered(cluster: string): ActionError {
  return new ActionError({
    code: 'cluster-not-found',
    problem: `EKS cluster ${cluster} runs outside of EKS and is only registered there (EKS Connector), so EKS has no endpoint for its Kubernetes API.`,
    remedy: 'Set input kubeconfig to a kubeconfig for this cluster.',
  })
}

/** @param maxLength characters that the authenticator of the cluster accepts */
export function eksTokenTooLong(cluster: string, maxLength: number): ActionError {
  return new ActionError({
    code: 'cluster-unauthorized',
    problem: `The token for EKS cluster ${cluster} exceeds the ${maxLength} characters that its authenticator accepts, because the session token of these credentials is too long.`,
    remedy:
      'Set role-skip-session-tagging: true for aws-actions/configure-aws-credentials, or use a role with fewer session tags.',
  })
}
