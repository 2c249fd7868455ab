/** Failures before the model is built. Sources: see formats.ts. */
import { groupPrefix, classPrefix, type PermanentFailure } from './formats.ts'

export const classAndGroupFailures: readonly PermanentFailure[] = [
  {
    name: 'a class that does not exist',
    reason: 'FailedLoadGroupID',
    message: `${classPrefix}IngressClass.networking.k8s.io "nope" not found`,
    remedy: /ingress-class/,
  },
  {
    name: 'a class without its parameters',
    reason: 'FailedLoadGroupID',
    message: `${classPrefix}IngressClass alb references unknown parameters`,
    remedy: /IngressClassParams/,
  },
  {
    name: 'a class for other namespaces',
    reason: 'FailedLoadGroupID',
    message: `${classPrefix}namespaceSelector of IngressClassParams platform mismatch`,
    remedy: /Label the namespace/,
  },
  {
    name: 'an invalid group name',
    reason: 'FailedLoadGroupID',
    message: `${groupPrefix}groupName must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
    remedy: /^Set group-name/,
  },
  {
    name: 'a group name that is too long',
    reason: 'FailedLoadGroupID',
    message: `${groupPrefix}groupName must be no more than 63 characters`,
    remedy: /^Set group-name/,
  },
  {
    name: 'a forbidden finalizer',
    reason: 'FailedAddFinalizer',
    message:
      'Failed add finalizer due to ingresses.networking.k8s.io "milvus-demo" is forbidden: User "system:serviceaccount:kube-system:aws-load-balancer-controller" cannot patch resource "ingresses"',
    remedy: /what the message names/,
  },
]
