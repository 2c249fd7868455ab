/** Paths of the Kubernetes API. */

const coreV1Path = (namespace: string) => `/api/v1/namespaces/${namespace}`

export const namespacePath = coreV1Path
export const servicesPath = (namespace: string): string => `${coreV1Path(namespace)}/services`
export const servicePath = (namespace: string, name: string): string =>
  `${servicesPath(namespace)}/${name}`
const secretsPath = (namespace: string): string => `${coreV1Path(namespace)}/secrets`
export const secretPath = (namespace: string, name: string): string =>
  `${secretsPath(namespace)}/${name}`
const configMapsPath = (namespace: string): string => `${coreV1Path(namespace)}/configmaps`
/** The objects in which Helm stores the revisions of releases, by its storage driver. */
export const releasesPath = (kind: 'Secret' | 'ConfigMap', namespace: string): string =>
  (kind === 'Secret' ? secretsPath : configMapsPath)(namespace)
export const eventsPath = (namespace: string): string => `${coreV1Path(namespace)}/events`
export const ingressesPath = (namespace: string): string =>
  `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`
export const ingressPath = (namespace: string, name: string): string =>
  `${ingressesPath(namespace)}/${name}`
export const ingressClassPath = (name: string): string =>
  `/apis/networking.k8s.io/v1/ingressclasses/${name}`
export const endpointSlicesPath = (namespace: string): string =>
  `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
export const deploymentPath = (namespace: string, name: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`
/** A Deployment, StatefulSet or DaemonSet. */
export const workloadPath = (namespace: string, kind: string, name: string): string =>
  `/apis/apps/v1/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`
/**
 * The discovery document of an API version.
 * @param apiVersion `v1` or `GROUP/VERSION`
 */
export const apiPath = (apiVersion: string): string =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`
/**
 * An object of any kind.
 * @param namespace undefined for a cluster-scoped object
 * @param resource the plural of its kind
 */
export const objectPath = (
  apiVersion: string,
  namespace: string | undefined,
  resource: string,
  name: string,
): string => {
  const scope = namespace === undefined ? '' : `namespaces/${namespace}/`
  return `${apiPath(apiVersion)}/${scope}${resource}/${name}`
}
export const horizontalPodAutoscalersPath = (namespace: string): string =>
  `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`
/** The API of the AWS Load Balancer Controller (elbv2.k8s.aws), or of EKS Auto Mode. */
const controllerApiPath = (group: string): string =>
  `/apis/${group}/${group === 'eks.amazonaws.com' ? 'v1' : 'v1beta1'}`
/** @param group of the AWS Load Balancer Controller, or of EKS Auto Mode */
export const ingressClassParamsPath = (group: string, name: string): string =>
  `${controllerApiPath(group)}/ingressclassparams/${name}`
/** @param group of the AWS Load Balancer Controller, or of EKS Auto Mode */
export const targetGroupBindingsPath = (group: string, namespace: string): string =>
  `${controllerApiPath(group)}/namespaces/${namespace}/targetgroupbindings`
export const leasesPath = (namespace: string): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`
export const leasePath = (namespace: string, name: string): string =>
  `${leasesPath(namespace)}/${name}`
/** The reviews that tell callers what they are allowed to do. */
export const accessReviewPath = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
export const rulesReviewPath = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews'
