/** The permissions that the planned operations on the Ingress need. Pure. */
import type { Ingress } from '../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../inputs/types.ts'
import type { IngressOperation } from '../steps/ingress/operations.ts'
import type { LoadBalancerOperation } from '../steps/load-balancer/operations.ts'
import {
  ingressApplyPermissions,
  ingressRollbackPermissions,
  restServiceApplyPermissions,
  restServiceDeletionPermissions,
  restServiceRollbackPermissions,
  type Permission,
} from '../steps/preflight/permissions.ts'

/** The operations on the Ingress and on its Service, of both steps that have them. */
interface PlannedOperations {
  readonly liveIngress: Ingress | undefined
  readonly ingressOperations: readonly IngressOperation[]
  readonly loadBalancerOperations: readonly LoadBalancerOperation[]
}

export function listIngressPermissions(
  { onFailure }: Pick<EndpointSettings, 'onFailure'>,
  { liveIngress, ingressOperations, loadBalancerOperations }: PlannedOperations,
): readonly Permission[] {
  const rollsBack = onFailure === 'rollback'
  const permissions = ingressOperations.flatMap((operation) =>
    listOperationPermissions(operation, rollsBack),
  )
  if (loadBalancerOperations.length > 0)
    permissions.push(...ingressApplyPermissions(liveIngress !== undefined))
  if (rollsBack && !liveIngress) permissions.push(...ingressRollbackPermissions())
  return permissions
}

function listOperationPermissions(operation: IngressOperation, rollsBack: boolean): Permission[] {
  switch (operation.action) {
    case 'transfer-ownership':
      return ingressApplyPermissions(true)
    case 'apply':
      return ingressApplyPermissions(operation.before !== undefined)
    case 'apply-rest-service': {
      const exists = operation.before !== undefined
      const permissions = restServiceApplyPermissions(exists)
      if (rollsBack) permissions.push(...restServiceRollbackPermissions(exists))
      return permissions
    }
    case 'delete-rest-service':
      return restServiceDeletionPermissions()
  }
}
