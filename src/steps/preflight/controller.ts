/**
 * The AWS Load Balancer Controller's Deployment, where it can be seen: whether it runs, what it
 * looks at, and what its version is known for.
 */
import type { Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { deploymentPath } from '../../clients/kubernetes/paths.ts'
import type { Deployment } from '../../clients/kubernetes/types.ts'
import { fallbackIfForbidden } from '../../clients/kubernetes/api-errors.ts'
import type { Settings } from '../../inputs/types.ts'
import { autoModeController, type IngressClassInfo } from './ingress-class.ts'

/**
 * Where its chart puts it. Source: the chart aws-load-balancer-controller of eks-charts, and its
 * installation guide.
 */
const [deploymentNamespace, deploymentName] = ['kube-system', 'aws-load-balancer-controller']

/**
 * Only what can be wrong is said: the Deployment may have another name, and EKS Auto Mode has none.
 */
export async function checkController(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  ingressClass: Promise<IngressClassInfo>,
): Promise<void> {
  const [deployment, classInfo] = await Promise.all([
    readDeployment(context, kubernetes),
    ingressClass.catch(() => undefined),
  ])
  if (deployment === 'unreadable' || classInfo?.controller === autoModeController) return
  if (!deployment) {
    if (classInfo?.controller !== undefined)
      context.log.info(
        `There is no Deployment ${deploymentNamespace}/${deploymentName}: whether the controller runs, perhaps under another name, shows only when it answers.`,
      )
    return
  }
  const { warnings, infos } = describeDeployment(deployment, settings)
  warnings.forEach((text) => context.log.warn(text))
  infos.forEach((text) => context.log.info(text))
}

/**
 * Whether it is known that no replica is ready: of another name, or where nobody may look, that is
 * not.
 */
export async function isControllerDown(kubernetes: KubernetesClient): Promise<boolean> {
  const deployment = await kubernetes
    .get<Deployment>(
      deploymentPath(deploymentNamespace, deploymentName),
      `read Deployment ${deploymentNamespace}/${deploymentName}`,
    )
    .catch(() => undefined)
  return deployment !== undefined && (deployment.status?.readyReplicas ?? 0) === 0
}

async function readDeployment(
  context: Context,
  kubernetes: KubernetesClient,
): Promise<Deployment | 'unreadable' | undefined> {
  return fallbackIfForbidden(
    kubernetes.get<Deployment>(
      deploymentPath(deploymentNamespace, deploymentName),
      `read Deployment ${deploymentNamespace}/${deploymentName}`,
    ),
    () => {
      context.log.info(
        `This identity may not read Deployment ${deploymentNamespace}/${deploymentName}, so that whether the controller runs shows only when it answers.`,
      )
      return 'unreadable' as const
    },
  )
}

/** What a person should know about a Deployment of the controller. Pure. */
export function describeDeployment(
  { spec, status }: Deployment,
  settings: Settings,
): { warnings: string[]; infos: string[] } {
  const { containers } = spec.template.spec
  const version = parseControllerVersion(containers.map(({ image }) => image ?? ''))
  const isReady = (status?.readyReplicas ?? 0) > 0
  const knownIssueTexts = (severity: KnownIssue['severity']): string[] =>
    version === undefined
      ? []
      : knownIssues
          .filter((issue) => issue.severity === severity && isAffected(version, issue))
          .map(({ text }) => `The AWS Load Balancer Controller is v${version.join('.')}: ${text}`)
  return {
    warnings: [
      ...(isReady
        ? []
        : [
            `No replica of ${deploymentNamespace}/${deploymentName} is ready: nobody takes up the Ingress, and with its webhook on nobody can write one. Look at "kubectl -n ${deploymentNamespace} describe deployment ${deploymentName}".`,
          ]),
      ...mismatchedArgs(
        containers.flatMap(({ command = [], args = [] }) => [...command, ...args]),
        settings,
      ),
      ...knownIssueTexts('warning'),
    ],
    infos: knownIssueTexts('info'),
  }
}

/**
 * Arguments with which the controller passes over this Ingress, or takes other things for its own.
 * Not --ingress-class: it is compared with the annotation kubernetes.io/ingress.class only, never
 * with spec.ingressClassName. Source: the controller's pkg/ingress/group_loader.go
 * (classifyIngress), pkg/config/runtime_config.go, controller_config.go.
 */
function mismatchedArgs(
  args: readonly string[],
  { clusterAccess: access, namespace: wanted }: Settings,
): string[] {
  const cluster = access.kind === 'eks' ? access.cluster : ''
  const expectedArgs: readonly {
    readonly flag: string
    readonly wanted: string
    readonly consequence: string
  }[] = [
    {
      flag: 'watch-namespace',
      wanted,
      consequence: `it takes up no Ingress of namespace ${wanted}. Give it no --watch-namespace, or this one`,
    },
    {
      flag: 'cluster-name',
      wanted: cluster,
      consequence: `it finds subnets and security groups by the tags of that cluster, not of ${cluster}. Correct --cluster-name, unless input cluster is wrong`,
    },
  ]
  return expectedArgs.flatMap(({ flag, wanted: value, consequence }) => {
    const actual = argumentValue(args, flag)
    return value === '' || actual === undefined || actual === '' || actual === value
      ? []
      : [
          `Deployment ${deploymentNamespace}/${deploymentName} runs with --${flag}=${actual}: ${consequence}.`,
        ]
  })
}

/** `--flag=value`, or `--flag value`. */
const argumentValue = (args: readonly string[], flag: string): string | undefined =>
  args
    .flatMap((arg, index) =>
      arg.startsWith(`--${flag}=`)
        ? [arg.slice(flag.length + 3)]
        : arg === `--${flag}`
          ? [args[index + 1] ?? '']
          : [],
    )
    .at(-1)

type Version = readonly number[]

/** What versions are known for, from `since` on and up to `before`. */
interface KnownIssue {
  readonly since?: Version
  readonly before?: Version
  readonly severity: 'warning' | 'info'
  readonly text: string
}

/**
 * Sources: the controller's release notes and documentation; its issues 3944 and 3960;
 * load_balancer_synthesizer.go and feature_gates.go.
 */
const knownIssues: readonly KnownIssue[] = [
  {
    before: [2, 1, 0],
    severity: 'warning',
    text: 'v2.0 does not know gRPC target groups (backend-protocol-version came with v2.1.0). Update it first.',
  },
  {
    since: [2, 1, 0],
    before: [2, 7, 0],
    severity: 'warning',
    text: 'before v2.7 it registers no target at all when it cannot find the network interface of one pod. If the probe finds no targets, update it.',
  },
  {
    since: [2, 9, 0],
    severity: 'info',
    text: 'since v2.9 its own role needs elasticloadbalancing:DescribeListenerAttributes, which policies made for an earlier version lack.',
  },
  {
    since: [2, 11, 0],
    severity: 'info',
    text: 'since v2.11 it looks only every 2 minutes at an ALB that it found provisioning, and says nothing meanwhile.',
  },
]

const isAffected = (version: Version, { since, before }: KnownIssue): boolean =>
  (since === undefined || !isOlder(version, since)) &&
  (before === undefined || isOlder(version, before))

function parseControllerVersion(images: readonly string[]): Version | undefined {
  const versionMatch = images
    .map((image) =>
      /aws-(?:alb-ingress|load-balancer)-controller.*:v?(\d+)\.(\d+)\.(\d+)/.exec(image),
    )
    .find((match) => match !== null)
  return versionMatch?.slice(1).map(Number)
}

const isOlder = (version: Version, other: Version): boolean => {
  const firstDifference = version.findIndex((part, index) => part !== other[index])
  return firstDifference >= 0 && (version[firstDifference] ?? 0) < (other[firstDifference] ?? 0)
}
