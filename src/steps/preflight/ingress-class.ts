/** The IngressClass: whether an ALB controller serves it, and what its parameters override. */
import type { ActionError } from '../../failures/action-error.ts'
import {
  classParamsConflict,
  classParamsNotFound,
  groupNameUnsupported,
  ingressClassNotFound,
  ingressClassUnsupported,
} from '../../failures/ingress-class.ts'
import { readOptional, undefinedIfDenied } from '../../failures/optional-read.ts'
import type { Context } from '../step.ts'
import { foreignAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import { ingressClassParamsPath, ingressClassPath } from '../../clients/kubernetes/paths.ts'
import type {
  KubernetesObject,
  Ingress,
  IngressClass,
  IngressClassParams,
} from '../../clients/kubernetes/types.ts'
import { groupAnnotation } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { ClusterRun } from '../run.ts'
import type { ClassParamsSpec, Override } from './class-override.ts'
import { findOverrides } from './class-overrides.ts'

/** The parameters of a class, if this identity can read them; empty when the class has none. */
export type ClassParams = (
  | { readonly readable: true; readonly spec: ClassParamsSpec }
  /** With the failure when they do not exist. */
  | { readonly readable: false; readonly failure?: ActionError }
) & {
  /** Set in EKS Auto Mode, where only classes assign groups. */
  readonly isAutoMode?: true
}

/** What is known about a class. */
export interface IngressClassInfo {
  /** Its controller; undefined when the class cannot be read. */
  readonly controller: string | undefined
  readonly params: ClassParams
  /** The parameters in messages; absent when the class has none. */
  readonly paramsDescription?: string
}

/** The controller of EKS Auto Mode. */
export const autoModeController = 'eks.amazonaws.com/alb'

/** The AWS Load Balancer Controller that is installed by its chart. */
export const standardController = 'ingress.k8s.aws/alb'

/** The controllers that create ALBs. */
const albControllers = [standardController, autoModeController]

/**
 * @throws ActionError `ingress-class-not-found`, `ingress-class-unsupported`,
 *   `ingress-class-params-unsuitable`
 */
export async function checkIngressClass(
  run: ClusterRun<EndpointSettings>,
): Promise<IngressClassInfo> {
  const { context, settings, clients } = run
  const name = settings.ingress.className
  const read = await readOptional(
    clients.kubernetes.get<IngressClass>(ingressClassPath(name), `read IngressClass ${name}`),
  )
  if (!read.available) {
    context.recordUnreadable(`IngressClass ${name}, so its controller was not checked`)
    return { controller: undefined, params: { readable: false } }
  }
  if (!read.value) throw ingressClassNotFound(name)
  const { controller = '', parameters } = read.value.spec
  if (!albControllers.includes(controller))
    throw ingressClassUnsupported(name, controller, albControllers)
  const reference =
    parameters?.kind === 'IngressClassParams' ? { className: name, ...parameters } : undefined
  const params = reference ? await readClassParams(run, reference) : noClassParams
  if (controller === autoModeController) checkAutoMode(context, settings, params)
  if (!reference) return { controller, params }
  return { controller, params, paramsDescription: describeClassParams(reference) }
}

/**
 * Checks what the parameters of the class override. An Ingress with a legacy class ignores them.
 * @param objects.namespace of the Ingress: a class may be limited to certain namespaces
 * @throws ActionError `ingress-class-params-unsuitable`
 */
export async function checkClassOverrides(
  { context, settings }: ClusterRun<EndpointSettings>,
  ingressClass: Promise<IngressClassInfo>,
  objects: {
    readonly namespace: Promise<KubernetesObject>
    readonly liveIngress: Promise<Ingress | undefined>
  },
): Promise<void> {
  const { paramsDescription, ...classInfo } = await ingressClass
  const live = await objects.liveIngress
  const params = effectiveParams(classInfo, live)
  if (!params.readable && params.failure) throw params.failure
  if (paramsDescription === undefined || !params.readable) return
  const { metadata } = await objects.namespace
  const groupName = findGroupName(settings.ingress, params, live)
  const overrides = findOverrides(params.spec, settings, metadata, groupName)
  reportOverrides(context, paramsDescription, overrides)
}

const noClassParams: ClassParams = { readable: true, spec: {} }

/**
 * Another class, which other members of the group may have. One that does not exist has no
 * controller: its Ingresses are not a concern of this run.
 */
export async function readOtherClass(
  { clients: { kubernetes } }: ClusterRun<EndpointSettings>,
  name: string,
): Promise<IngressClassInfo | 'denied'> {
  const read = await readOptional(
    kubernetes.get<IngressClass>(ingressClassPath(name), `read IngressClass ${name}`),
  )
  if (!read.available) return 'denied'
  const { controller, parameters } = read.value?.spec ?? {}
  if (parameters?.kind !== 'IngressClassParams') return { controller, params: noClassParams }
  const { apiGroup = defaultApiGroup, name: paramsName } = parameters
  const params = await undefinedIfDenied(
    kubernetes.get<IngressClassParams>(
      ingressClassParamsPath(apiGroup, paramsName),
      `read IngressClassParams ${paramsName}`,
    ),
  )
  const spec = params && (params.spec ?? {})
  return { controller, params: spec ? { readable: true, spec } : { readable: false } }
}

/** The annotation that was the class of an Ingress before `spec.ingressClassName` existed. */
export const legacyClassAnnotation = 'kubernetes.io/ingress.class'

/**
 * The legacy class of an Ingress. It wins over the field, and disables the parameters of the class.
 * EKS Auto Mode does not know it. Source: the controller's group_loader.go; EKS user guide,
 * auto-configure-alb.
 * @param controller of the class of the run; undefined when that cannot be read
 */
export const getLegacyClass = (
  { metadata }: KubernetesObject,
  controller: string | undefined,
): string | undefined =>
  controller === autoModeController ? undefined : metadata.annotations?.[legacyClassAnnotation]

/** The parameters that an Ingress has by its class. */
export function effectiveParams(
  { controller, params }: IngressClassInfo,
  ingress: Ingress | undefined,
): ClassParams {
  if (controller === autoModeController) return { ...params, isAutoMode: true }
  return ingress && getLegacyClass(ingress, controller) !== undefined ? noClassParams : params
}

/**
 * The group that the Ingress of the run gets: that of its class, which wins, or that of the inputs,
 * or that of an annotation of another field manager, which stays.
 * @param live undefined when the Ingress does not exist
 */
export function findGroupName(
  { groupName }: Pick<EndpointSettings['ingress'], 'groupName'>,
  classParams: ClassParams,
  live: Ingress | undefined,
): string | undefined {
  const classGroup = classParams.readable ? classParams.spec.group?.name : undefined
  const foreignGroup = classParams.isAutoMode
    ? undefined
    : foreignAnnotations(live, fieldManager)[groupAnnotation]
  return classGroup ?? groupName ?? foreignGroup
}

/**
 * Annotations that EKS Auto Mode does not support. Source: EKS user guide, auto-configure-alb,
 * "Considerations".
 */
const unsupportedByAutoMode =
  /^alb\.ingress\.kubernetes\.io\/(waf-acl-id|web-acl-id|shield-advanced-protection|listener-attributes\..*)$/

function checkAutoMode(context: Context, { ingress }: EndpointSettings, params: ClassParams): void {
  for (const key of Object.keys(ingress.annotations))
    if (unsupportedByAutoMode.test(key))
      context.log.warn(`EKS Auto Mode ignores ${key}: this entry of annotations has no effect.`)
  if (ingress.groupName === undefined || !params.readable || params.spec.group) return
  throw groupNameUnsupported(ingress.groupName)
}

/** Of IngressClassParams. */
const defaultApiGroup = 'elbv2.k8s.aws'

interface ClassParamsReference {
  readonly className: string
  readonly apiGroup?: string
  readonly name: string
}

const describeClassParams = ({ className, name }: ClassParamsReference): string =>
  `IngressClassParams ${name} of class ${className}`

async function readClassParams(
  { context, clients }: ClusterRun<EndpointSettings>,
  reference: ClassParamsReference,
): Promise<ClassParams> {
  const { className, apiGroup = defaultApiGroup, name } = reference
  const read = await readOptional(
    clients.kubernetes.get<IngressClassParams>(
      ingressClassParamsPath(apiGroup, name),
      `read IngressClassParams ${name}`,
    ),
  )
  if (!read.available) {
    context.recordUnreadable(
      `${describeClassParams(reference)}, so inputs that they override were not checked`,
    )
    return { readable: false }
  }
  if (!read.value) return { readable: false, failure: classParamsNotFound(className, name) }
  return { readable: true, spec: read.value.spec ?? {} }
}

/** Logs the overrides that leave the endpoint intact, and rejects the others. */
function reportOverrides(
  context: Context,
  description: string,
  overrides: readonly Override[],
): void {
  for (const { severity, text } of overrides) {
    if (severity === 'warning') context.log.warn(`${description} ${text}.`)
    if (severity === 'note') context.log.note(`${description} ${text}.`)
  }
  const conflicts = overrides.filter(({ severity }) => severity === 'error')
  if (conflicts.length > 0)
    throw classParamsConflict(
      description,
      conflicts.map(({ text }) => text),
    )
}
