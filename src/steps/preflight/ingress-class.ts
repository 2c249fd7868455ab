/**
 * The IngressClass: whether an ALB controller serves it, and what its parameters set over the
 * Ingress' annotations.
 */
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { ingressClassParamsPath, ingressClassPath } from '../../clients/kubernetes/paths.ts'
import type {
  KubernetesObject,
  IngressClass,
  IngressClassParams,
  LabelSelector,
} from '../../clients/kubernetes/types.ts'
import { fallbackIfForbidden } from '../../clients/kubernetes/api-errors.ts'
import { inputDefaults } from '../../inputs/inputs.ts'
import type { Settings } from '../../inputs/types.ts'

type ClassParamsSpec = NonNullable<IngressClassParams['spec']>

/** What the parameters of a class set; nothing when it has none. */
export type ClassParams = ClassParamsSpec | 'unreadable'

/** A class, as far as it may be read. */
export interface IngressClassInfo {
  /** Its controller; undefined when it may not be read. */
  readonly controller: string | undefined
  readonly params: ClassParams
}

/** The controller of EKS Auto Mode. */
export const autoModeController = 'eks.amazonaws.com/alb'

/**
 * The controllers that make an ALB from an Ingress: AWS Load Balancer Controller, EKS Auto Mode.
 */
const albControllers = ['ingress.k8s.aws/alb', autoModeController]

/**
 * @param namespace the one that the Ingress is in: a class may serve only some
 * @throws ActionError `ingress-class-not-found`, `ingress-class-unsupported`,
 *   `ingress-class-params-unsuitable`
 */
export async function checkIngressClass(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  namespace: Promise<KubernetesObject>,
): Promise<IngressClassInfo> {
  const name = settings.ingress.className
  const ingressClass = await unreadableIfForbidden(
    context,
    kubernetes.get<IngressClass>(ingressClassPath(name), `read IngressClass ${name}`),
    `IngressClass ${name}, so that whether an ALB controller serves it was not checked`,
  )
  if (ingressClass === 'unreadable') return { controller: undefined, params: 'unreadable' }
  if (!ingressClass) {
    throw new ActionError({
      code: 'ingress-class-not-found',
      problem: `There is no IngressClass ${name} in the cluster.`,
      remedy:
        'Install the AWS Load Balancer Controller (it brings the class alb), or set ingress-class to the class of yours.',
    })
  }
  const controller = ingressClass.spec.controller ?? ''
  if (!albControllers.includes(controller)) {
    throw new ActionError({
      code: 'ingress-class-unsupported',
      problem: `IngressClass ${name} belongs to ${controller || 'no controller'}, which makes no ALB.`,
      remedy: `Set ingress-class to a class of ${albControllers.join(' or ')} ("kubectl get ingressclass").`,
    })
  }
  if (controller === autoModeController) checkAutoMode(context, settings)
  const { parameters } = ingressClass.spec
  return {
    controller,
    params:
      parameters?.kind === 'IngressClassParams'
        ? await checkClassParams(
            context,
            settings,
            kubernetes,
            { className: name, ...parameters },
            namespace,
          )
        : {},
  }
}

async function unreadableIfForbidden<T>(
  context: Context,
  request: Promise<T>,
  subject: string,
): Promise<T | 'unreadable'> {
  return fallbackIfForbidden(request, () => {
    context.recordUnreadable(subject)
    return 'unreadable' as const
  })
}

/**
 * Annotations that EKS Auto Mode does not know. Source: EKS user guide, auto-configure-alb,
 * "Considerations".
 */
const unsupportedByAutoMode =
  /^alb\.ingress\.kubernetes\.io\/(waf-acl-id|web-acl-id|shield-advanced-protection|listener-attributes\..*)$/

function checkAutoMode(context: Context, { ingress }: Settings): void {
  Object.keys(ingress.annotations)
    .filter((key) => unsupportedByAutoMode.test(key))
    .forEach((key) =>
      context.log.warn(`EKS Auto Mode ignores ${key}: nothing comes of that entry of annotations.`),
    )
  if (ingress.groupName === undefined) return
  throw new ActionError({
    code: 'ingress-class-params-unsuitable',
    problem: `EKS Auto Mode does not know group-name (${ingress.groupName}): groups are made by the class only.`,
    remedy:
      'Leave group-name empty, and name the group in the IngressClassParams of a class of its own (spec.group.name).',
  })
}

async function checkClassParams(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  reference: { className: string; apiGroup?: string; name: string },
  namespace: Promise<KubernetesObject>,
): Promise<ClassParams> {
  const { className, apiGroup = 'elbv2.k8s.aws', name } = reference
  const description = `IngressClassParams ${name} of class ${className}`
  const classParams = await unreadableIfForbidden(
    context,
    kubernetes.get<IngressClassParams>(
      ingressClassParamsPath(apiGroup, name),
      `read IngressClassParams ${name}`,
    ),
    `${description}, so that what they set over the inputs was not checked`,
  )
  if (classParams === 'unreadable') return classParams
  const unsuitableError = (problem: string, remedy: string): ActionError =>
    new ActionError({ code: 'ingress-class-params-unsuitable', problem, remedy })
  if (!classParams)
    throw unsuitableError(
      `IngressClass ${className} names IngressClassParams ${name}, which do not exist, and the controller takes no Ingress of it.`,
      'Create them, take them out of the class, or set ingress-class to another one.',
    )
  const { metadata } = await namespace
  const classOverrides = findOverrides(classParams.spec ?? {}, settings, metadata)
  classOverrides
    .filter(({ severity }) => severity === 'warning')
    .forEach(({ text }) => context.log.warn(`${description} ${text}.`))
  classOverrides
    .filter(({ severity }) => severity === 'note')
    .forEach(({ text }) => context.log.note(`${description} ${text}.`))
  const refusals = classOverrides.filter(({ severity }) => severity === 'refusal')
  if (refusals.length > 0)
    throw combineErrors([
      unsuitableError(
        `${description} ${refusals.map(({ text }) => text).join('; ')}.`,
        'Set the inputs to what the class sets, or ingress-class to a class that leaves it open, or change the class where it is managed.',
      ),
    ])
  return classParams.spec ?? {}
}

/**
 * What a class sets otherwise than the inputs: refused when the result would not be what was asked,
 * else said.
 */
interface Override {
  readonly severity: 'refusal' | 'warning' | 'note'
  readonly text: string
}

/**
 * Everything that the parameters of a class set over the inputs. Pure.
 * @param namespace its name and labels
 */
export const findOverrides = (
  spec: ClassParamsSpec,
  settings: Settings,
  namespace: KubernetesObject['metadata'],
): Override[] => [
  ...breakingOverrides(spec, settings, namespace),
  ...(spec.loadBalancerAttributes ?? []).flatMap((attribute) =>
    attributeOverrides(attribute, settings.ingress),
  ),
  ...nonBreakingOverrides(spec, settings.ingress),
]

/** One field of the class that has another value than an input. */
const describeOverride = (
  severity: Override['severity'],
  field: string,
  value: string | undefined,
  input: string,
  inputValue = '',
): Override[] =>
  value === undefined || value === '' || value === inputValue
    ? []
    : [
        {
          severity,
          text: `set ${field} ${value}, which wins over ${input}${inputValue === '' ? '' : ` ${inputValue}`}`,
        },
      ]

/** What would make it another endpoint than the one that was asked for, or none. */
function breakingOverrides(
  spec: ClassParamsSpec,
  { ingress, certificate }: Settings,
  namespace: KubernetesObject['metadata'],
): Override[] {
  const arns = spec.certificateArn ?? spec.certificateARNs ?? []
  const refusal = (text: string): Override => ({ severity: 'refusal', text })
  return [
    ...describeOverride('refusal', 'scheme', spec.scheme, 'scheme', ingress.scheme),
    ...describeOverride('refusal', 'group', spec.group?.name, 'group-name', ingress.groupName),
    ...describeOverride('refusal', 'targetType', spec.targetType, 'what the Service needs:', 'ip'),
    ...(certificate.kind === 'served' ||
    (certificate.kind === 'arn' && arns.includes(certificate.arn))
      ? []
      : describeOverride(
          'refusal',
          'certificateArn',
          arns.join(', '),
          'the certificate of this run',
        )),
    ...(spec.namespaceSelector && !matchesSelector(spec.namespaceSelector, namespace.labels ?? {})
      ? [refusal(`have a namespaceSelector that namespace ${namespace.name} does not match`)]
      : []),
    ...(spec.sslRedirectPort !== undefined && spec.sslRedirectPort !== String(ingress.listenPort)
      ? [
          refusal(
            `redirect to port ${spec.sslRedirectPort} (sslRedirectPort), where listen-port ${ingress.listenPort} is the only one`,
          ),
        ]
      : []),
  ]
}

/** What only differs: a warning where the user chose the other value, else a note. */
function nonBreakingOverrides(spec: ClassParamsSpec, ingress: Settings['ingress']): Override[] {
  const toOverride = (
    field: string,
    value: string | undefined,
    input: string,
    inputValue: string,
    isUserChosen = inputValue !== '',
  ): Override[] =>
    describeOverride(isUserChosen ? 'warning' : 'note', field, value, input, inputValue)
  const subnets =
    spec.subnets?.ids?.join(',') ??
    (spec.subnets && JSON.stringify(spec.subnets.tags ?? spec.subnets.matchTags))
  return [
    // Who may connect is never a matter of taste.
    ...toOverride(
      'inboundCIDRs',
      spec.inboundCIDRs?.join(','),
      'inbound-cidrs',
      ingress.inboundCidrs.join(',') || '(everyone)',
    ),
    ...toOverride(
      'prefixListsIDs',
      spec.prefixListsIDs?.join(','),
      'inbound-cidrs',
      ingress.inboundCidrs.join(','),
    ),
    ...toOverride(
      'sslPolicy',
      spec.sslPolicy,
      'ssl-policy',
      ingress.sslPolicy,
      ingress.sslPolicy !== inputDefaults['ssl-policy'],
    ),
    ...toOverride(
      'loadBalancerName',
      spec.loadBalancerName,
      'load-balancer-name',
      ingress.loadBalancerName ?? '',
    ),
    ...toOverride('subnets', subnets, 'subnets', ingress.subnets.join(',')),
    ...(spec.tags ?? []).flatMap(({ key, value }) =>
      key in ingress.tags ? toOverride(`tag ${key}`, value, 'tags', ingress.tags[key] ?? '') : [],
    ),
  ]
}

/** Source: the controller merges attributes, and the class wins. */
function attributeOverrides(
  { key, value }: { key: string; value: string },
  { idleTimeout }: Settings['ingress'],
): Override[] {
  if (key === 'routing.http2.enabled' && value === 'false')
    return [{ severity: 'refusal', text: 'set routing.http2.enabled=false, and gRPC needs HTTP/2' }]
  if (key !== 'idle_timeout.timeout_seconds' || value === String(idleTimeout)) return []
  return [
    {
      severity: 'warning',
      text: `set attribute ${key} ${value}, which wins over idle-timeout in seconds: ${idleTimeout}`,
    },
  ]
}

/** Whether labels are selected. Source: meta/v1 LabelSelector. */
export function matchesSelector(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const operators: Readonly<
    Record<string, (value: string | undefined, values: readonly string[]) => boolean>
  > = {
    In: (value, values) => value !== undefined && values.includes(value),
    NotIn: (value, values) => value === undefined || !values.includes(value),
    Exists: (value) => value !== undefined,
    DoesNotExist: (value) => value === undefined,
  }
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(
      ({ key, operator, values = [] }) => operators[operator]?.(labels[key], values) ?? false,
    )
  )
}
