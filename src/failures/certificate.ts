/** What is wrong with a certificate in ACM, and what ACM rejects. */
import type { FailedAwsCall } from './aws.ts'
import { ActionError } from './action-error.ts'

/** An ALB can only use certificates of its own account. */
export function certificateInOtherAccount(
  certificateAccount: string,
  clusterAccount: string,
): ActionError {
  return new ActionError({
    code: 'inputs-conflict',
    problem: `Input certificate-arn belongs to account ${certificateAccount}, but the cluster is in account ${clusterAccount}.`,
    remedy: `An ALB can only use certificates of its own account. Set certificate-arn to a certificate of account ${clusterAccount}, or set certificate and private-key.`,
  })
}

/** The certificate behind input certificate-arn, or one that the Ingress names, is not in ACM. */
export function certificateNotFound(arn: string): ActionError {
  return new ActionError({
    code: 'certificate-not-found',
    problem: `ACM certificate ${arn} does not exist in this account and region.`,
    remedy:
      'Check the ARN, its region and its account, or set certificate and private-key to import a certificate.',
  })
}

/** The certificate behind input certificate-arn has expired. */
export function acmCertificateExpired(arn: string, expiredAt: Date): ActionError {
  return new ActionError({
    code: 'certificate-expired',
    problem: `ACM certificate ${arn} expired on ${expiredAt.toISOString()}.`,
    remedy: 'Renew it in ACM, or set certificate and private-key.',
  })
}

/**
 * Input certificate-arn is an ARN whose certificate this action did not import for this target.
 * @param inUseBy names of what uses the certificate; undefined when that is unknown
 */
export function certificateNotOurs({
  arn,
  dnsNames,
  inUseBy,
}: {
  arn: string
  dnsNames: readonly string[]
  inUseBy: readonly string[] | undefined
}): ActionError {
  return new ActionError({
    code: 'certificate-not-ours',
    problem: `ACM certificate ${arn} (${dnsNames.join(', ')}) differs from input certificate, and this action did not import it for this target${formatUsage(inUseBy)}.`,
    remedy:
      'Leave certificate-arn empty to import a separate certificate, or set replace-certificate: true to replace the certificate under this ARN for everything that uses it.',
  })
}

function formatUsage(inUseBy: readonly string[] | undefined): string {
  if (inUseBy === undefined) return ''
  return inUseBy.length === 0 ? '; nothing uses it' : `; it is used by ${inUseBy.join(', ')}`
}

/**
 * Input certificate-arn names a certificate of this target, and a re-import would remove a name.
 * @param name that only the existing certificate covers
 */
export const certificateLosesName = (arn: string, name: string): ActionError =>
  new ActionError({
    code: 'certificate-not-ours',
    problem: `ACM certificate ${arn} covers ${name}, which input certificate does not. What else uses this ARN may serve that name.`,
    remedy:
      'Leave certificate-arn empty to import a separate certificate, or set replace-certificate: true to replace the certificate under this ARN for everything that uses it.',
  })

/** @param obstacle why ACM would reject the re-import, as a clause: `its key is RSA_2048, not …` */
export function certificateNotReplaceable(arn: string, obstacle: string): ActionError {
  return new ActionError({
    code: 'certificate-refused',
    problem: `ACM certificate ${arn} cannot be replaced with input certificate: ${obstacle}.`,
    remedy:
      'Leave certificate-arn empty to import a new certificate and switch the Ingress to its ARN.',
  })
}

/**
 * ACM rejected the re-import under the ARN of the inputs. The action imports no other certificate
 * then: each run would import another one.
 */
export function reimportRejected(arn: string, rejection: ActionError): ActionError {
  return new ActionError({
    code: 'certificate-refused',
    problem: `ACM certificate ${arn} (input certificate-arn) could not be replaced with input certificate. ${rejection.message}`,
    remedy:
      'Request the certificate with the key usages and names of the existing one, or leave certificate-arn empty to import a new certificate and switch the Ingress to its ARN.',
    cause: rejection.cause,
  })
}

const alternativeRemedy = 'Set certificate-arn to another one, or set certificate and private-key.'

/** @param validation what is missing, as an instruction: `Create the DNS record …` */
export function certificatePendingValidation(
  arn: string,
  validation: string,
  cause: unknown,
): ActionError {
  return new ActionError({
    code: 'certificate-not-issued',
    problem: `ACM certificate ${arn} is not issued yet.`,
    remedy: `${validation}, then run the job again.`,
    cause,
  })
}

export function certificateValidationTimedOut(arn: string): ActionError {
  return new ActionError({
    code: 'certificate-not-issued',
    problem: `ACM certificate ${arn} was never issued: nobody validated it within 72 hours.`,
    remedy: `Request and validate a new certificate. ${alternativeRemedy}`,
  })
}

/** @param failureReason as ACM names it: `CAA_ERROR` */
export function certificateRequestFailed(
  arn: string,
  failureReason: string | undefined,
): ActionError {
  return new ActionError({
    code: 'certificate-not-issued',
    problem: `ACM certificate ${arn} was not issued because its request failed: ${failureReason ?? 'ACM gives no reason'}.`,
    remedy: `Request a new certificate. ${alternativeRemedy}`,
  })
}

/** @param revocationReason as ACM names it: `KEY_COMPROMISE` */
export function certificateRevoked(arn: string, revocationReason: string | undefined): ActionError {
  const reason = revocationReason === undefined ? '' : ` (${revocationReason})`
  return new ActionError({
    code: 'certificate-not-issued',
    problem: `ACM certificate ${arn} is revoked${reason}, and clients may reject it.`,
    remedy: alternativeRemedy,
  })
}

export function certificateInactive(arn: string): ActionError {
  return new ActionError({
    code: 'certificate-not-issued',
    problem: `ACM certificate ${arn} is inactive.`,
    remedy: alternativeRemedy,
  })
}

/** The imports of the last 365 days are used up. */
export function acmImportQuotaExceeded({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'certificate-quota-exceeded',
    problem: `ACM rejected the import because the quota of imports in the last 365 days is used up, which deleting certificates does not change: ${message}`,
    remedy:
      'Set certificate-arn to an existing certificate, with replace-certificate: true to replace it. Request a higher quota: "aws service-quotas list-service-quotas --service-code acm" lists it (imported in the last 365 days), "aws service-quotas request-service-quota-increase" raises it.',
    cause,
  })
}

export function acmCertificateQuotaExceeded({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'certificate-quota-exceeded',
    problem: `ACM rejected the import because the quota of certificates in this account and region is used up: ${message}`,
    remedy:
      'Delete unused certificates ("aws acm list-certificates", "aws acm delete-certificate"; ACM does not delete one that is in use), or request a higher quota of ACM certificates with "aws service-quotas request-service-quota-increase".',
    cause,
  })
}

export function acmTagsRejected({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'certificate-refused',
    problem: `ACM rejected the tags of the certificate: ${message}`,
    remedy:
      'Set input tags to the keys and values that the tag policy of the organization requires. AWS allows 50 tags, of which this action sets four (milvus-alb-action/...).',
    cause,
  })
}

export function acmCertificateRejected({ message, cause }: FailedAwsCall): ActionError {
  return new ActionError({
    code: 'certificate-refused',
    problem: `ACM rejected the certificate: ${message}`,
    remedy:
      'Correct the part that the message names. ACM requires one server certificate, its chain in order, and an unencrypted RSA or EC key.',
    cause,
  })
}

/** The responses to all attempts were lost. @param reason of the last */
export function certificateImportFailed(attempts: number, reason: string): ActionError {
  return new ActionError({
    code: 'aws-request-failed',
    problem: `ACM did not confirm the import of the certificate in ${attempts} attempts, and does not have it: ${reason}`,
    remedy: 'Run the job again later. It looks for the certificate in ACM before it imports one.',
  })
}

/**
 * @param waited milliseconds
 * @param status the last one observed, as a clause
 */
export function certificateStillInUse({
  arn,
  waited,
  status,
}: {
  arn: string
  waited: number
  status: string
}): ActionError {
  return new ActionError({
    code: 'certificate-in-use',
    problem: `ACM certificate ${arn} could not be deleted within ${Math.round(waited / 1000)} s: ${status}.`,
    remedy: `ACM notices the deletion of a load balancer only after minutes. Run the job again in half an hour to delete the certificate. If it is still in use then, "aws acm describe-certificate --certificate-arn ${arn} --query Certificate.InUseBy" lists what uses it.`,
  })
}
