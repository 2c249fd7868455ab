/** The operations of step ingress, and the changes that show them to people. Pure. */
import { kubectlManager } from '../../clients/kubernetes/field-ownership.ts'
import type { FieldsV1, Ingress, Service } from '../../clients/kubernetes/types.ts'
import { annotationPrefix, groupAnnotation } from '../../controller/annotations.ts'
import { ingressConflict } from '../../failures/ingress.ts'
import type { Change } from '../step.ts'
import { diffDesiredIngress, withCertificateArn, type DesiredIngress } from './desired.ts'
import { describeLastManager, listConflicts } from './field-managers.ts'
import { fieldManager, restPaths, type FieldDifference } from './manifest.ts'
import { findReplacementReasons, type AlbIdentity } from './replacement.ts'
import { diffRestService, type ServiceManifest } from './rest-service.ts'

/** Which Ingress an operation changes. */
interface IngressName {
  readonly namespace: string
  readonly name: string
}

/** Transfers fields from kubectl to this action, so that an apply can change and remove them. */
export interface TransferOwnership extends IngressName {
  readonly action: 'transfer-ownership'
  /** In the format of managedFields. */
  readonly fields: FieldsV1
}

/** Applies the Ingress server-side. */
export interface ApplyIngress extends IngressName {
  readonly action: 'apply'
  readonly desired: DesiredIngress
  /** The live Ingress; undefined when it does not exist. */
  readonly before: Ingress | undefined
  readonly desiredAlb: AlbIdentity
  /** Whether to take over fields that other field managers own. */
  readonly force: boolean
}

/** Applies the Service of the RESTful API server-side. */
export interface ApplyRestService extends IngressName {
  readonly action: 'apply-rest-service'
  readonly desired: ServiceManifest
  /** The live Service; undefined when it does not exist. */
  readonly before: Service | undefined
}

/** Deletes the Service of the RESTful API, which the Ingress no longer refers to. */
export interface DeleteRestService extends IngressName {
  readonly action: 'delete-rest-service'
  readonly uid: string
  readonly why: string
}

export type IngressOperation =
  TransferOwnership | ApplyIngress | ApplyRestService | DeleteRestService

/** What has to wait until the controller has reconciled the Ingress. */
export const isCleanup = ({ action }: IngressOperation): boolean => action === 'delete-rest-service'

/** The changes of operations, in order. */
export const toChanges = (operations: readonly IngressOperation[]): Change[] =>
  operations.flatMap(describeOperation)

function describeOperation(operation: IngressOperation): Change[] {
  const object = `Ingress ${operation.namespace}/${operation.name}`
  switch (operation.action) {
    case 'apply-rest-service':
      return describeServiceApply(operation)
    case 'delete-rest-service':
      return [describeServiceDeletion(operation)]
    case 'transfer-ownership':
      return [
        {
          step: 'ingress',
          object,
          path: 'metadata.managedFields',
          before: kubectlManager,
          after: fieldManager,
          why:
            'it was created with kubectl apply, and this action takes over the fields that it ' +
            'sets',
        },
      ]
    case 'apply':
      return diffDesiredIngress(operation.desired, operation.before).map((difference) => ({
        step: 'ingress',
        object,
        ...difference,
        why: explainDifference(operation, difference),
      }))
  }
}

function describeServiceApply(operation: ApplyRestService): Change[] {
  const { namespace, name, desired, before } = operation
  return diffRestService(desired, before).map((difference) => ({
    step: 'ingress',
    object: `Service ${namespace}/${name}`,
    ...difference,
    why: before
      ? 'differs from the inputs, or from the Service of Milvus'
      : 'the Service of the RESTful API does not exist yet',
  }))
}

export const describeServiceDeletion = ({ namespace, name, why }: DeleteRestService): Change => ({
  step: 'ingress',
  object: `Service ${namespace}/${name}`,
  path: 'RESTful API',
  before: restPaths.join(', '),
  why,
})

function explainDifference(operation: ApplyIngress, difference: FieldDifference): string {
  const { before } = operation
  if (!before) return 'the Ingress does not exist yet'
  const isForceNeeded = listFieldConflicts(operation, difference).length > 0
  const forceNote = isForceNeeded ? ', and a deploy reverts it only with force-conflicts: true' : ''
  return `differs from the inputs${describeLastManager(before, difference.path)}${forceNote}`
}

/** The other managers with which an apply of a field conflicts. A removal never conflicts. */
function listFieldConflicts(
  { before, force }: ApplyIngress,
  { path, after }: FieldDifference,
): string[] {
  if (!before || force || after === undefined) return []
  return listConflicts(before, path)
}

const findConflicts = (operation: ApplyIngress): string[] =>
  diffDesiredIngress(operation.desired, operation.before).flatMap((difference) =>
    listFieldConflicts(operation, difference),
  )

/** Whether a deploy with the same inputs fails, and succeeds with `force-conflicts: true`. */
export const requiresForce = (operations: readonly IngressOperation[]): boolean =>
  operations.some(
    (operation) => operation.action === 'apply' && findConflicts(operation).length > 0,
  )

/**
 * Whether the apply changes a field, so that the controller reconciles. A transfer of ownership
 * alone does not trigger a reconcile.
 */
export const changesFields = (operations: readonly IngressOperation[]): boolean =>
  operations.some(
    (operation) =>
      operation.action === 'apply' &&
      diffDesiredIngress(operation.desired, operation.before).length > 0,
  )

/** The fields that decide which ALB an Ingress has. */
const albPaths = [
  `metadata.annotations.${annotationPrefix}scheme`,
  `metadata.annotations.${groupAnnotation}`,
  'spec.ingressClassName',
]

/**
 * Whether the apply makes the controller replace the ALB. Not if an earlier change does that it has
 * not reconciled yet: nothing prevents that one any more.
 */
export const replacesLoadBalancer = (operations: readonly IngressOperation[]): boolean =>
  operations.some(
    (operation) =>
      operation.action === 'apply' &&
      findReplacementReasons(operation.before, operation.desiredAlb).length > 0 &&
      diffDesiredIngress(operation.desired, operation.before).some(({ path }) =>
        albPaths.includes(path),
      ),
  )

/** Sets the ARN that operations did not know when they were planned. */
export const resolveCertificate = (
  operations: readonly IngressOperation[],
  arn: string,
): IngressOperation[] =>
  operations.map((operation) =>
    operation.action === 'apply'
      ? { ...operation, desired: withCertificateArn(operation.desired, arn) }
      : operation,
  )

/**
 * Finds the conflicts of an apply in preflight, before ACM and Helm have changed anything.
 * @throws ActionError `ingress-conflict`
 */
export function checkConflicts(operations: readonly IngressOperation[]): void {
  for (const operation of operations) {
    if (operation.action !== 'apply') continue
    const conflicts = findConflicts(operation)
    if (conflicts.length > 0) throw ingressConflict(operation.name, conflicts)
  }
}
