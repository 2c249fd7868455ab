/** Translates the rejection of an Ingress, or of its Service, by the Kubernetes API. */
import type { StatusError } from '../../clients/kubernetes/request.ts'
import type { ActionError } from '../../failures/action-error.ts'
import { webhookUnavailable } from '../../failures/controller.ts'
import { ingressConflict, ingressRejected } from '../../failures/ingress.ts'
import { restServiceDeletionRejected, restServiceRejected } from '../../failures/service.ts'

/** @param ingress its name */
export function translateApplyError(ingress: string, error: StatusError): ActionError {
  const conflicts = error.causes.filter(({ reason }) => reason === 'FieldManagerConflict')
  if (conflicts.length > 0) {
    const fields = conflicts.map(({ field = '', message = '' }) => `${field} (${message})`)
    return ingressConflict(ingress, fields, error)
  }
  const { message } = error
  return (
    findWebhookFailure(`Ingress ${ingress}`, error) ??
    ingressRejected({ ingress, isConcurrent: error.status === 409, message, cause: error })
  )
}

/** @param service the name of the one for the RESTful API */
export const translateServiceError = (service: string, error: StatusError): ActionError =>
  findWebhookFailure(`Service ${service}`, error) ??
  restServiceRejected({
    ...describeRejection(service, error),
    isNameTaken: error.causes.some(({ reason }) => reason === 'FieldValueDuplicate'),
  })

/** @param service the name of the one for the RESTful API */
export const translateServiceDeletionError = (service: string, error: StatusError): ActionError =>
  findWebhookFailure(`Service ${service}`, error) ??
  restServiceDeletionRejected(describeRejection(service, error))

const describeRejection = (service: string, error: StatusError) => ({
  service,
  isConcurrent: error.status === 409,
  message: error.message,
  cause: error,
})

/** The controller has webhooks for Services, too. */
function findWebhookFailure(object: string, error: StatusError): ActionError | undefined {
  const { message } = error
  const [, webhook] = /failed calling webhook "([^"]+)"/.exec(message) ?? []
  return webhook === undefined
    ? undefined
    : webhookUnavailable({ webhook, object, message, cause: error })
}
