/** What the controller reads and writes for a single Ingress. */
import { BuildError, getAnnotation } from './annotations.ts'
import type { DeployResult } from './deploy.ts'
import type { IngressClassParams } from './ingress-classes.ts'
import { ApiError, type MinimalKubernetesClient } from '../../testing/kubernetes-client.ts'
import type { Model } from './model-types.ts'
import { getAnnotations, type Ingress, type IngressClass } from './objects.ts'

const NETWORKING_API = '/apis/networking.k8s.io/v1'

/** The path of the Ingresses in all namespaces. */
export const ingressesPath = `${NETWORKING_API}/ingresses`

function getIngressPath({ metadata }: Ingress): string {
  return `${NETWORKING_API}/namespaces/${metadata.namespace ?? ''}/ingresses/${metadata.name}`
}

/** The parameters of an Ingress's class, if it has any. */
export async function fetchClassParams(
  client: MinimalKubernetesClient,
  ingress: Ingress,
  ingressClass: IngressClass | undefined,
): Promise<IngressClassParams | undefined> {
  const parameters = ingressClass?.spec?.parameters
  const hasLegacyClass = ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined
  if (parameters?.kind !== 'IngressClassParams' || hasLegacyClass) return undefined
  try {
    return await client.get<IngressClassParams>(
      `/apis/elbv2.k8s.aws/v1beta1/ingressclassparams/${parameters.name}`,
    )
  } catch (error) {
    if (!isNotFound(error)) throw error
    const name = ingress.spec?.ingressClassName ?? ''
    throw new BuildError(
      `invalid ingress class: IngressClass ${name} references unknown parameters`,
    )
  }
}

/** Adds a finalizer, unless the Ingress has it. */
export async function addFinalizer(
  client: MinimalKubernetesClient,
  ingress: Ingress,
  finalizer: string,
): Promise<void> {
  if (ingress.metadata.finalizers?.includes(finalizer)) return
  await changeFinalizers(client, ingress, (current) => [
    ...current.filter((each) => each !== finalizer),
    finalizer,
  ])
}

/** Removes a finalizer, if the Ingress exists and has it. */
export async function removeFinalizer(
  client: MinimalKubernetesClient,
  ingress: Ingress,
  finalizer: string,
): Promise<void> {
  if (!ingress.metadata.finalizers?.includes(finalizer)) return
  try {
    await changeFinalizers(client, ingress, (current) =>
      current.filter((each) => each !== finalizer),
    )
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

/** The patch replaces the whole list, so it starts from the live object rather than the cache. */
async function changeFinalizers(
  client: MinimalKubernetesClient,
  ingress: Ingress,
  change: (current: readonly string[]) => readonly string[],
): Promise<void> {
  const path = getIngressPath(ingress)
  const { metadata } = await client.get<Ingress>(path)
  const finalizers = change(metadata.finalizers ?? [])
  await client.patch(path, { metadata: { finalizers, resourceVersion: metadata.resourceVersion } })
}

/**
 * Publishes the hostname and ports of the load balancer, unless they are up to date.
 * @returns the Ingress after that
 */
export async function updateStatus(
  client: MinimalKubernetesClient,
  ingress: Ingress,
  model: Model,
  { dnsName }: DeployResult,
): Promise<Ingress> {
  const ports = model.listeners.map(({ port }) => ({ port, protocol: '' }))
  const [current, ...others] = ingress.status?.loadBalancer?.ingress ?? []
  const frontendNlbs = listFrontendNlbs(ingress, dnsName)
  const isComplete = others.length === frontendNlbs.length
  const formatPorts = (all: readonly { port: number }[]): string =>
    all.map(({ port }) => port).join()
  const isCurrent =
    current?.hostname === dnsName && formatPorts(current.ports ?? []) === formatPorts(ports)
  if (isCurrent && isComplete) return ingress
  return client.patch<Ingress>(`${getIngressPath(ingress)}/status`, {
    status: { loadBalancer: { ingress: [{ hostname: dnsName, ports }, ...frontendNlbs] } },
  })
}

/**
 * The Network Load Balancer in front of the ALB, by its name only: it does not exist. Source:
 * model_build_frontend_nlb.go, buildFrontendNlbName.
 */
function listFrontendNlbs(ingress: Ingress, albDnsName: string): { hostname: string }[] {
  const isEnabled = getAnnotation(getAnnotations(ingress), 'enable-frontend-nlb') === 'true'
  if (!isEnabled) return []
  const [albName = '', region = ''] = albDnsName.replace(/^internal-/, '').split('.')
  return [{ hostname: `${albName.slice(0, 28)}-nlb-1.elb.${region}.amazonaws.com` }]
}

function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404
}
