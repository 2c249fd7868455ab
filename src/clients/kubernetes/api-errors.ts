/** Errors of the Kubernetes API that are about the object, and not about the cluster. */
import type { StatusError } from './request.ts'

/**
 * Whether an admission webhook denied the request, or could not be called: neither is a matter of
 * permissions or of the control plane.
 */
export const isWebhookError = ({ message }: StatusError): boolean =>
  /admission webhook "[^"]{1,253}" denied|failed calling webhook/.test(message)

/**
 * Whether the error concerns the object: a webhook rejected it, or an apply cannot tell the items
 * of a list apart. Source: apimachinery, util/managedfields/internal/structuredmerge.go.
 */
export const isObjectRejection = (error: StatusError): boolean =>
  isWebhookError(error) || /failed to create typed (patch|live) object/.test(error.message)
