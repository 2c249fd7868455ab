/** Application Load Balancers (Elastic Load Balancing API reference, version 2015-12-01). */
import { loadBalancerAttributes, setAttributes } from './elbv2-attributes.ts'
import {
  buildArn,
  checkName,
  findLoadBalancer,
  createElbError,
  selectPage,
} from './elbv2-lookup.ts'
import {
  getStructureList,
  toTagList,
  readTags,
  getString,
  getStringList,
  type Fields,
} from './fields.ts'
import { randomId, type OperationCall, type Operation } from './service.ts'
import type { LoadBalancer } from './state.ts'

function getStateCode({ failed, activeAt }: LoadBalancer, now: number): string {
  if (failed) return 'failed'
  return activeAt <= now ? 'active' : 'provisioning'
}

/** A load balancer in DescribeLoadBalancers. Availability zones follow the order of the subnets. */
function toLoadBalancerDescription(
  loadBalancer: LoadBalancer,
  { state, now }: OperationCall,
): Fields {
  return {
    LoadBalancerArn: loadBalancer.arn,
    DNSName: loadBalancer.dnsName,
    CanonicalHostedZoneId: 'Z3AADJGX6KTTL2',
    CreatedTime: (loadBalancer.createdAt ?? new Date(0)).toISOString(),
    LoadBalancerName: loadBalancer.name,
    Scheme: loadBalancer.scheme,
    VpcId: loadBalancer.vpcId ?? 'vpc-0123456789abcdef0',
    State: {
      Code: getStateCode(loadBalancer, now),
      ...(loadBalancer.failed ? { Reason: 'The load balancer could not be set up' } : {}),
    },
    Type: 'application',
    AvailabilityZones: loadBalancer.subnets.map((SubnetId, index) => ({
      ZoneName: `${state.region}${'abcdef'[index % 6] ?? 'a'}`,
      SubnetId,
      LoadBalancerAddresses: [],
    })),
    SecurityGroups: loadBalancer.securityGroups,
    IpAddressType: 'ipv4',
  }
}

function describeLoadBalancers(call: OperationCall): Fields {
  const { input, state } = call
  const [names, arns] = [getStringList(input, 'Names'), getStringList(input, 'LoadBalancerArns')]
  const all = [...state.loadBalancers.values()]
  const missing = names.filter((name) => !all.some((loadBalancer) => loadBalancer.name === name))
  if (missing.length > 0)
    throw createElbError(
      'LoadBalancerNotFound',
      `Load balancers '[${missing.join(', ')}]' not found`,
    )
  if (arns.some((arn) => !state.loadBalancers.has(arn)))
    throw createElbError('LoadBalancerNotFound', 'One or more load balancers not found')
  const matching = all.filter(
    ({ name, arn }) =>
      (names.length === 0 || names.includes(name)) && (arns.length === 0 || arns.includes(arn)),
  )
  const { page, nextPage } = selectPage(matching, input)
  return {
    LoadBalancers: page.map((loadBalancer) => toLoadBalancerDescription(loadBalancer, call)),
    ...nextPage,
  }
}

/** `SubnetMappings` is the newer form of `Subnets`. */
function parseSubnets(input: Fields): string[] {
  const subnets = [
    ...getStringList(input, 'Subnets'),
    ...getStructureList(input, 'SubnetMappings').map(
      (mapping) => getString(mapping, 'SubnetId') ?? '',
    ),
  ]
  if (subnets.length < 2)
    throw createElbError(
      'ValidationError',
      'At least two subnets in two different Availability Zones must be specified',
    )
  return subnets
}

function createLoadBalancer(call: OperationCall): Fields {
  const { input, state, now } = call
  const name = getString(input, 'Name') ?? ''
  checkName('Load balancer', name)
  const scheme = getString(input, 'Scheme') === 'internal' ? 'internal' : 'internet-facing'
  const subnets = parseSubnets(input)
  const existing = [...state.loadBalancers.values()].find(
    (loadBalancer) => loadBalancer.name === name,
  )
  // A repeated call returns the existing load balancer (API reference, CreateLoadBalancer: "This
  // operation is idempotent").
  if (
    existing &&
    existing.scheme === scheme &&
    existing.subnets.toSorted().join() === subnets.toSorted().join()
  )
    return { LoadBalancers: [toLoadBalancerDescription(existing, call)] }
  if (existing)
    throw createElbError(
      'DuplicateLoadBalancerName',
      `A load balancer with the same name '${name}' exists, but with different settings`,
    )
  const id = 1_000_000_000 + Math.floor(Math.random() * 1_000_000_000)
  const dnsPrefix = scheme === 'internal' ? 'internal-' : ''
  const created: LoadBalancer = {
    arn: buildArn(state, `loadbalancer/app/${name}/${randomId()}`),
    name,
    dnsName: `${dnsPrefix}${name}-${id}.${state.region}.elb.amazonaws.com`,
    scheme,
    activeAt: now + state.provisioningTime,
    failed: false,
    createdAt: new Date(now),
    attributes: new Map(Object.entries(loadBalancerAttributes)),
    tags: readTags(input),
    subnets,
    securityGroups: getStringList(input, 'SecurityGroups'),
    listeners: [],
  }
  state.loadBalancers.set(created.arn, created)
  return { LoadBalancers: [toLoadBalancerDescription(created, call)] }
}

/** The operations on load balancers. */
export const loadBalancerOperations: Record<string, Operation> = {
  DescribeLoadBalancers: describeLoadBalancers,
  CreateLoadBalancer: createLoadBalancer,
  DeleteLoadBalancer: ({ input, state }) => {
    const arn = getString(input, 'LoadBalancerArn') ?? ''
    if (state.loadBalancers.get(arn)?.attributes.get('deletion_protection.enabled') === 'true') {
      throw createElbError(
        'OperationNotPermitted',
        `Load balancer '${arn}' cannot be deleted because deletion protection is enabled`,
      )
    }
    // Deleting one that does not exist succeeds (API reference, DeleteLoadBalancer).
    state.loadBalancers.delete(arn)
    return {}
  },
  DescribeLoadBalancerAttributes: ({ input, state }) => ({
    Attributes: toTagList(findLoadBalancer(state, getString(input, 'LoadBalancerArn')).attributes),
  }),
  ModifyLoadBalancerAttributes: ({ input, state }) => {
    const loadBalancer = findLoadBalancer(state, getString(input, 'LoadBalancerArn'))
    setAttributes(
      'Load balancer',
      loadBalancer.attributes,
      loadBalancerAttributes,
      getStructureList(input, 'Attributes'),
    )
    return { Attributes: toTagList(loadBalancer.attributes) }
  },
  SetSecurityGroups: ({ input, state }) => {
    const loadBalancer = findLoadBalancer(state, getString(input, 'LoadBalancerArn'))
    loadBalancer.securityGroups = getStringList(input, 'SecurityGroups')
    return { SecurityGroupIds: loadBalancer.securityGroups }
  },
  SetSubnets: (call) => {
    const loadBalancer = findLoadBalancer(call.state, getString(call.input, 'LoadBalancerArn'))
    loadBalancer.subnets = parseSubnets(call.input)
    return { AvailabilityZones: toLoadBalancerDescription(loadBalancer, call)['AvailabilityZones'] }
  },
}
