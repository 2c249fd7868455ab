/** Failures of Helm itself: whether it is installed, and why an upgrade failed. */
import { ActionError } from './action-error.ts'
import type { FailureCode } from './codes.ts'
import { webhookRemedies } from './controller.ts'

const installRemedy = (minimumVersion: string): string =>
  `Install Helm ${minimumVersion} or later before this step, and put it on the PATH. Hosted runners include it, and azure/setup-helm installs it.`

/** @param minimumVersion `3.14` */
export function helmNotFound(minimumVersion: string): ActionError {
  return new ActionError({
    code: 'helm-not-found',
    problem: 'Helm is not on the PATH, and the release needs an upgrade.',
    remedy: installRemedy(minimumVersion),
  })
}

/**
 * @param version what Helm printed; may be empty
 * @param minimumVersion `3.14`
 */
export function helmTooOld(version: string, minimumVersion: string): ActionError {
  return new ActionError({
    code: 'helm-too-old',
    problem: `Helm on the PATH is ${version === '' ? 'of an unknown version' : version}, which does not support --reset-then-reuse-values.`,
    remedy: installRemedy(minimumVersion),
  })
}

/** An upgrade that Helm did not complete, and what it printed. */
export interface FailedUpgrade {
  readonly release: string
  readonly namespace: string
  readonly message: string
}

const upgradeFailed = (
  { release, message }: FailedUpgrade,
  { code, remedy }: { readonly code: FailureCode; readonly remedy: string },
): ActionError =>
  new ActionError({
    code,
    problem: `Helm could not upgrade release ${release}: ${message}`,
    remedy,
  })

/** Another Helm operation is running on the release. */
export function otherOperationInProgress(upgrade: FailedUpgrade): ActionError {
  const { release, namespace } = upgrade
  return upgradeFailed(upgrade, {
    code: 'release-pending',
    remedy: `Another Helm operation started during this run. Wait until "helm status ${release} -n ${namespace}" no longer says pending, then run the job again.`,
  })
}

/** The webhook of the AWS Load Balancer Controller does not answer. */
export function controllerWebhookUnavailable(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'controller-webhook-unavailable',
    remedy: webhookRemedies.controller,
  })
}

/** Another webhook does not answer. */
export function otherWebhookUnavailable(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy: webhookRemedies.other,
  })
}

/** An admission policy rejects an object of the release. */
export function rejectedByPolicy(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy:
      'A policy of the cluster rejects the upgrade. Use values to change what it names, or ask the owner of the policy. Then run the job again.',
  })
}

/** A hook of the chart failed or timed out. */
export function hookFailed(upgrade: FailedUpgrade): ActionError {
  const { namespace } = upgrade
  return upgradeFailed(upgrade, {
    code: 'helm-hook-failed',
    remedy: `Check the Job that Helm names ("kubectl get jobs,pods -n ${namespace}", "kubectl logs job/NAME -n ${namespace}"), and fix the error in its log. Then run the job again.`,
  })
}

/** The quota of the namespace is used up. */
export function quotaExceeded(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy: `Raise the quota of the namespace, or free some of it ("kubectl describe resourcequota -n ${upgrade.namespace}"). Then run the job again.`,
  })
}

/** RBAC does not allow a request of Helm. */
export function upgradeForbidden(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'cluster-forbidden',
    remedy:
      'Bind the roles of docs/permissions/rbac.yaml to this identity (see docs/permissions.md), or for a dry run by a role that only reads, allow it what the message names. A chart with other kinds of objects needs more permissions.',
  })
}

/** The cluster rejects the credentials that Helm used. */
export function upgradeUnauthorized(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'cluster-unauthorized',
    remedy:
      'The credentials have expired, or Helm used others than this action. Run the job again with new credentials.',
  })
}

/** Helm cannot connect to the Kubernetes API. */
export function upgradeClusterUnreachable(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'cluster-unreachable',
    remedy:
      'Run the job again. If the error persists, check that this runner can reach the Kubernetes API for as long as the upgrade takes.',
  })
}

/** Another field manager changed an object after preflight had checked it. */
export function fieldConflict(upgrade: FailedUpgrade, fieldManager: string): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy: `${fieldManager} changed an object of the release during this run. Revert the change there, or set force-conflicts: true to let Helm overwrite it (Helm 4).`,
  })
}

/** Someone else wrote an object between Helm's read and its write. */
export function concurrentModification(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy: 'The object was modified by someone else at the same time. Run the job again.',
  })
}

/** An object of the chart exists already, outside the release. */
export function objectOwnedElsewhere(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy:
      'An object of that name exists, and belongs to another release or to none. Delete it if nothing needs it, or set another name for it in the values of the release. Then run the job again.',
  })
}

/** The upgrade changes a field that Kubernetes does not allow to change. */
export function immutableField(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy:
      'Kubernetes does not allow changing that field of an existing object. Remove the value or the chart-version that changes it, then run the job again.',
  })
}

/** The chart contains a kind of object that the cluster does not serve. */
export function unknownKind(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy:
      'The cluster does not know that kind of object. Install its CustomResourceDefinition, or disable the object in values. Then run the job again.',
  })
}

/** The revision does not fit into a Secret. */
export function revisionTooLarge(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy:
      'Helm stores the values and the manifest of a revision in one Secret of at most 1 MiB. Remove large files from values (put them in a ConfigMap of your own), then run the job again.',
  })
}

/** The release did not become ready within input release-timeout. */
export function upgradeTimedOut(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-timeout',
    remedy: `Check why the pods do not become ready ("kubectl get pods,events -n ${upgrade.namespace}"), or increase release-timeout. Then run the job again. Helm left the release failed and rolled nothing back.`,
  })
}

/** The directory of the chart does not contain its subcharts. */
export function subchartsMissing(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'chart-not-found',
    remedy:
      'Run "helm dependency build" in the directory of the chart before this step, then run the job again.',
  })
}

/** The templates or the schema of the chart reject the values. */
export function chartNotRenderable(upgrade: FailedUpgrade): ActionError {
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy:
      'The chart cannot be rendered with these values. Correct values or secret-values, or add what the chart-version requires. Then run the job again.',
  })
}

/** Any other error of Helm. */
export function otherUpgradeFailure(upgrade: FailedUpgrade): ActionError {
  const { release, namespace } = upgrade
  return upgradeFailed(upgrade, {
    code: 'helm-upgrade-failed',
    remedy: `Fix what Helm names, then run the job again. "helm history ${release} -n ${namespace}" shows the state of the release.`,
  })
}
