/** Answers of the Kubernetes API that mean the same everywhere. */
import { toActionError } from '../../failures/thrown.ts'
import type { StatusError } from './request.ts'

/** What a status says of the identity that asked, and what to do about it. */
export const authErrors: Readonly<
  Record<
    number,
    (
      message: string,
      operation: string,
    ) => { code: 'cluster-unauthorized' | 'cluster-forbidden'; problem: string; remedy: string }
  >
> = {
  401: (message, operation) => ({
    code: 'cluster-unauthorized',
    problem: `The Kubernetes API does not know this identity, so the action could not ${operation}: ${message}`,
    remedy:
      'Give the role an EKS access entry (or a line in aws-auth) on this cluster; with a kubeconfig, renew its credentials. If it worked earlier in this job, the credentials have ended.',
  }),
  403: (message, operation) => ({
    code: 'cluster-forbidden',
    problem: `This identity may not ${operation}: ${message}`,
    remedy:
      'Bind the roles of docs/permissions.md to it: for mode check those of docs/permissions/rbac-check.yaml.',
  }),
}

/** What a read returns; what `instead` returns where this identity is not allowed to make it. */
export async function fallbackIfForbidden<T, F>(
  request: Promise<T>,
  fallback: () => F,
): Promise<T | F> {
  try {
    return await request
  } catch (thrown) {
    if (toActionError(thrown).code !== 'cluster-forbidden') throw thrown
    return fallback()
  }
}

/**
 * Whether an admission webhook said no, or could not be asked: nobody's permission and nobody's
 * control plane.
 */
export const isWebhookError = ({ message }: StatusError): boolean =>
  /admission webhook .* denied|failed calling webhook/.test(message)

/**
 * Whether a server error is about the object: of a webhook, or of an apply that cannot tell the
 * items of a list apart. Source: apimachinery, util/managedfields/internal/structuredmerge.go.
 */
export const isObjectRejection = (error: StatusError): boolean =>
  isWebhookError(error) || /failed to create typed (patch|live) object/.test(error.message)
