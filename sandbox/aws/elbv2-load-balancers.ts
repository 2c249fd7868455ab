/** Application Load Balancers (Elastic Load Balancing API reference, version 2015-12-01). */
import { arnOf, checkName, loadBalancerOf, refuse } from './elbv2-lookup.ts'
import type { Fields } from './fields.ts'
import { number, structures, tagList, tags, text, texts } from './fields.ts'
import type { Call, Operation } from './service.ts'
import { page, randomId } from './service.ts'
import type { LoadBalancer } from './state.ts'

/** User guide, "Edit attributes for your Application Load Balancer". */
const defaultAttributes: Readonly<Record<string, string>> = {
  'access_logs.s3.enabled': 'false',
  'access_logs.s3.bucket': '',
  'access_logs.s3.prefix': '',
  'client_keep_alive.seconds': '3600',
  'connection_logs.s3.enabled': 'false',
  'connection_logs.s3.bucket': '',
  'connection_logs.s3.prefix': '',
  'deletion_protection.enabled': 'false',
  'idle_timeout.timeout_seconds': '60',
  'load_balancing.cross_zone.enabled': 'true',
  'routing.http.desync_mitigation_mode': 'defensive',
  'routing.http.drop_invalid_header_fields.enabled': 'false',
  'routing.http.preserve_host_header.enabled': 'false',
  'routing.http.x_amzn_tls_version_and_cipher_suite.enabled': 'false',
  'routing.http.xff_client_port.enabled': 'false',
  'routing.http.xff_header_processing.mode': 'append',
  'routing.http2.enabled': 'true',
  'waf.fail_open.enabled': 'false',
  'zonal_shift.config.enabled': 'false',
}

/** Attributes with a range. */
const ranges: Readonly<Record<string, readonly [min: number, max: number]>> = {
  'idle_timeout.timeout_seconds': [1, 4000],
  'client_keep_alive.seconds': [60, 604_800],
}

function checkAttribute(kind: string, known: Readonly<Record<string, string>>, key: string, value: string): void {
  if (!(key in known)) throw refuse('ValidationError', `${kind} attribute key '${key}' is not recognized`)
  const [min, max] = ranges[key] ?? [-Infinity, Infinity]
  const outside = key in ranges && !(Number(value) >= min && Number(value) <= max)
  const booleans = ['true', 'false']
  if (outside || (booleans.includes(known[key] ?? '') && !booleans.includes(value))) {
    throw refuse('ValidationError', `${kind} attribute value '${value}' for key '${key}' is not valid`)
  }
}

/** Writes attributes into a load balancer or target group, refusing names that it does not have. */
export function setAttributes(kind: string, held: Map<string, string>, known: Readonly<Record<string, string>>, given: readonly Fields[]): void {
  const pairs = given.map((attribute) => [text(attribute, 'Key') ?? '', text(attribute, 'Value') ?? ''] as const)
  for (const [key, value] of pairs) checkAttribute(kind, known, key, value)
  for (const [key, value] of pairs) held.set(key, value)
}

/** What DescribeLoadBalancers says of one. Availability zones are made of the order of the subnets. */
function view(held: LoadBalancer, { state, now }: Call): Fields {
  const code = held.failed ? 'failed' : held.activeAt <= now ? 'active' : 'provisioning'
  return {
    LoadBalancerArn: held.arn,
    DNSName: held.dnsName,
    CanonicalHostedZoneId: 'Z3AADJGX6KTTL2',
    CreatedTime: (held.createdAt ?? new Date(0)).toISOString(),
    LoadBalancerName: held.name,
    Scheme: held.scheme,
    VpcId: held.vpcId ?? 'vpc-0123456789abcdef0',
    State: { Code: code, ...(held.failed ? { Reason: 'The load balancer could not be set up' } : {}) },
    Type: 'application',
    AvailabilityZones: held.subnets.map((SubnetId, index) => ({ ZoneName: `${state.region}${'abcdef'[index % 6] ?? 'a'}`, SubnetId, LoadBalancerAddresses: [] })),
    SecurityGroups: held.securityGroups,
    IpAddressType: 'ipv4',
  }
}

function describe(call: Call): Fields {
  const { input, state } = call
  const [names, arns] = [texts(input, 'Names'), texts(input, 'LoadBalancerArns')]
  const all = [...state.loadBalancers.values()]
  const missing = names.filter((name) => !all.some((held) => held.name === name))
  if (missing.length > 0) throw refuse('LoadBalancerNotFound', `Load balancers '[${missing.join(', ')}]' not found`)
  if (arns.some((arn) => !state.loadBalancers.has(arn))) throw refuse('LoadBalancerNotFound', 'One or more load balancers not found')
  const found = all.filter(({ name, arn }) => (names.length === 0 || names.includes(name)) && (arns.length === 0 || arns.includes(arn)))
  const { items, next } = page(found, number(input, 'PageSize') ?? 400, text(input, 'Marker'))
  return { LoadBalancers: items.map((held) => view(held, call)), ...(next === undefined ? {} : { NextMarker: next }) }
}

/** `SubnetMappings` is the newer form of `Subnets`. */
function subnetsOf(input: Fields): string[] {
  const subnets = [...texts(input, 'Subnets'), ...structures(input, 'SubnetMappings').map((mapping) => text(mapping, 'SubnetId') ?? '')]
  if (subnets.length < 2) throw refuse('ValidationError', 'At least two subnets in two different Availability Zones must be specified')
  return subnets
}

function create(call: Call): Fields {
  const { input, state, now } = call
  const name = text(input, 'Name') ?? ''
  checkName('Load balancer', name)
  const scheme = text(input, 'Scheme') === 'internal' ? 'internal' : 'internet-facing'
  const subnets = subnetsOf(input)
  const same = [...state.loadBalancers.values()].find((held) => held.name === name)
  // The same call again is answered with what is there (API reference, CreateLoadBalancer: "This operation is idempotent").
  if (same && same.scheme === scheme && same.subnets.toSorted().join() === subnets.toSorted().join()) return { LoadBalancers: [view(same, call)] }
  if (same) throw refuse('DuplicateLoadBalancerName', `A load balancer with the same name '${name}' exists, but with different settings`)
  const number = 1_000_000_000 + Math.floor(Math.random() * 1_000_000_000)
  const created: LoadBalancer = {
    arn: arnOf(state, `loadbalancer/app/${name}/${randomId()}`),
    name,
    dnsName: `${scheme === 'internal' ? 'internal-' : ''}${name}-${number}.${state.region}.elb.amazonaws.com`,
    scheme,
    activeAt: now + state.provisioningTime,
    failed: false,
    createdAt: new Date(now),
    attributes: new Map(Object.entries(defaultAttributes)),
    tags: tags(input),
    subnets,
    securityGroups: texts(input, 'SecurityGroups'),
    listeners: [],
  }
  state.loadBalancers.set(created.arn, created)
  return { LoadBalancers: [view(created, call)] }
}

/** The operations on load balancers. */
export const loadBalancerOperations: Record<string, Operation> = {
  DescribeLoadBalancers: describe,
  CreateLoadBalancer: create,
  DeleteLoadBalancer: ({ input, state }) => {
    const arn = text(input, 'LoadBalancerArn') ?? ''
    if (state.loadBalancers.get(arn)?.attributes.get('deletion_protection.enabled') === 'true') {
      throw refuse('OperationNotPermitted', `Load balancer '${arn}' cannot be deleted because deletion protection is enabled`)
    }
    // One that is gone already is a success (API reference, DeleteLoadBalancer).
    state.loadBalancers.delete(arn)
    return {}
  },
  DescribeLoadBalancerAttributes: ({ input, state }) => ({ Attributes: tagList(loadBalancerOf(state, text(input, 'LoadBalancerArn')).attributes) }),
  ModifyLoadBalancerAttributes: ({ input, state }) => {
    const held = loadBalancerOf(state, text(input, 'LoadBalancerArn'))
    setAttributes('Load balancer', held.attributes, defaultAttributes, structures(input, 'Attributes'))
    return { Attributes: tagList(held.attributes) }
  },
  SetSecurityGroups: ({ input, state }) => {
    const held = loadBalancerOf(state, text(input, 'LoadBalancerArn'))
    held.securityGroups = texts(input, 'SecurityGroups')
    return { SecurityGroupIds: held.securityGroups }
  },
  SetSubnets: (call) => {
    const held = loadBalancerOf(call.state, text(call.input, 'LoadBalancerArn'))
    held.subnets = subnetsOf(call.input)
    return { AvailabilityZones: view(held, call)['AvailabilityZones'] }
  },
}
