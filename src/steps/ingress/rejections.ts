/** Translates the rejection of an Ingress by the Kubernetes API. */
import type { StatusError } from '../../clients/kubernetes/request.ts'
import type { ActionError } from '../../failures/action-error.ts'
import { webhookUnavailable } from '../../failures/controller.ts'
import { ingressConflict, ingressRejected } from '../../failures/ingress.ts'

/** @param ingress its name */
export function translateApplyError(ingress: string, error: StatusError): ActionError {
  const conflicts = error.causes.filter(({ reason }) => reason === 'FieldManagerConflict')
  if (conflicts.length > 0) {
    const fields = conflicts.map(({ field = '', message = '' }) => `${field} (${message})`)
    return ingressConflict(ingress, fields, error)
  }
  const { message } = error
  const [, webhook] = /failed calling webhook "([^"]+)"/.exec(message) ?? []
  if (webhook !== undefined) return webhookUnavailable({ webhook, ingress, message, cause: error })
  return ingressRejected({ ingress, isConcurrent: error.status === 409, message, cause: error })
}
