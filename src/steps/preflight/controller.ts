/** The AWS Load Balancer Controller's Deployment, where it can be seen: whether it runs, what it looks at, and what its version is known for. */
import type { Context } from '../../core/step.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { deploymentPath } from '../../kubernetes/paths.ts'
import type { Deployment } from '../../kubernetes/types.ts'
import { ifForbidden } from '../../kubernetes/refusals.ts'
import type { Settings } from '../../settings/types.ts'
import { autoMode, type ClassFacts } from './ingress-class.ts'

/** Where its chart puts it. Source: the chart aws-load-balancer-controller of eks-charts, and its installation guide. */
const [namespace, name] = ['kube-system', 'aws-load-balancer-controller']

/** Only what can be wrong is said: the Deployment may have another name, and EKS Auto Mode has none. */
export async function checkController(context: Context, settings: Settings, kubernetes: KubernetesClient, ingressClass: Promise<ClassFacts>): Promise<void> {
  const [found, facts] = await Promise.all([read(context, kubernetes), ingressClass.catch(() => undefined)])
  if (found === 'unreadable' || facts?.controller === autoMode) return
  if (!found) {
    if (facts?.controller !== undefined) context.log.info(`There is no Deployment ${namespace}/${name}: whether the controller runs, perhaps under another name, shows only when it answers.`)
    return
  }
  const { warnings, infos } = remarks(found, settings)
  warnings.forEach((text) => context.log.warn(text))
  infos.forEach((text) => context.log.info(text))
}

/** Whether it is known that no replica is ready: of another name, or where nobody may look, that is not. */
export async function controllerIsDown(kubernetes: KubernetesClient): Promise<boolean> {
  const found = await kubernetes.get<Deployment>(deploymentPath(namespace, name), `read Deployment ${namespace}/${name}`).catch(() => undefined)
  return found !== undefined && (found.status?.readyReplicas ?? 0) === 0
}

async function read(context: Context, kubernetes: KubernetesClient): Promise<Deployment | 'unreadable' | undefined> {
  return ifForbidden(kubernetes.get<Deployment>(deploymentPath(namespace, name), `read Deployment ${namespace}/${name}`), () => {
    context.log.info(`This identity may not read Deployment ${namespace}/${name}, so that whether the controller runs shows only when it answers.`)
    return 'unreadable' as const
  })
}

/** What a person should know about a Deployment of the controller. Pure. */
export function remarks({ spec, status }: Deployment, settings: Settings): { warnings: string[]; infos: string[] } {
  const { containers } = spec.template.spec
  const version = controllerVersion(containers.map(({ image }) => image ?? ''))
  const isReady = (status?.readyReplicas ?? 0) > 0
  const trapsOf = (weight: Trap['weight']): string[] => (version === undefined ? [] : traps.filter((trap) => trap.weight === weight && isIn(version, trap)).map(({ text }) => `The AWS Load Balancer Controller is v${version.join('.')}: ${text}`))
  return {
    warnings: [
      ...(isReady ? [] : [`No replica of ${namespace}/${name} is ready: nobody takes up the Ingress, and with its webhook on nobody can write one. Look at "kubectl -n ${namespace} describe deployment ${name}".`]),
      ...misfits(containers.flatMap(({ command = [], args = [] }) => [...command, ...args]), settings),
      ...trapsOf('warning'),
    ],
    infos: trapsOf('info'),
  }
}

/**
 * Arguments with which the controller passes over this Ingress, or takes other things for its own. Not --ingress-class: it is
 * compared with the annotation kubernetes.io/ingress.class only, never with spec.ingressClassName. Source: the controller's
 * pkg/ingress/group_loader.go (classifyIngress), pkg/config/runtime_config.go, controller_config.go.
 */
function misfits(args: readonly string[], { access, namespace: wanted }: Settings): string[] {
  const cluster = access.kind === 'eks' ? access.cluster : ''
  const expected: readonly { readonly flag: string; readonly wanted: string; readonly means: string }[] = [
    { flag: 'watch-namespace', wanted, means: `it takes up no Ingress of namespace ${wanted}. Give it no --watch-namespace, or this one` },
    { flag: 'cluster-name', wanted: cluster, means: `it finds subnets and security groups by the tags of that cluster, not of ${cluster}. Correct --cluster-name, unless input cluster is wrong` },
  ]
  return expected.flatMap(({ flag, wanted: value, means }) => {
    const given = argument(args, flag)
    return value === '' || given === undefined || given === '' || given === value ? [] : [`Deployment ${namespace}/${name} runs with --${flag}=${given}: ${means}.`]
  })
}

/** `--flag=value`, or `--flag value`. */
const argument = (args: readonly string[], flag: string): string | undefined =>
  args.flatMap((arg, index) => (arg.startsWith(`--${flag}=`) ? [arg.slice(flag.length + 3)] : arg === `--${flag}` ? [args[index + 1] ?? ''] : [])).at(-1)

type Version = readonly number[]

/** What versions are known for, from `since` on and up to `before`. */
interface Trap {
  readonly since?: Version
  readonly before?: Version
  readonly weight: 'warning' | 'info'
  readonly text: string
}

/** Sources: the controller's release notes and documentation; its issues 3944 and 3960; load_balancer_synthesizer.go and feature_gates.go. */
const traps: readonly Trap[] = [
  { before: [2, 1, 0], weight: 'warning', text: 'v2.0 does not know gRPC target groups (backend-protocol-version came with v2.1.0). Update it first.' },
  { since: [2, 1, 0], before: [2, 7, 0], weight: 'warning', text: 'before v2.7 it registers no target at all when it cannot find the network interface of one pod. If the probe finds no targets, update it.' },
  { since: [2, 9, 0], weight: 'info', text: 'since v2.9 its own role needs elasticloadbalancing:DescribeListenerAttributes, which policies made for an earlier version lack.' },
  { since: [2, 11, 0], weight: 'info', text: 'since v2.11 it looks only every 2 minutes at an ALB that it found provisioning, and says nothing meanwhile.' },
]

const isIn = (version: Version, { since, before }: Trap): boolean => (since === undefined || !older(version, since)) && (before === undefined || older(version, before))

function controllerVersion(images: readonly string[]): Version | undefined {
  const found = images.map((image) => /aws-(?:alb-ingress|load-balancer)-controller.*:v?(\d+)\.(\d+)\.(\d+)/.exec(image)).find((match) => match !== null)
  return found?.slice(1).map(Number)
}

const older = (version: Version, other: Version): boolean => {
  const at = version.findIndex((part, index) => part !== other[index])
  return at >= 0 && (version[at] ?? 0) < (other[at] ?? 0)
}
