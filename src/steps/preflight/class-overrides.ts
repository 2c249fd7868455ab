/** Which inputs the parameters of an IngressClass override. Pure. */
import type { KubernetesObject } from '../../clients/kubernetes/types.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import { findStoredForm } from '../../inputs/cidrs.ts'
import { getAttributes } from '../../inputs/load-balancer-attributes.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { annotationOverrides } from './class-annotations.ts'
import {
  compareField,
  type ClassParamsSpec,
  type FieldComparison,
  type Override,
} from './class-override.ts'
import { matchesSelector } from './label-selector.ts'

/**
 * Every input that the parameters of a class override.
 * @param namespace its name and labels
 * @param groupName that the Ingress gets
 */
export const findOverrides = (
  spec: ClassParamsSpec,
  settings: EndpointSettings,
  namespace: KubernetesObject['metadata'],
  groupName: string | undefined,
): Override[] => [
  ...endpointOverrides(spec, settings.ingress),
  ...certificateOverrides(spec, settings),
  ...namespaceExclusions(spec, namespace),
  ...redirectConflicts(spec, settings.ingress, groupName),
  ...attributeOverrides(spec, settings.ingress),
  ...harmlessOverrides(spec, settings.ingress),
  ...annotationOverrides(spec, settings.ingress),
]

/** Parameters that would create another endpoint than the requested one. */
function endpointOverrides(
  spec: ClassParamsSpec,
  ingress: EndpointSettings['ingress'],
): Override[] {
  const comparisons: readonly Omit<FieldComparison, 'severity'>[] = [
    { field: 'scheme', value: spec.scheme, input: 'scheme', inputValue: ingress.scheme },
    {
      field: 'targetType',
      value: spec.targetType,
      input: 'the required target type',
      inputValue: 'ip',
    },
  ]
  return [
    ...comparisons.flatMap((comparison) => compareField({ severity: 'error', ...comparison })),
    ...groupOverrides(spec, ingress),
  ]
}

/** Without input group-name, the group of the class is the group of the Ingress. */
function groupOverrides(
  { group }: ClassParamsSpec,
  { groupName }: EndpointSettings['ingress'],
): Override[] {
  if (groupName === undefined && group?.name)
    return [
      {
        severity: 'note',
        text: `set group ${group.name}, so the Ingress shares the ALB of that group`,
      },
    ]
  return compareField({
    severity: 'error',
    field: 'group',
    value: group?.name,
    input: 'group-name',
    inputValue: groupName ?? '',
  })
}

function certificateOverrides(
  spec: ClassParamsSpec,
  { certificate }: EndpointSettings,
): Override[] {
  const arns = spec.certificateArn ?? spec.certificateARNs ?? []
  const isRequested = certificate.kind === 'arn' && arns.includes(certificate.arn)
  if (certificate.kind === 'served' || isRequested) return []
  return compareField({
    severity: 'error',
    field: 'certificateArn',
    value: arns.join(', '),
    input: 'the certificate of this run',
    inputValue: '',
  })
}

function namespaceExclusions(
  { namespaceSelector }: ClassParamsSpec,
  { name, labels = {} }: KubernetesObject['metadata'],
): Override[] {
  if (!namespaceSelector || matchesSelector(namespaceSelector, labels)) return []
  return [
    { severity: 'error', text: `have a namespaceSelector that namespace ${name} does not match` },
  ]
}

function redirectConflicts(
  { sslRedirectPort }: ClassParamsSpec,
  { listenPort }: EndpointSettings['ingress'],
  groupName: string | undefined,
): Override[] {
  if (!sslRedirectPort || sslRedirectPort === String(listenPort)) return []
  if (groupName !== undefined)
    return [
      {
        severity: 'warning',
        text:
          `redirect to port ${sslRedirectPort} (sslRedirectPort), and listen-port is ` +
          `${listenPort}: the controller rejects that unless another Ingress of the group ` +
          'listens on that port',
      },
    ]
  return [
    {
      severity: 'error',
      text:
        `redirect to port ${sslRedirectPort} (sslRedirectPort), but listen-port ${listenPort} is ` +
        'the only port',
    },
  ]
}

/** Source: the controller merges attributes, and those of the class win. */
function attributeOverrides(
  { loadBalancerAttributes = [] }: ClassParamsSpec,
  ingress: EndpointSettings['ingress'],
): Override[] {
  const attributes = new Map(loadBalancerAttributes.map(({ key, value }) => [key, value]))
  const overrides = getAttributes(ingress).flatMap(({ attribute, input, value }) =>
    compareField({
      severity: 'warning',
      field: `attribute ${attribute}`,
      value: attributes.get(attribute),
      input,
      inputValue: value,
    }),
  )
  if (attributes.get('routing.http2.enabled') === 'false')
    overrides.push({
      severity: 'error',
      text: 'set routing.http2.enabled=false, but gRPC requires HTTP/2',
    })
  return overrides
}

/** Parameters that leave the endpoint intact. */
function harmlessOverrides(
  spec: ClassParamsSpec,
  ingress: EndpointSettings['ingress'],
): Override[] {
  const severityOf = (isSetByUser: boolean): 'warning' | 'note' =>
    isSetByUser ? 'warning' : 'note'
  const comparisons: readonly FieldComparison[] = [
    {
      // Always a warning: it changes who is allowed to connect.
      severity: 'warning',
      field: 'inboundCIDRs',
      value: spec.inboundCIDRs?.join(','),
      input: 'inbound-cidrs',
      inputValue: ingress.inboundCidrs.join(',') || '(everyone)',
    },
    {
      severity: severityOf(!ingress.isDefaultSslPolicy),
      field: 'sslPolicy',
      value: spec.sslPolicy,
      input: 'ssl-policy',
      inputValue: ingress.sslPolicy,
    },
    {
      severity: severityOf(ingress.loadBalancerName !== undefined),
      field: 'loadBalancerName',
      value: spec.loadBalancerName,
      input: 'load-balancer-name',
      inputValue: ingress.loadBalancerName ?? '',
    },
    {
      severity: severityOf(ingress.subnets.length > 0),
      field: 'subnets',
      value: describeSubnets(spec.subnets),
      input: 'subnets',
      inputValue: ingress.subnets.join(','),
    },
  ]
  return [
    ...comparisons.flatMap(compareField),
    ...cidrsInOtherForm(spec, ingress),
    ...prefixListOverrides(spec, ingress),
    ...tagOverrides(spec, ingress),
  ]
}

/** Security groups replace the rules of the controller, so that it has none to find again. */
function cidrsInOtherForm(
  { inboundCIDRs = [] }: ClassParamsSpec,
  { securityGroups }: EndpointSettings['ingress'],
): Override[] {
  if (securityGroups.length > 0) return []
  const warnings: Override[] = []
  for (const block of inboundCIDRs) {
    const stored = findStoredForm(block)
    if (stored === undefined || stored === block) continue
    const text =
      `set inboundCIDRs ${block}, which EC2 stores as ${stored}: the controller fails when it ` +
      `does not find its rule again, so the class should set ${stored}`
    warnings.push({ severity: 'warning', text })
  }
  return warnings
}

/** The ids, or the tags as JSON; undefined when the class sets none. */
export function describeSubnets(subnets: ClassParamsSpec['subnets']): string | undefined {
  if (!subnets) return undefined
  return subnets.ids?.join(',') ?? JSON.stringify(subnets.tags ?? subnets.matchTags)
}

/** Prefix lists are allowed in addition to CIDR blocks, and without those instead of everyone. */
function prefixListOverrides(
  spec: ClassParamsSpec,
  { inboundCidrs, annotations }: EndpointSettings['ingress'],
): Override[] {
  const value = getPrefixLists(spec)?.join(',')
  const annotation = annotations[`${annotationPrefix}security-group-prefix-lists`]
  const cidrs = (spec.inboundCIDRs ?? inboundCidrs).join(',')
  if (annotation === undefined && value && cidrs !== '')
    return [
      {
        severity: 'warning',
        text: `set prefixListsIDs ${value}, which is allowed to connect in addition to ${cidrs}`,
      },
    ]
  return compareField({
    severity: annotation === undefined ? 'note' : 'warning',
    field: 'prefixListsIDs',
    value,
    input: annotation === undefined ? 'inbound-cidrs' : 'security-group-prefix-lists',
    inputValue: annotation ?? '',
  })
}

/** The prefix lists whose addresses are allowed to connect. */
export const getPrefixLists = ({
  prefixListsIDs,
  PrefixListsIDs,
}: ClassParamsSpec): readonly string[] | undefined => prefixListsIDs ?? PrefixListsIDs

const tagOverrides = (
  { tags = [] }: ClassParamsSpec,
  ingress: EndpointSettings['ingress'],
): Override[] =>
  tags
    .filter(({ key }) => key in ingress.tags)
    .flatMap(({ key, value }) => {
      const inputValue = ingress.tags[key] ?? ''
      return compareField({
        severity: inputValue === '' ? 'note' : 'warning',
        field: `tag ${key}`,
        value,
        input: 'tags',
        inputValue,
      })
    })
