/** Failures of the Service of Milvus' API. */
import { ActionError } from './action-error.ts'

const listServicesHint = (namespace: string): string =>
  `"kubectl get services -n ${namespace} --show-labels" lists all Services`

/**
 * Input service names a Service that does not exist.
 * @param candidates names of Services with Milvus' ports in the namespace
 */
export function serviceNotFound(
  name: string,
  namespace: string,
  candidates: readonly string[],
): ActionError {
  const suggestion =
    candidates.length === 0
      ? "Set service to the Service of Milvus' API"
      : `Services on Milvus' ports in this namespace: ${candidates.join(', ')}. Set service to one of them`
  return new ActionError({
    code: 'service-not-found',
    problem: `Service ${name} does not exist in namespace ${namespace}.`,
    remedy: `${suggestion}; ${listServicesHint(namespace)}.`,
  })
}

/** No Service carries the labels that the chart gives to the one of Milvus' API. */
export function milvusServiceNotFound(search: {
  /** Undefined when the release cannot be read and input release is empty. */
  readonly release: string | undefined
  readonly namespace: string
  /** The labels that identify the Service, as a list for people. */
  readonly labels: string
}): ActionError {
  const { release, namespace, labels } = search
  const owner = release === undefined ? 'a release of chart milvus' : `release ${release}`
  return new ActionError({
    code: 'service-not-found',
    problem: `Namespace ${namespace} contains no Service for the Milvus API of ${owner} (${labels}).`,
    remedy: `Check the labels: ${listServicesHint(namespace)}. In cluster mode, the chart creates this Service only with proxy.enabled.`,
  })
}

/** The manifest of the release contains the Service, but the cluster does not. */
export function serviceDeleted(service: {
  readonly name: string
  readonly release: string
  readonly namespace: string
}): ActionError {
  const { name, release, namespace } = service
  return new ActionError({
    code: 'service-not-found',
    problem: `Service ${name} of release ${release} does not exist in namespace ${namespace}. It was deleted.`,
    remedy: `Recreate it from "helm get manifest ${release} -n ${namespace}" (an upgrade of the release recreates it too), then run the job again.`,
  })
}

/** @param owner `Release milvus-demo`, `Namespace milvus` */
export function serviceAmbiguous(owner: string, names: readonly string[]): ActionError {
  return new ActionError({
    code: 'service-ambiguous',
    problem: `${owner} contains ${names.length} Services of Milvus' API: ${names.join(', ')}.`,
    remedy: 'Set service, instead of release, to the intended one.',
  })
}

/** The release was installed from a Milvus chart of another vendor. */
export function chartUnsupported(installed: {
  readonly release: string
  readonly chart: {
    readonly name: string
    readonly version: string
    readonly origin?: string | undefined
  }
  /** Services of the release with Milvus' ports. */
  readonly serviceNames: readonly string[]
}): ActionError {
  const { release, chart, serviceNames } = installed
  const origin = chart.origin === undefined ? '' : ` of ${chart.origin}`
  const service =
    serviceNames.length === 0
      ? "Set service to the Service of Milvus' API"
      : `Set service: ${serviceNames.join(' or ')}`
  return new ActionError({
    code: 'release-chart-unsupported',
    problem: `Release ${release} was installed from chart ${chart.name} ${chart.version}${origin}, which is not Milvus' own chart (https://github.com/zilliztech/milvus-helm): its labels and the paths of its values differ.`,
    remedy: `${service} instead of release, so that the action does not run Helm. Change that Service to ClusterIP in the values of the release.`,
  })
}

/**
 * @param requested input service-port; undefined when it is empty
 * @param available `19530 (milvus)`
 */
export function servicePortNotFound(
  service: string,
  requested: number | undefined,
  available: readonly string[],
): ActionError {
  const missing =
    requested === undefined ? 'neither a port named milvus nor port 19530' : `no port ${requested}`
  return new ActionError({
    code: 'service-port-not-found',
    problem: `Service ${service} has ${missing}. Its ports are: ${available.join(', ') || 'none'}.`,
    remedy: "Set service-port to the port of Milvus' gRPC API.",
  })
}

/** @param externalName the DNS name that the Service stands for */
export function serviceWithoutPods(service: string, externalName: string): ActionError {
  return new ActionError({
    code: 'service-unsupported',
    problem: `Service ${service} is of type ExternalName (${externalName}), so it has no pods that an ALB with ip targets could reach.`,
    remedy: 'Set service (or release) to the Service of a Milvus in this cluster.',
  })
}

/**
 * The pods have IPv6 addresses, and the ALB has none.
 * @param annotation that makes the ALB dual-stack
 */
export function serviceIpv6Unsupported(
  service: string,
  ipFamilies: readonly string[],
  annotation: string,
): ActionError {
  return new ActionError({
    code: 'service-unsupported',
    problem: `Service ${service} has IP families ${ipFamilies.join(', ')}, and the controller rejects IPv6 behind an ALB that has only IPv4 addresses.`,
    remedy: `Set ${annotation}: dualstack in annotations (the subnets of the ALB need IPv6 blocks), or make the Service IPv4 only (spec.ipFamilies).`,
  })
}

/** An annotation of the Service with which gRPC through the ALB does not work. */
export interface ConflictingAnnotation {
  readonly key: string
  readonly value: string
  /** `the Ingress requires GRPC`, `which is not an integer from 2 to 10` */
  readonly reason: string
}

/** Annotations of the Service override the Ingress and would break the target group. */
export function serviceAnnotationsConflict(conflict: {
  readonly service: string
  readonly namespace: string
  readonly annotations: readonly ConflictingAnnotation[]
  /** Path of the annotations in the values of the release. */
  readonly valuesPath: string
}): ActionError {
  const { service, namespace, annotations, valuesPath } = conflict
  const conflicts = annotations.map(({ key, value, reason }) => `${key}: ${value} (${reason})`)
  const removals = annotations.map(({ key }) => `${key}-`).join(' ')
  return new ActionError({
    code: 'service-annotations-conflict',
    problem: `Annotations of Service ${service} override those of the Ingress for its target group: ${conflicts.join('; ')}.`,
    remedy: `Remove them in the release's values under ${valuesPath}, or with "kubectl annotate service ${service} -n ${namespace} ${removals}".`,
  })
}

/**
 * Restoring type LoadBalancer would create another kind of load balancer than before.
 * @param loadBalancer `an internal Classic Load Balancer of the cloud provider`
 * @param classes `service.k8s.aws/nlb of the AWS Load Balancer Controller`
 * @param noClass the value of the input for a Service without a class
 */
export function serviceClassLost(
  service: string,
  loadBalancer: string,
  classes: readonly string[],
  noClass: string,
): ActionError {
  return new ActionError({
    code: 'service-class-lost',
    problem: `Service ${service} would get ${loadBalancer}: its spec.loadBalancerClass was dropped when its type changed, and webhooks set it only when a Service is created.`,
    remedy: `Set restore-load-balancer-class to its former class (${classes.join(', ')}), or to ${noClass} if it had no class.`,
  })
}

/**
 * A Service has the name of the one that this action creates for the RESTful API.
 * @param service `ingress` is the Ingress that this action created it for, if any; `managers` are
 *   the field managers of its spec
 */
export function restServiceNotOurs(service: {
  readonly name: string
  readonly ingress: string | undefined
  readonly managers: readonly string[]
}): ActionError {
  const { name, ingress, managers } = service
  const owner =
    ingress === undefined
      ? `was not created by this action: it belongs to ${managers.join(', ') || 'an unknown manager'}`
      : `belongs to Ingress ${ingress}`
  return new ActionError({
    code: 'service-not-ours',
    problem: `Service ${name}, which input rest needs for the RESTful API, ${owner}.`,
    remedy: `Delete or rename Service ${name}, or set ingress-name to another name: the Service of the RESTful API is named after the Ingress.`,
  })
}

/** The Service of the RESTful API selects the same pods, which a Service without selector lacks. */
export function restServiceWithoutSelector(service: string): ActionError {
  return new ActionError({
    code: 'service-unsupported',
    problem: `Service ${service} has no selector, so input rest cannot create a second Service for the same pods.`,
    remedy: 'Set service to a Service that selects the pods of Milvus, or set rest: false.',
  })
}

/** A write of the Service of the RESTful API that the API server, or a webhook, rejected. */
interface RejectedServiceWrite {
  readonly service: string
  /** Whether something else wrote the Service at the same time. */
  readonly isConcurrent: boolean
  readonly message: string
  readonly cause: unknown
}

/** @param rejection `isNameTaken`: another port of the Service already has the name of this one */
export function restServiceRejected(
  rejection: RejectedServiceWrite & { readonly isNameTaken: boolean },
): ActionError {
  const { service, isConcurrent, isNameTaken, message, cause } = rejection
  let remedy =
    'Correct what the message names (a policy or a quota of the cluster), then run the job again.'
  if (isConcurrent)
    remedy = 'Something else changed the Service at the same time. Run the job again.'
  if (isNameTaken)
    remedy = `Something else changed the port of the Service. Delete Service ${service} and run the job again, which creates it anew.`
  return new ActionError({
    code: 'ingress-refused',
    problem: `The Kubernetes API rejected Service ${service} for the RESTful API: ${message}`,
    remedy,
    cause,
  })
}

export function restServiceDeletionRejected(rejection: RejectedServiceWrite): ActionError {
  const { service, isConcurrent, message, cause } = rejection
  return new ActionError({
    code: 'ingress-refused',
    problem: `The Kubernetes API rejected the deletion of Service ${service} for the RESTful API: ${message}`,
    remedy: isConcurrent
      ? 'The Service was recreated at the same time. Find out by whom, then run the job again.'
      : 'Correct what the message names (a policy of the cluster, for example), then run the job again.',
    cause,
  })
}
