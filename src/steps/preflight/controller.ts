/** The AWS Load Balancer Controller's Deployment, where it can be seen: whether it runs, and what its version is known for. */
import { ActionError } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { deploymentPath } from '../../kubernetes/paths.ts'
import type { Deployment } from '../../kubernetes/types.ts'

/** Where its chart puts it. Source: the chart aws-load-balancer-controller of eks-charts, and its installation guide. */
const [namespace, name] = ['kube-system', 'aws-load-balancer-controller']

/** Only what can be wrong is said: the Deployment may have another name, and EKS Auto Mode has none. */
export async function checkController(context: Context, kubernetes: KubernetesClient): Promise<void> {
  const found = await kubernetes.get<Deployment>(deploymentPath(namespace, name), `read Deployment ${namespace}/${name}`).catch((thrown: unknown) => {
    if (!(thrown instanceof ActionError) || thrown.code !== 'cluster-forbidden') throw thrown
    context.log.info(`This identity may not read Deployment ${namespace}/${name}, so that whether the controller runs shows only when it answers.`)
    return undefined
  })
  if (found) remarks(found).forEach((text) => context.log.warn(text))
}

/** What a person should know about a Deployment of the controller. Pure. */
export function remarks({ spec, status }: Deployment): string[] {
  const version = controllerVersion(spec.template.spec.containers.map(({ image }) => image ?? ''))
  const isReady = (status?.readyReplicas ?? 0) > 0
  return [
    ...(isReady ? [] : [`No replica of ${namespace}/${name} is ready: nobody takes up the Ingress, and with its webhook on nobody can write one. Look at "kubectl -n ${namespace} describe deployment ${name}".`]),
    ...traps.flatMap(({ before, text }) => (version !== undefined && older(version, before) ? [`The AWS Load Balancer Controller is v${version.join('.')}, and ${text}`] : [])),
  ]
}

/** Known traps of versions before one. Source: the controller's release notes. */
const traps: readonly { readonly before: readonly number[]; readonly text: string }[] = [
  { before: [2, 1, 0], text: 'v2.0 does not know gRPC target groups (backend-protocol-version came with v2.1.0): update it first.' },
]

function controllerVersion(images: readonly string[]): number[] | undefined {
  const found = images.map((image) => /aws-(?:alb-ingress|load-balancer)-controller.*:v?(\d+)\.(\d+)\.(\d+)/.exec(image)).find((match) => match !== null)
  return found?.slice(1).map(Number)
}

const older = (version: readonly number[], other: readonly number[]): boolean => {
  const at = version.findIndex((part, index) => part !== other[index])
  return at >= 0 && (version[at] ?? 0) < (other[at] ?? 0)
}
