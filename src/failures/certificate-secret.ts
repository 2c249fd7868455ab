/** What can be wrong with the secret that input certificate-secret names. */
import { ActionError } from './action-error.ts'

/** A Secret in the cluster. */
export interface SecretName {
  readonly namespace: string
  readonly name: string
}

const describeCertificate = (namespace: string): string =>
  `"kubectl describe certificate --namespace ${namespace}" shows what cert-manager waits for`

const notFound = (problem: string, remedy: string): ActionError =>
  new ActionError({ code: 'certificate-secret-not-found', problem, remedy })

const unusable = (problem: string, remedy: string): ActionError =>
  new ActionError({ code: 'certificate-secret-unusable', problem, remedy })

export const clusterSecretNotFound = ({ namespace, name }: SecretName): ActionError =>
  notFound(
    `Secret ${name}, which certificate-secret names, does not exist in namespace ${namespace}.`,
    `Correct certificate-secret; for a Secret in another namespace, set it to NAMESPACE/${name}. If the certificate is being issued for the first time, run the job again when it is: ${describeCertificate(namespace)}.`,
  )

/** @param denial of the Kubernetes API */
export const clusterSecretDenied = (
  { namespace, name }: SecretName,
  denial: ActionError,
): ActionError =>
  new ActionError({
    code: 'cluster-forbidden',
    problem: denial.message,
    remedy: `Allow "get" for Secret ${name} alone in namespace ${namespace}: docs/permissions.md has the Role to apply, under "A secret as the source of the certificate".`,
    cause: denial,
  })

/** @param type as in the Secret: `Opaque` */
export const clusterSecretOfOtherType = (
  { namespace, name }: SecretName,
  type: string,
): ActionError =>
  unusable(
    `Secret ${namespace}/${name} is of type ${type}, not kubernetes.io/tls.`,
    'Set certificate-secret to a Secret as cert-manager or "kubectl create secret tls" creates it.',
  )

/** @param entry `tls.crt` */
export const clusterSecretEmpty = ({ namespace, name }: SecretName, entry: string): ActionError =>
  unusable(
    `Secret ${namespace}/${name} has no ${entry} yet: it is empty.`,
    `Run the job again when the certificate is issued; ${describeCertificate(namespace)}.`,
  )

/** Source: cert-manager, annotation cert-manager.io/issue-temporary-certificate. */
export const clusterSecretTemporary = ({ namespace, name }: SecretName): ActionError =>
  unusable(
    `Secret ${namespace}/${name} contains the temporary certificate with which cert-manager bridges the time until the certificate is issued.`,
    `Run the job again when the certificate is issued; ${describeCertificate(namespace)}.`,
  )

export const awsSecretNotFound = (arn: string): ActionError =>
  notFound(
    `Secret ${arn}, which certificate-secret names, does not exist in AWS Secrets Manager.`,
    'Set certificate-secret to the complete ARN that "aws secretsmanager describe-secret" shows: its name ends with a hyphen and six random characters.',
  )

/** It was created without a value. */
export const awsSecretWithoutValue = (arn: string): ActionError =>
  notFound(
    `Secret ${arn} in AWS Secrets Manager has no value yet.`,
    'Store the certificate and its key in it, then run the job again.',
  )

export const awsSecretScheduledForDeletion = (arn: string): ActionError =>
  notFound(
    `Secret ${arn} in AWS Secrets Manager is scheduled for deletion.`,
    'Restore it with "aws secretsmanager restore-secret", or set certificate-secret to its replacement.',
  )

/** The policies of the role or of the secret do not allow the read. */
export const awsSecretDenied = (arn: string, message: string, cause: unknown): ActionError =>
  new ActionError({
    code: 'aws-access-denied',
    problem: `AWS denied secretsmanager:GetSecretValue: ${message}`,
    remedy: `Allow it for this secret alone: docs/permissions.md has the statement, under "A secret as the source of the certificate". If secret ${arn} has a policy of its own, that one must not deny it.`,
    cause,
  })

/** The secret may be read, but not decrypted. */
export const awsSecretKeyDenied = (arn: string, message: string, cause: unknown): ActionError =>
  new ActionError({
    code: 'aws-access-denied',
    problem: `Secret ${arn} cannot be decrypted with its KMS key: ${message}`,
    remedy:
      'Allow kms:Decrypt for the key of the secret, in the policy of the role and in that of the key, and check that the key is enabled. Only a secret with the key aws/secretsmanager needs neither.',
    cause,
  })

/**
 * @param secret the name that begins the sentence
 * @param part what is missing: `certificate`
 * @param expectedKeys any of which would contain it
 */
export const secretEntryMissing = (
  secret: string,
  part: string,
  expectedKeys: readonly string[],
): ActionError =>
  unusable(
    `${secret} contains JSON without a ${part}: it has none of the keys ${expectedKeys.join(', ')}.`,
    `Store the ${part} as PEM under one of these keys.`,
  )

/** @param part `private key` */
export const secretPartMissing = (secret: string, part: string): ActionError =>
  unusable(
    `${secret} contains PEM without a ${part}.`,
    'Store the certificate, its intermediate certificates and its unencrypted key as one PEM text, or as JSON with the keys certificate, private_key and chain.',
  )

/** Without a cause: the text is a secret. */
export const secretNotPem = (secret: string): ActionError =>
  unusable(
    `${secret} contains neither JSON nor PEM.`,
    'Store JSON with the keys certificate, private_key and chain, or one PEM text with the certificates and the key.',
  )
