/** Answers of the Kubernetes API that mean the same everywhere. */
import { asActionError } from '../core/errors.ts'
import type { StatusError } from './request.ts'

/** What a status says of the identity that asked, and what to do about it. */
export const refusals: Readonly<Record<number, (message: string, purpose: string) => { code: 'cluster-unauthorized' | 'cluster-forbidden'; problem: string; remedy: string }>> = {
  401: (message, purpose) => ({
    code: 'cluster-unauthorized',
    problem: `The Kubernetes API does not know this identity, so the action could not ${purpose}: ${message}`,
    remedy: "Give the role an EKS access entry (or a line in aws-auth) on this cluster; with a kubeconfig, renew its credentials. If it worked earlier in this job, the credentials have ended.",
  }),
  403: (message, purpose) => ({
    code: 'cluster-forbidden',
    problem: `This identity may not ${purpose}: ${message}`,
    remedy: 'Bind the roles of docs/permissions.md to it: for mode check those of docs/permissions/rbac-check.yaml.',
  }),
}

/** What a read returns; what `instead` returns where this identity is not allowed to make it. */
export async function ifForbidden<T, F>(reading: Promise<T>, instead: () => F): Promise<T | F> {
  try {
    return await reading
  } catch (thrown) {
    if (asActionError(thrown).code !== 'cluster-forbidden') throw thrown
    return instead()
  }
}

/** Whether an admission webhook said no, or could not be asked: nobody's permission and nobody's control plane. */
export const byWebhook = ({ message }: StatusError): boolean => /admission webhook .* denied|failed calling webhook/.test(message)

/** Whether a server error is about the object: of a webhook, or of an apply that cannot tell the items of a list apart. Source: apimachinery, util/managedfields/internal/structuredmerge.go. */
export const byRule = (error: StatusError): boolean => byWebhook(error) || /failed to create typed (patch|live) object/.test(error.message)
