/** What the members of an IngressGroup must agree on, because they share the ALB. Pure. */
import {
  isGoTrue,
  parseAttributes,
  parseMutualAuthentication,
} from '../../controller/annotation-validators.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import { parseListenPorts } from '../../controller/listen-ports.ts'
import type { ClassParamsSpec } from './class-override.ts'
import { describeSubnets, getPrefixLists } from './class-overrides.ts'
import type { ClassParams } from './ingress-class.ts'

type Annotations = Readonly<Record<string, string>>

/** What the controller knows about a member of a group. */
export interface GroupMember {
  readonly annotations: Annotations
  /** Of its own class: the members of a group may have different ones. */
  readonly classParams: ClassParams
}

/** Parses an annotation into the parts that are compared, by key. */
type AnnotationParser = (value: string) => Annotations

const parseScalar: AnnotationParser = (value) => ({ '': value.trim() })

const splitList = (value: string): string[] => value.split(',').map((entry) => entry.trim())

/** A list whose order matters. */
const parseList: AnnotationParser = (value) => ({ '': splitList(value).join(', ') })

const parseSet: AnnotationParser = (value) => ({ '': splitList(value).sort().join(', ') })

const parseMap: AnnotationParser = (value) => Object.fromEntries(parseAttributes(value) ?? [])

const parseBoolean: AnnotationParser = (value) => ({ '': String(isGoTrue(value)) })

/** By port. A trust store can be named, or identified by its ARN, which ends with NAME/ID. */
const parseMutualTls: AnnotationParser = (value) =>
  Object.fromEntries(
    (parseMutualAuthentication(value) ?? []).map(({ port = 0, mode = '', trustStore = '' }) => {
      const name = /:truststore\/([^/]+)\//.exec(trustStore)?.[1] ?? trustStore
      return [String(port), `${mode} ${name}`.trim()]
    }),
  )

/** An annotation on which the members of a group must agree, where several set it. */
interface GroupWideAnnotation {
  readonly annotation: string
  readonly parse: AnnotationParser
  /** An older name of the same annotation. */
  readonly alias?: string
  /** The value of a class, which replaces the annotation. */
  readonly getClassValue?: (spec: ClassParamsSpec) => string | undefined
  /** The value that a class adds: the annotation counts, too, and both must be equal. */
  readonly getAddedClassValue?: (spec: ClassParamsSpec) => string | undefined
  /** The keys of a map that a class decides, so that the annotations do not matter. */
  readonly getClassKeys?: (spec: ClassParamsSpec) => readonly string[]
  /** Whether only members that share a port must agree. */
  readonly isPerListener?: true
  /** Whether the keys are ports, of which only those matter that the members share. */
  readonly isByPort?: true
}

const keysOf = (entries: readonly { readonly key: string }[] = []): string[] =>
  entries.map(({ key }) => key)

/**
 * Source: the controller's model_build_load_balancer*.go, model_build_frontend_nlb.go and
 * mergeListenPortConfigs, "conflicting ...".
 */
const groupWideAnnotations: readonly GroupWideAnnotation[] = [
  { annotation: 'scheme', parse: parseScalar, getClassValue: ({ scheme }) => scheme },
  {
    annotation: 'ip-address-type',
    parse: parseScalar,
    getClassValue: ({ ipAddressType }) => ipAddressType,
  },
  {
    annotation: 'load-balancer-name',
    parse: parseScalar,
    getClassValue: ({ loadBalancerName }) => loadBalancerName,
  },
  {
    annotation: 'subnets',
    parse: parseSet,
    getClassValue: ({ subnets }) => describeSubnets(subnets),
  },
  { annotation: 'security-groups', parse: parseList },
  { annotation: 'manage-backend-security-group-rules', parse: parseBoolean },
  { annotation: 'customer-owned-ipv4-pool', parse: parseScalar },
  {
    annotation: 'ipam-ipv4-pool-id',
    parse: parseScalar,
    getClassKeys: ({ ipamConfiguration }) => (ipamConfiguration ? [''] : []),
  },
  {
    annotation: 'load-balancer-attributes',
    parse: parseMap,
    getClassKeys: ({ loadBalancerAttributes }) => keysOf(loadBalancerAttributes),
  },
  {
    annotation: 'minimum-load-balancer-capacity',
    parse: parseMap,
    getClassKeys: ({ minimumLoadBalancerCapacity }) =>
      minimumLoadBalancerCapacity ? ['CapacityUnits'] : [],
  },
  { annotation: 'tags', parse: parseMap, getClassKeys: ({ tags }) => keysOf(tags) },
  {
    annotation: 'ssl-redirect',
    parse: parseScalar,
    getClassValue: ({ sslRedirectPort }) => sslRedirectPort,
  },
  {
    annotation: 'wafv2-acl-arn',
    parse: parseScalar,
    getAddedClassValue: ({ wafv2AclArn }) => wafv2AclArn,
  },
  {
    annotation: 'wafv2-acl-name',
    parse: parseScalar,
    getClassValue: ({ wafv2AclName }) => wafv2AclName,
  },
  { annotation: 'waf-acl-id', alias: 'web-acl-id', parse: parseScalar },
  { annotation: 'shield-advanced-protection', parse: parseBoolean },
  { annotation: 'enable-frontend-nlb', parse: parseBoolean },
  { annotation: 'frontend-nlb-scheme', parse: parseScalar },
  { annotation: 'frontend-nlb-subnets', parse: parseSet },
  { annotation: 'frontend-nlb-security-groups', parse: parseList },
  {
    annotation: 'ssl-policy',
    parse: parseScalar,
    getClassValue: ({ sslPolicy }) => sslPolicy,
    isPerListener: true,
  },
  {
    annotation: 'inbound-cidrs',
    parse: parseSet,
    getClassValue: ({ inboundCIDRs }) => inboundCIDRs?.join(','),
    isPerListener: true,
  },
  {
    annotation: 'security-group-prefix-lists',
    parse: parseSet,
    getClassValue: (spec) => getPrefixLists(spec)?.join(','),
    isPerListener: true,
  },
  { annotation: 'mutual-authentication', parse: parseMutualTls, isByPort: true },
]

/** What two members of a group disagree on, so that the controller rejects both. */
export function findMemberConflicts(own: GroupMember, other: GroupMember): string[] {
  const ownPorts = parseListenPorts(own.annotations)
  const sharedPorts = Object.entries(parseListenPorts(other.annotations)).filter(
    ([port]) => port in ownPorts,
  )
  const protocolConflicts = sharedPorts
    .filter(([port, protocol]) => protocol !== ownPorts[port])
    .map(([port, protocol]) => `port ${port} is ${protocol}, not ${ownPorts[port] ?? ''}`)
  if (!own.classParams.readable || !other.classParams.readable) return protocolConflicts
  const compared = groupWideAnnotations.filter(
    ({ isPerListener }) => isPerListener !== true || sharedPorts.length > 0,
  )
  const members = { own, other, sharedPorts: new Set(sharedPorts.map(([port]) => port)) }
  return [
    ...protocolConflicts,
    ...compared.flatMap((annotation) => compareAnnotation(annotation, members)),
  ]
}

/** Two members of a group. */
interface ComparedMembers {
  readonly own: GroupMember
  readonly other: GroupMember
  /** On which both listen. */
  readonly sharedPorts: ReadonlySet<string>
}

function compareAnnotation(
  compared: GroupWideAnnotation,
  { own, other, sharedPorts }: ComparedMembers,
): string[] {
  const { annotation, getClassKeys, isByPort } = compared
  const classKeys = new Set([own, other].flatMap((member) => getClassKeys?.(specOf(member)) ?? []))
  const ownValues = parseMember(compared, own)
  const otherValues = Object.entries(parseMember(compared, other)).filter(
    ([key]) => !classKeys.has(key) && (isByPort !== true || sharedPorts.has(key)),
  )
  return describeDifferences(annotation, ownValues, otherValues)
}

const specOf = ({ classParams }: GroupMember): ClassParamsSpec =>
  classParams.readable ? classParams.spec : {}

function parseMember(
  { annotation, alias, parse, getClassValue, getAddedClassValue }: GroupWideAnnotation,
  member: GroupMember,
): Annotations {
  const { annotations } = member
  const spec = specOf(member)
  const aliasValue = alias === undefined ? undefined : annotations[prefix + alias]
  const annotationValue = annotations[prefix + annotation] ?? aliasValue
  if (getAddedClassValue) return parseUnion([annotationValue, getAddedClassValue(spec)])
  // An empty field of a class counts as absent.
  const value = getClassValue?.(spec) || annotationValue
  return value === undefined ? {} : parse(value)
}

/** Empty values count as absent. */
function parseUnion(values: readonly (string | undefined)[]): Annotations {
  const union = new Set(values.flatMap((value) => value?.trim() || []))
  return union.size === 0 ? {} : { '': [...union].sort().join(', ') }
}

function describeDifferences(
  annotation: string,
  ownValues: Annotations,
  otherValues: readonly [key: string, value: string][],
): string[] {
  const differences: string[] = []
  for (const [key, value] of otherValues) {
    const ownValue = Object.hasOwn(ownValues, key) ? ownValues[key] : undefined
    if (ownValue === undefined || ownValue === value) continue
    const subject = key === '' ? annotation : `${annotation} ${key}`
    differences.push(`${subject} is ${value}, not ${ownValue}`)
  }
  return differences
}
