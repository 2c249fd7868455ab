/** Failures of finding the Helm release of Milvus. */
import { ActionError } from './action-error.ts'

const helmListRemedy = 'Set release and namespace to the values that "helm list -A" shows'

/** @param names of the Milvus releases in the namespace */
export function releaseAmbiguous(namespace: string, names: readonly string[]): ActionError {
  return new ActionError({
    code: 'release-ambiguous',
    problem: `Namespace ${namespace} contains ${names.length} Milvus releases: ${names.join(', ')}.`,
    remedy: 'Set release to the intended one.',
  })
}

/**
 * Input release names a release that does not exist.
 * @param milvusReleases in the namespace; undefined when they cannot be read
 */
export function releaseNotFound(
  name: string,
  namespace: string,
  milvusReleases: readonly string[] | undefined,
): ActionError {
  return new ActionError({
    code: 'release-not-found',
    problem: `Helm release ${name} does not exist in namespace ${namespace}.`,
    remedy: suggestReleases(milvusReleases),
  })
}

/**
 * Input release names a release of something else.
 * @param release `chart` as `NAME VERSION`
 * @param milvusReleases in the namespace; undefined when they cannot be read
 */
export function releaseWithoutMilvus(
  release: { readonly name: string; readonly namespace: string; readonly chart: string },
  milvusReleases: readonly string[] | undefined,
): ActionError {
  return new ActionError({
    code: 'release-not-found',
    problem: `Helm release ${release.name} in namespace ${release.namespace} was installed from chart ${release.chart} and does not contain Milvus.`,
    remedy: suggestReleases(milvusReleases),
  })
}

function suggestReleases(names: readonly string[] | undefined): string {
  if (names === undefined) return `${helmListRemedy}.`
  const elsewhere = 'set namespace to the namespace of the release ("helm list -A" lists all)'
  if (names.length === 0) return `This namespace contains no Milvus release: ${elsewhere}.`
  const noun = names.length === 1 ? 'the Milvus release' : 'the Milvus releases'
  return `Set release to ${names.join(' or ')}, ${noun} in this namespace; or ${elsewhere}.`
}

/**
 * Input release is empty, and the namespace contains no release of Milvus.
 * @param services that look like Milvus' API: `milvus-demo (of Argo CD)`
 */
export function milvusReleaseNotFound(namespace: string, services: readonly string[]): ActionError {
  return new ActionError({
    code: 'release-not-found',
    problem: `Namespace ${namespace} contains no Helm release of Milvus.`,
    remedy:
      services.length === 0
        ? `${helmListRemedy}. For a Milvus that Helm did not install, set service to the name of its Service.`
        : `For a Milvus that Helm did not install, set service to its Service, probably ${services.join(' or ')}. Otherwise: ${helmListRemedy}.`,
  })
}

/**
 * The release of a removal does not exist.
 * @param cause `release-not-found`
 * @param removal `createdIngresses` of the namespace
 */
export function releaseToRemoveNotFound(
  cause: ActionError,
  removal: {
    readonly restoresServiceType: boolean
    readonly createdIngresses: readonly string[]
  },
): ActionError {
  const { restoresServiceType, createdIngresses } = removal
  const candidates =
    createdIngresses.length === 0
      ? 'this namespace contains none now; its default name is that of the release'
      : createdIngresses.join(' or ')
  return new ActionError({
    code: cause.code,
    problem: cause.message,
    remedy: restoresServiceType
      ? `If the release was uninstalled, remove restore-service-type. Otherwise: ${helmListRemedy}.`
      : `Set ingress-name to the Ingress that this action created: ${candidates}.`,
    cause,
  })
}

/** A release in a state of which Helm never clears itself. */
export interface PendingRelease {
  readonly name: string
  readonly namespace: string
  readonly revision: number
  /** `pending-upgrade`, `uninstalling` */
  readonly status: string
  /** Time in this state, for people: `14 minutes`; undefined when it is not known. */
  readonly duration: string | undefined
  /** The revision to roll back to; undefined when there is none. */
  readonly rollbackRevision: number | undefined
  /** `secret` or `configmap` of the pending revision when a rollback would fail. */
  readonly blockingObject: string | undefined
}

/** Another Helm process is running, or was killed. */
export function releasePending(release: PendingRelease): ActionError {
  const { name, revision, status, duration } = release
  const state = duration === undefined ? `is ${status}` : `has been ${status} for ${duration}`
  return new ActionError({
    code: 'release-pending',
    problem: `Release ${name} ${state} (revision ${revision}): another Helm process is running, or one was killed, and Helm never clears this state.`,
    remedy: `${recoverPendingRelease(release)} Then run the job again.`,
  })
}

function recoverPendingRelease(release: PendingRelease): string {
  const { name, namespace, status, rollbackRevision, blockingObject } = release
  if (rollbackRevision === undefined)
    return `If no Helm process is running, run "helm uninstall ${name} -n ${namespace}" and install the release again, because there is no revision to roll back to. Helm keeps the volume claims of StatefulSets, and deletes those that the chart contains unless they have the annotation helm.sh/resource-policy: keep.`
  const condition =
    status === 'uninstalling'
      ? 'If no Helm process is running and the release should stay'
      : 'If no Helm process is running'
  if (blockingObject !== undefined)
    return `${condition}, run "kubectl delete ${blockingObject} -n ${namespace}", which removes the pending revision from Helm's history (a rollback to revision ${rollbackRevision} would fail).`
  return `${condition}, run "helm rollback ${name} ${rollbackRevision} -n ${namespace} --wait".`
}
