/** The IngressClass: whether an ALB controller serves it, and what its parameters set over the Ingress' annotations. */
import { ActionError, combine } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { ingressClassParamsPath, ingressClassPath } from '../../kubernetes/paths.ts'
import type { AnyObject, IngressClass, IngressClassParams, LabelSelector } from '../../kubernetes/types.ts'
import { ifForbidden } from '../../kubernetes/refusals.ts'
import { inputDefaults } from '../../settings/inputs.ts'
import type { Settings } from '../../settings/types.ts'

type Spec = NonNullable<IngressClassParams['spec']>

/** What the parameters of a class set; nothing when it has none. */
export type ClassParams = Spec | 'unreadable'

/** A class, as far as it may be read. */
export interface ClassFacts {
  /** Its controller; undefined when it may not be read. */
  readonly controller: string | undefined
  readonly params: ClassParams
}

/** The controller of EKS Auto Mode. */
export const autoMode = 'eks.amazonaws.com/alb'

/** The controllers that make an ALB from an Ingress: AWS Load Balancer Controller, EKS Auto Mode. */
const albControllers = ['ingress.k8s.aws/alb', autoMode]

/**
 * @param namespace the one that the Ingress is in: a class may serve only some
 * @throws ActionError `ingress-class-not-found`, `ingress-class-unsupported`, `ingress-class-params-unsuitable`
 */
export async function checkIngressClass(context: Context, settings: Settings, kubernetes: KubernetesClient, namespace: Promise<AnyObject>): Promise<ClassFacts> {
  const name = settings.ingress.className
  const found = await readable(context, kubernetes.get<IngressClass>(ingressClassPath(name), `read IngressClass ${name}`), `IngressClass ${name}, so that whether an ALB controller serves it was not checked`)
  if (found === 'unreadable') return { controller: undefined, params: 'unreadable' }
  if (!found) {
    throw new ActionError({
      code: 'ingress-class-not-found',
      problem: `There is no IngressClass ${name} in the cluster.`,
      remedy: 'Install the AWS Load Balancer Controller (it brings the class alb), or set ingress-class to the class of yours.',
    })
  }
  const controller = found.spec.controller ?? ''
  if (!albControllers.includes(controller)) {
    throw new ActionError({
      code: 'ingress-class-unsupported',
      problem: `IngressClass ${name} belongs to ${controller || 'no controller'}, which makes no ALB.`,
      remedy: `Set ingress-class to a class of ${albControllers.join(' or ')} ("kubectl get ingressclass").`,
    })
  }
  if (controller === autoMode) checkAutoMode(context, settings)
  const { parameters } = found.spec
  return { controller, params: parameters?.kind === 'IngressClassParams' ? await checkParams(context, settings, kubernetes, { className: name, ...parameters }, namespace) : {} }
}

async function readable<T>(context: Context, reading: Promise<T>, what: string): Promise<T | 'unreadable'> {
  return ifForbidden(reading, () => {
    context.unseen(what)
    return 'unreadable' as const
  })
}

/** Annotations that EKS Auto Mode does not know. Source: EKS user guide, auto-configure-alb, "Considerations". */
const unknownToAutoMode = /^alb\.ingress\.kubernetes\.io\/(waf-acl-id|web-acl-id|shield-advanced-protection|listener-attributes\..*)$/

function checkAutoMode(context: Context, { ingress }: Settings): void {
  Object.keys(ingress.annotations).filter((key) => unknownToAutoMode.test(key)).forEach((key) => context.log.warn(`EKS Auto Mode ignores ${key}: nothing comes of that entry of annotations.`))
  if (ingress.groupName === undefined) return
  throw new ActionError({
    code: 'ingress-class-params-unsuitable',
    problem: `EKS Auto Mode does not know group-name (${ingress.groupName}): groups are made by the class only.`,
    remedy: 'Leave group-name empty, and name the group in the IngressClassParams of a class of its own (spec.group.name).',
  })
}

async function checkParams(context: Context, settings: Settings, kubernetes: KubernetesClient, reference: { className: string; apiGroup?: string; name: string }, namespace: Promise<AnyObject>): Promise<ClassParams> {
  const { className, apiGroup = 'elbv2.k8s.aws', name } = reference
  const what = `IngressClassParams ${name} of class ${className}`
  const found = await readable(context, kubernetes.get<IngressClassParams>(ingressClassParamsPath(apiGroup, name), `read IngressClassParams ${name}`), `${what}, so that what they set over the inputs was not checked`)
  if (found === 'unreadable') return found
  const unsuitable = (problem: string, remedy: string): ActionError => new ActionError({ code: 'ingress-class-params-unsuitable', problem, remedy })
  if (!found) throw unsuitable(`IngressClass ${className} names IngressClassParams ${name}, which do not exist, and the controller takes no Ingress of it.`, 'Create them, take them out of the class, or set ingress-class to another one.')
  const { metadata } = await namespace
  const all = overrides(found.spec ?? {}, settings, metadata)
  all.filter(({ weight }) => weight === 'warning').forEach(({ text }) => context.log.warn(`${what} ${text}.`))
  all.filter(({ weight }) => weight === 'note').forEach(({ text }) => context.log.note(`${what} ${text}.`))
  const refused = all.filter(({ weight }) => weight === 'refusal')
  if (refused.length > 0) throw combine([unsuitable(`${what} ${refused.map(({ text }) => text).join('; ')}.`, 'Set the inputs to what the class sets, or ingress-class to a class that leaves it open, or change the class where it is managed.')])
  return found.spec ?? {}
}

/** What a class sets otherwise than the inputs: refused when the result would not be what was asked, else said. */
interface Override {
  readonly weight: 'refusal' | 'warning' | 'note'
  readonly text: string
}


/** Everything that the parameters of a class set over the inputs. Pure. @param namespace its name and labels */
export const overrides = (spec: Spec, settings: Settings, namespace: AnyObject['metadata']): Override[] => [
  ...breaking(spec, settings, namespace),
  ...(spec.loadBalancerAttributes ?? []).flatMap((attribute) => attributeOverride(attribute, settings.ingress)),
  ...differing(spec, settings.ingress),
]

/** One field of the class that has another value than an input. */
const set = (weight: Override['weight'], field: string, value: string | undefined, input: string, wanted = ''): Override[] =>
  value === undefined || value === '' || value === wanted ? [] : [{ weight, text: `set ${field} ${value}, which wins over ${input}${wanted === '' ? '' : ` ${wanted}`}` }]

/** What would make it another endpoint than the one that was asked for, or none. */
function breaking(spec: Spec, { ingress, certificate }: Settings, namespace: AnyObject['metadata']): Override[] {
  const arns = spec.certificateArn ?? spec.certificateARNs ?? []
  const refusal = (text: string): Override => ({ weight: 'refusal', text })
  return [
    ...set('refusal', 'scheme', spec.scheme, 'scheme', ingress.scheme),
    ...set('refusal', 'group', spec.group?.name, 'group-name', ingress.groupName),
    ...set('refusal', 'targetType', spec.targetType, 'what the Service needs:', 'ip'),
    ...(certificate.kind === 'served' || (certificate.kind === 'arn' && arns.includes(certificate.arn)) ? [] : set('refusal', 'certificateArn', arns.join(', '), 'the certificate of this run')),
    ...(spec.namespaceSelector && !matches(spec.namespaceSelector, namespace.labels ?? {}) ? [refusal(`have a namespaceSelector that namespace ${namespace.name} does not match`)] : []),
    ...(spec.sslRedirectPort !== undefined && spec.sslRedirectPort !== String(ingress.listenPort) ? [refusal(`redirect to port ${spec.sslRedirectPort} (sslRedirectPort), where listen-port ${ingress.listenPort} is the only one`)] : []),
  ]
}

/** What only differs: a warning where the user chose the other value, else a note. */
function differing(spec: Spec, ingress: Settings['ingress']): Override[] {
  const over = (field: string, value: string | undefined, input: string, wanted: string, isChosen = wanted !== ''): Override[] => set(isChosen ? 'warning' : 'note', field, value, input, wanted)
  const subnets = spec.subnets?.ids?.join(',') ?? (spec.subnets && JSON.stringify(spec.subnets.tags ?? spec.subnets.matchTags))
  return [
    // Who may connect is never a matter of taste.
    ...over('inboundCIDRs', spec.inboundCIDRs?.join(','), 'inbound-cidrs', ingress.inboundCidrs.join(',') || '(everyone)'),
    ...over('prefixListsIDs', spec.prefixListsIDs?.join(','), 'inbound-cidrs', ingress.inboundCidrs.join(',')),
    ...over('sslPolicy', spec.sslPolicy, 'ssl-policy', ingress.sslPolicy, ingress.sslPolicy !== inputDefaults['ssl-policy']),
    ...over('loadBalancerName', spec.loadBalancerName, 'load-balancer-name', ingress.loadBalancerName ?? ''),
    ...over('subnets', subnets, 'subnets', ingress.subnets.join(',')),
    ...(spec.tags ?? []).flatMap(({ key, value }) => (key in ingress.tags ? over(`tag ${key}`, value, 'tags', ingress.tags[key] ?? '') : [])),
  ]
}

/** Source: the controller merges attributes, and the class wins. */
function attributeOverride({ key, value }: { key: string; value: string }, { idleTimeout }: Settings['ingress']): Override[] {
  if (key === 'routing.http2.enabled' && value === 'false') return [{ weight: 'refusal', text: 'set routing.http2.enabled=false, and gRPC needs HTTP/2' }]
  if (key !== 'idle_timeout.timeout_seconds' || value === String(idleTimeout)) return []
  return [{ weight: 'warning', text: `set attribute ${key} ${value}, which wins over idle-timeout in seconds: ${idleTimeout}` }]
}

/** Whether labels are selected. Source: meta/v1 LabelSelector. */
export function matches({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const operators: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
    In: (value, values) => value !== undefined && values.includes(value),
    NotIn: (value, values) => value === undefined || !values.includes(value),
    Exists: (value) => value !== undefined,
    DoesNotExist: (value) => value === undefined,
  }
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => operators[operator]?.(labels[key], values) ?? false)
}
