/**
 * The Deployment of the AWS Load Balancer Controller, if it can be read: whether it is ready, its
 * arguments, and known issues of its version.
 */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { readOptional } from '../../failures/optional-read.ts'
import type { Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { deploymentPath } from '../../clients/kubernetes/paths.ts'
import type { Deployment } from '../../clients/kubernetes/types.ts'
import { findArgument } from '../../controller/arguments.ts'
import { parseControllerVersion, type Version } from '../../controller/versions.ts'
import { getClusterName } from '../../inputs/cluster-access.ts'
import type { EndpointSettings, Settings } from '../../inputs/types.ts'
import type { ClusterRun } from '../run.ts'
import {
  findArgumentProblem,
  findVersionProblem,
  noteUncheckedAnnotations,
} from './controller-support.ts'
import { describeKnownIssues } from './controller-versions.ts'
import { autoModeController, type IngressClassInfo } from './ingress-class.ts'
import type { Target } from './target.ts'

/**
 * The names that its chart uses. Source: chart aws-load-balancer-controller of eks-charts, and its
 * installation guide.
 */
const deploymentNamespace = 'kube-system'
const deploymentName = 'aws-load-balancer-controller'
const deploymentId = `${deploymentNamespace}/${deploymentName}`

const readDeployment = (kubernetes: KubernetesClient): Promise<Deployment | undefined> =>
  kubernetes.get<Deployment>(
    deploymentPath(deploymentNamespace, deploymentName),
    `read Deployment ${deploymentId}`,
  )

interface FoundController {
  readonly deployment: Deployment
  /** Undefined when it has a problem, which is reported by itself. */
  readonly classInfo: IngressClassInfo | undefined
  readonly target: ControllerTarget | undefined
}

/** What the controller will be asked for. */
type ControllerTarget = Pick<Target, 'ingress' | 'service'>

/**
 * Logs what may keep the controller from working. A missing Deployment is no problem: it may have
 * another name, and EKS Auto Mode has none.
 * @param foundTarget undefined when it has a problem, which is reported by itself
 * @throws ActionError `controller-unsuitable`
 */
export async function checkController(
  { context, settings, clients: { kubernetes } }: ClusterRun<EndpointSettings>,
  ingressClass: Promise<IngressClassInfo>,
  foundTarget: Promise<ControllerTarget | undefined>,
): Promise<void> {
  const [read, classInfo, target] = await Promise.all([
    readOptional(readDeployment(kubernetes)),
    ingressClass.catch(() => undefined),
    foundTarget,
  ])
  const service = target?.service ?? {}
  if (classInfo?.controller === autoModeController) return
  if (!read.available) {
    context.log.info(
      `This identity is not allowed to read Deployment ${deploymentId}. Whether the controller ` +
        'runs shows only once it reports on the Ingress.',
    )
    noteUncheckedAnnotations(
      context,
      settings,
      service,
      `Deployment ${deploymentId} could not be read`,
    )
    return
  }
  if (read.value) {
    logDeployment(context, settings, read.value)
    checkSupport(context, settings, { deployment: read.value, classInfo, target })
    return
  }
  noteUncheckedAnnotations(context, settings, service, `Deployment ${deploymentId} does not exist`)
  if (classInfo?.controller !== undefined)
    context.log.info(
      `Deployment ${deploymentId} does not exist. Whether the controller runs, perhaps under ` +
        'another name, shows only once it reports on the Ingress.',
    )
}

/** Without the class, EKS Auto Mode may be what serves the Ingress: problems are only warnings. */
function checkSupport(
  context: Context,
  settings: EndpointSettings,
  { deployment, classInfo, target }: FoundController,
): void {
  const version = getVersion(deployment)
  const service = target?.service ?? {}
  const problems: (ActionError | undefined)[] = []
  if (version === undefined) {
    const reason = `The image of Deployment ${deploymentId} names no version of the controller`
    noteUncheckedAnnotations(context, settings, service, reason)
  } else problems.push(findVersionProblem(settings, version, service))
  const controller = `Deployment ${deploymentId}`
  problems.push(
    findArgumentProblem(settings, target?.ingress, { controller, args: getArgs(deployment) }),
  )
  const found = problems.filter((problem) => problem !== undefined)
  if (found.length === 0) return
  if (classInfo?.controller !== undefined) throw combineErrors(found)
  for (const { message, remedy } of found) context.log.warn(`${message} ${remedy}`)
}

const getArgs = ({ spec }: Deployment): string[] =>
  spec.template.spec.containers.flatMap(({ command = [], args = [] }) => [...command, ...args])

const getVersion = ({ spec }: Deployment): Version | undefined =>
  parseControllerVersion(spec.template.spec.containers.map(({ image }) => image ?? ''))

function logDeployment(context: Context, settings: Settings, deployment: Deployment): void {
  const { warnings, infos } = describeDeployment(deployment, settings)
  for (const warning of warnings) context.log.warn(warning)
  for (const info of infos) context.log.info(info)
}

/**
 * Whether the controller certainly has no ready replica; false when its Deployment has another
 * name or cannot be read.
 */
export async function isControllerDown(kubernetes: KubernetesClient): Promise<boolean> {
  const deployment = await readDeployment(kubernetes).catch(() => undefined)
  return deployment !== undefined && !isReady(deployment)
}

const isReady = ({ status }: Deployment): boolean => (status?.readyReplicas ?? 0) > 0

/** What people should know about a Deployment of the controller. Pure. */
export function describeDeployment(
  deployment: Deployment,
  settings: Settings,
): { warnings: string[]; infos: string[] } {
  const version = getVersion(deployment)
  const issues = version === undefined ? [] : describeKnownIssues(version)
  const warnings: string[] = []
  if (!isReady(deployment))
    warnings.push(
      `No replica of ${deploymentId} is ready: no Ingress is processed, and while its webhook is ` +
        'enabled, none can be written. See "kubectl -n ' +
        `${deploymentNamespace} describe deployment ${deploymentName}".`,
    )
  warnings.push(...describeMismatchedArgs(getArgs(deployment), settings))
  const textsOf = (severity: 'warning' | 'info'): string[] =>
    issues.filter((issue) => issue.severity === severity).map(({ text }) => text)
  return { warnings: [...warnings, ...textsOf('warning')], infos: textsOf('info') }
}

/** An argument that makes the controller ignore this Ingress or its subnets. */
interface ExpectedArg {
  readonly flag: string
  /** Empty when it is not known. */
  readonly expected: string | undefined
  /** What another value causes, and what to do about it. */
  readonly consequence: string
}

/**
 * Not --ingress-class: it is compared only with annotation kubernetes.io/ingress.class, never with
 * spec.ingressClassName. Source: the controller's pkg/ingress/group_loader.go (classifyIngress),
 * pkg/config/runtime_config.go, controller_config.go.
 */
function describeMismatchedArgs(args: readonly string[], settings: Settings): string[] {
  const { namespace } = settings
  const cluster = getClusterName(settings)
  const expectedArgs: readonly ExpectedArg[] = [
    {
      flag: 'watch-namespace',
      expected: namespace,
      consequence:
        `it ignores Ingresses of namespace ${namespace}. ` +
        'Remove --watch-namespace, or set it to this namespace',
    },
    {
      flag: 'cluster-name',
      expected: cluster,
      consequence:
        'it finds subnets and security groups by the tags of that cluster, not of ' +
        `${cluster ?? ''}. Correct --cluster-name, unless input cluster is wrong`,
    },
  ]
  const mismatches: string[] = []
  for (const { flag, expected, consequence } of expectedArgs) {
    const actual = findArgument(args, flag) ?? ''
    if (expected === undefined || actual === '' || actual === expected) continue
    mismatches.push(`Deployment ${deploymentId} runs with --${flag}=${actual}: ${consequence}.`)
  }
  return mismatches
}
