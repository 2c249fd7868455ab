/** The load balancer of a group: pkg/ingress/model_build_load_balancer.go of v3.5.0. */
import {
  getAnnotation,
  BuildError,
  parseEnum,
  parseStringList,
  parseStringMap,
  type Annotations,
  type EnumAnnotation,
} from './annotations.ts'
import type { BuildInput, Model } from './model-types.ts'
import { buildLoadBalancerName } from './naming.ts'
import { getAnnotations } from './objects.ts'

const schemes: EnumAnnotation<'internal' | 'internet-facing'> = {
  name: 'scheme',
  values: ['internal', 'internet-facing'],
  fallback: 'internal',
  errorPrefix: 'unknown scheme',
}
const ipAddressTypes: EnumAnnotation<string> = {
  name: 'ip-address-type',
  values: ['ipv4', 'dualstack', 'dualstack-without-public-ipv4'],
  fallback: 'ipv4',
  errorPrefix: 'unknown IPAddressType',
}

/**
 * Builds the load balancer. The first member of the group that sets an annotation takes precedence;
 * the real controller rejects members that disagree.
 */
export function buildLoadBalancer(input: BuildInput): Model['loadBalancer'] {
  const annotations = Object.assign(
    {},
    ...input.members.toReversed().map(getAnnotations),
  ) as Annotations
  const scheme = parseEnum(annotations, schemes)
  parseEnum(annotations, ipAddressTypes)
  const subnets = parseStringList(annotations, 'subnets')
  const securityGroups = parseStringList(annotations, 'security-groups')
  checkIdsExist(
    input,
    subnets,
    'failed to list subnets by names or IDs: operation error EC2: DescribeSubnets',
    (id) => `api error InvalidSubnetID.NotFound: The subnet ID '${id}' does not exist`,
  )
  checkIdsExist(
    input,
    securityGroups,
    "couldn't find all security groups: operation error EC2: DescribeSecurityGroups",
    (id) => `api error InvalidGroup.NotFound: The security group '${id}' does not exist`,
  )
  const attributes = parseStringMap(annotations, 'load-balancer-attributes')
  const tags = parseStringMap(annotations, 'tags')
  const name = getAnnotation(annotations, 'load-balancer-name')
  if (name !== undefined && name.length > 32)
    throw new BuildError('load balancer name cannot be longer than 32 characters')
  return {
    name: name ?? buildLoadBalancerName(input.cluster, input.group, scheme),
    scheme,
    attributes,
    subnets,
    securityGroups,
    tags,
  }
}

function checkIdsExist(
  { unknownIds = [], requestId = '' }: BuildInput,
  ids: readonly string[],
  operation: string,
  formatError: (id: string) => string,
): void {
  const unknownId = ids.find((id) => unknownIds.includes(id))
  if (unknownId === undefined) return
  const response = `https response error StatusCode: 400, RequestID: ${requestId}`
  throw new BuildError(`${operation}, ${response}, ${formatError(unknownId)}`)
}
