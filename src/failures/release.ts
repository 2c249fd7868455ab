/** Failures of a Helm release: what an upgrade must not do, and what it did not achieve. */
import { ActionError } from './action-error.ts'

/** An object in which Helm stores a revision does not contain one. */
export function releaseUnreadable(kind: string, objectName: string): ActionError {
  return new ActionError({
    code: 'release-unreadable',
    problem: `${kind} ${objectName}, in which Helm stores a revision, cannot be decoded: it is not the base64 of a gzipped release in JSON.`,
    remedy:
      'Check the release with "helm history". To deploy without Helm, set service instead of release.',
  })
}

/** A tool such as Argo CD manages the Service and would revert the upgrade. */
export function releaseManagedElsewhere(options: {
  readonly release: string
  readonly service: string
  /** `Flux (HelmRelease milvus)` */
  readonly manager: string
  /** Where that tool sets the type, and the type: `spec.values.service.type: ClusterIP` */
  readonly setting: string
  /** Whether the upgrade would restore the type, for input restore-service-type. */
  readonly isRestoration: boolean
}): ActionError {
  const { release, service, manager, setting, isRestoration } = options
  const alternative = isRestoration
    ? 'remove restore-service-type.'
    : `set service: ${service} instead of release; Helm is then not used.`
  return new ActionError({
    code: 'release-managed-elsewhere',
    problem: `Release ${release} needs an upgrade, but its Service ${service} is managed by ${manager}, which would revert it.`,
    remedy: `Make the change there (${setting}). To leave the Service unchanged, ${alternative}`,
  })
}

/** A failed revision of someone else contains changes that an upgrade would undo. */
export function failedRevisionWouldBeReverted(options: {
  readonly release: string
  readonly revision: number
  readonly status: string
  readonly deployedRevision: number
  /** `chart 6.0.0`, `values.proxy.replicas` */
  readonly reverted: readonly string[]
  /** The command that rolls back to the deployed revision. */
  readonly rollbackCommand: string
}): ActionError {
  const { release, revision, status, deployedRevision, reverted, rollbackCommand } = options
  return new ActionError({
    code: 'release-failed',
    problem: `Revision ${revision} of release ${release} is ${status}. An upgrade starts from revision ${deployedRevision}, the latest deployed one, and would undo ${reverted.join(', ')}.`,
    remedy: `Complete that upgrade or revert it (${rollbackCommand}), or pass its chart version and values to this action in chart-version and values. Then run the job again.`,
  })
}

/** The inputs name another chart than that of the release. */
export function releaseChartDiffers(options: {
  readonly release: string
  /** Names of charts. */
  readonly deployedChart: string
  readonly requestedChart: string
}): ActionError {
  const { release, deployedChart, requestedChart } = options
  return new ActionError({
    code: 'release-chart-differs',
    problem: `Release ${release} uses chart ${deployedChart}, not ${requestedChart}, and needs an upgrade.`,
    remedy: `Set chart and chart-repository to the source of chart ${deployedChart}. Or set service instead of release, and set the type of the Service to ClusterIP where it is managed.`,
  })
}

/**
 * Input values sets the type of the Service, which is what this action sets.
 * @param typePath `service.type`, longer where Milvus is a subchart
 */
export function valuesSetServiceType(typePath: string, serviceType: string): ActionError {
  return new ActionError({
    code: 'input-invalid',
    problem: `Input values sets ${typePath} to a value other than ${serviceType}, which this action sets.`,
    remedy: `Remove ${typePath} from values, or from secret-values.`,
  })
}

/**
 * Helm ended without an error, and the Service is not of the type that it was to set.
 * @param liveType undefined when the Service does not exist
 */
export function serviceTypeNotApplied(
  service: string,
  desiredType: string,
  liveType: string | undefined,
): ActionError {
  return new ActionError({
    code: desiredType === 'ClusterIP' ? 'service-not-cluster-ip' : 'service-not-restored',
    problem: `The Helm upgrade succeeded, but Service ${service} ${liveType === undefined ? 'does not exist' : `is of type ${liveType}`}.`,
    remedy:
      'Check that chart and chart-version match the release. Another tool (Argo CD, Flux) may also have reverted the Service.',
  })
}

/** The API server rejected the load balancer class of a Service that is restored. */
export function loadBalancerClassRejected(
  service: string,
  loadBalancerClass: string,
  cause: Error,
): ActionError {
  return new ActionError({
    code: 'service-not-restored',
    problem: `The Kubernetes API rejected type LoadBalancer with class ${loadBalancerClass} for Service ${service}: ${cause.message}`,
    remedy: 'Fix what the message names, then run the job again.',
    cause,
  })
}

/**
 * Helm would wait in vain for workloads that the upgrade does not change.
 * @param workloads `Deployment milvus-demo-proxy (0 of 1 pods ready)`
 */
export function workloadsNotReady(
  release: string,
  namespace: string,
  workloads: readonly string[],
): ActionError {
  return new ActionError({
    code: 'release-not-ready',
    problem: `Release ${release} has workloads that are not ready and that the upgrade does not change: ${workloads.join(', ')}. Helm would wait for them until it times out.`,
    remedy: `Fix them ("kubectl get pods,events -n ${namespace}" shows what is wrong), or disable them in the values of the release. Then run the job again.`,
  })
}

/** Others changed fields of live objects that the upgrade would set to other values. */
export function releaseConflict(options: {
  readonly release: string
  /** Which fields, who set them, and what would become of them. */
  readonly conflicts: string
  /** Whether Helm applies server-side, and so fails at the first of them. */
  readonly serverSide: boolean
  /** Whether an autoscaler sets some of the fields. */
  readonly isAutoscaled: boolean
}): ActionError {
  const { release, conflicts, serverSide, isAutoscaled } = options
  const consequence = serverSide
    ? 'Helm would stop at these fields in the middle of the upgrade'
    : 'the upgrade would undo these changes'
  const hint = isAutoscaled
    ? ' For autoscaled workloads, set replicas: -1 in values, so that the chart omits the field.'
    : ''
  return new ActionError({
    code: 'release-conflict',
    problem: `Others changed objects of release ${release}, and ${consequence}: ${conflicts}.`,
    remedy: `Add to values what should stay, or revert the changes where they were made. To let Helm overwrite them, set force-conflicts: true.${hint}`,
  })
}

/** The cluster rejects the status that ends an interrupted Helm operation. */
export function recoveryRejected(options: {
  readonly release: string
  readonly revision: number
  readonly status: string
  readonly finalStatus: string
  /** The object in which Helm stores the revision: `Secret sh.helm.release.v1.milvus-demo.v2` */
  readonly object: string
  readonly cause: Error
}): ActionError {
  const { release, revision, status, finalStatus, object, cause } = options
  return new ActionError({
    code: 'release-pending',
    problem: `Revision ${revision} of release ${release} has been ${status} since a run of this action was killed, and the cluster rejects marking it ${finalStatus}: ${cause.message}`,
    remedy: `Allow the update of ${object} in the policy or webhook that the message names, then run the job again.`,
    cause,
  })
}

/** The cluster rejects the removal of what only a failed revision created. */
export function orphanRemovalRejected(options: {
  /** `ConfigMap milvus-demo-extra` */
  readonly object: string
  /** Paths of the fields to remove; undefined for the whole object. */
  readonly fields: readonly string[] | undefined
  readonly cause: Error
}): ActionError {
  const { object, fields, cause } = options
  const rejected =
    fields === undefined
      ? `deleting ${object}, which only a failed revision of the release contains`
      : `removing ${fields.join(', ')} from ${object}, which only a failed revision of the release sets`
  return new ActionError({
    code: 'helm-upgrade-failed',
    problem: `The cluster rejects ${rejected}: ${cause.message}`,
    remedy:
      'Allow it in the policy or webhook that the message names, or do it manually. Then run the job again.',
    cause,
  })
}

/** Someone else upgraded the release during this run, so that it is not rolled back. */
export function releaseUpgradedConcurrently(options: {
  readonly release: string
  readonly namespace: string
  readonly revision: number
  readonly status: string
  /** The latest revision when this run started. */
  readonly initialRevision: number
}): ActionError {
  const { release, namespace, revision, status, initialRevision } = options
  return new ActionError({
    code: 'release-pending',
    problem: `Release ${release} was also upgraded outside this run: revision ${revision} is ${status}, and this run started at revision ${initialRevision}.`,
    remedy: `Check who upgraded it ("helm history ${release} -n ${namespace}"), and roll back manually to the intended revision.`,
  })
}

/** The chart of the deployed revision cannot be fetched or rendered any more. */
export function rollbackChartMissing(options: {
  /** Version of the chart. */
  readonly version: string
  readonly revision: number
  readonly reason: string
  readonly rollbackCommand: string
}): ActionError {
  const { version, revision, reason, rollbackCommand } = options
  return new ActionError({
    code: 'chart-not-found',
    problem: `The release cannot be rolled back to chart ${version} of revision ${revision}: ${reason}`,
    remedy: `When that chart is available again, roll back manually: ${rollbackCommand}.`,
  })
}

/** A rollback that Helm completed, with another chart of the deployed version. */
export function rollbackChartDiffers(options: {
  readonly release: string
  readonly namespace: string
  readonly revision: number
  /** Version of the chart. */
  readonly version: string
  /** What Helm changed: `change Deployment x`. */
  readonly deviation: string
}): ActionError {
  const { release, namespace, revision, version, deviation } = options
  return new ActionError({
    code: 'chart-not-found',
    problem: `The release has the values of revision ${revision} again, but not all of its objects: chart ${version} renders others now, so that Helm had to ${deviation}.`,
    remedy: `Correct these objects where they matter: "helm get manifest ${release} -n ${namespace} --revision ${revision}".`,
  })
}

/** A rollback that Helm could not complete: its failure, and the command to do it manually. */
export function releaseRollbackFailed(failure: ActionError, rollbackCommand: string): ActionError {
  return new ActionError({
    code: failure.code,
    problem: failure.message,
    remedy: `${failure.remedy} To roll back manually: ${rollbackCommand}.`,
    cause: failure,
  })
}
