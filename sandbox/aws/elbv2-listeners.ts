/** Listeners and their certificates (Elastic Load Balancing API reference; user guide, "HTTPS listeners"). */
import { factsOf } from './acm-certificate.ts'
import { listenerOf, loadBalancerOf, refuse } from './elbv2-lookup.ts'
import { actionView, insertRule, parseAction, ruleArn } from './elbv2-rules.ts'
import type { Fields } from './fields.ts'
import { number, structures, tags, text, texts } from './fields.ts'
import type { Call, Operation } from './service.ts'
import { page, randomId } from './service.ts'
import type { Listener, LoadBalancer } from './state.ts'

/** What the API takes when none is named; the console would take another. */
const defaultSslPolicy = 'ELBSecurityPolicy-2016-08'

/** User guide, "Security policies": TLS 1.3, FIPS, TLS 1.0 to 1.2, and forward secrecy. */
const sslPolicies = new Set([
  ...['1-0', '1-1', '1-2', '1-2-Res', '1-2-Ext1', '1-2-Ext2', '1-3'].flatMap((version) => [`ELBSecurityPolicy-TLS13-${version}-2021-06`, `ELBSecurityPolicy-TLS13-${version}-FIPS-2023-04`]),
  ...['1-2', '1-2-Ext0', '1-2-Ext1', '1-2-Ext2', '1-3', '1-2-Res'].map((version) => `ELBSecurityPolicy-TLS13-${version}-PQ-2025-09`),
  'ELBSecurityPolicy-TLS-1-0-2015-04', 'ELBSecurityPolicy-TLS-1-1-2017-01', 'ELBSecurityPolicy-TLS-1-2-2017-01', 'ELBSecurityPolicy-TLS-1-2-Ext-2018-06',
  'ELBSecurityPolicy-2016-08', 'ELBSecurityPolicy-2015-05',
  'ELBSecurityPolicy-FS-2018-06', 'ELBSecurityPolicy-FS-1-1-2019-08', 'ELBSecurityPolicy-FS-1-2-2019-08', 'ELBSecurityPolicy-FS-1-2-Res-2019-08', 'ELBSecurityPolicy-FS-1-2-Res-2020-10',
])

/**
 * Checks that a listener can use a certificate. Another region's is `not valid` (aws-load-balancer-controller #2134, #2552);
 * one that is unknown, expired (terraform-provider-aws #17505) or only just imported is `not found` (#1127 there).
 */
function checkCertificate(arn: string, { state, now }: Call): void {
  if (!arn.startsWith(`arn:aws:acm:${state.region}:`)) throw refuse('ValidationError', `Certificate ARN '${arn}' is not valid`)
  const held = state.certificates.get(arn)
  const facts = held && factsOf(held)
  const fresh = held && held.importedAt.getTime() + (state.certificatePropagationTime ?? 0) > now
  if (!facts || fresh || facts.notAfter.getTime() <= now) throw refuse('CertificateNotFound', `Certificate '${arn}' not found`)
  if (!facts.names.some((name) => name.includes('.'))) {
    throw refuse('UnsupportedCertificate', `The certificate '${arn}' must have a fully-qualified domain name, a supported signature, and a supported key size.`)
  }
}

/** The certificates of a call, checked. */
function certificatesOf(call: Call): string[] {
  const arns = structures(call.input, 'Certificates').map((certificate) => text(certificate, 'CertificateArn') ?? '')
  for (const arn of arns) checkCertificate(arn, call)
  return arns
}

/** Protocol, SSL policy and default certificate that fit each other. */
function secured(call: Call, protocol: string, before?: Listener): Pick<Listener, 'sslPolicy' | 'certificateArns'> {
  const given = structures(call.input, 'Certificates')
  const sslPolicy = text(call.input, 'SslPolicy') ?? before?.sslPolicy ?? ''
  if (protocol === 'HTTP') {
    if (given.length > 0) throw refuse('ValidationError', 'Certificates cannot be specified for HTTP listeners')
    return { sslPolicy: '', certificateArns: [] }
  }
  if (sslPolicy !== '' && !sslPolicies.has(sslPolicy)) throw refuse('SSLPolicyNotFound', `SSL policy '${sslPolicy}' not found`)
  if (given.length > 1) throw refuse('ValidationError', 'Only one default certificate can be specified for a listener')
  const [standard] = certificatesOf(call)
  const others = before?.certificateArns ?? []
  if (standard === undefined && others.length === 0) throw refuse('ValidationError', 'A certificate must be specified for HTTPS listeners')
  // The default certificate is replaced; those for other server names stay.
  const certificateArns = standard === undefined ? others : [standard, ...others.slice(1).filter((arn) => arn !== standard)]
  return { sslPolicy: sslPolicy === '' ? defaultSslPolicy : sslPolicy, certificateArns }
}

function checkProtocol(protocol: string): void {
  if (!['HTTP', 'HTTPS'].includes(protocol)) throw refuse('ValidationError', `Listener protocol '${protocol}' must be one of 'HTTP, HTTPS'`)
}

function checkPort(port: number, loadBalancer: LoadBalancer, self?: Listener): void {
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) throw refuse('ValidationError', `Listener port '${port}' must be between '1' and '65535' inclusive`)
  if (loadBalancer.listeners.some((other) => other !== self && other.port === port)) {
    throw refuse('DuplicateListener', `A listener already exists on this port for this load balancer '${loadBalancer.arn}'`)
  }
}

function view(loadBalancer: LoadBalancer, listener: Listener): Fields {
  const standard = listener.rules.find(({ priority }) => priority === 'default')
  return {
    ListenerArn: listener.arn,
    LoadBalancerArn: loadBalancer.arn,
    Port: listener.port,
    Protocol: listener.protocol,
    // Only the default one: the others have an operation of their own (API reference, DescribeListenerCertificates).
    ...(listener.protocol === 'HTTPS' ? { Certificates: listener.certificateArns.slice(0, 1).map((CertificateArn) => ({ CertificateArn })), SslPolicy: listener.sslPolicy } : {}),
    DefaultActions: standard ? [actionView(standard)] : [],
  }
}

function describe({ input, state }: Call): Fields {
  const arns = texts(input, 'ListenerArns')
  const loadBalancerArn = text(input, 'LoadBalancerArn')
  if (arns.length === 0 && loadBalancerArn === undefined) throw refuse('ValidationError', 'You must specify either listener ARNs or a load balancer ARN')
  const named = () => {
    const loadBalancer = loadBalancerOf(state, loadBalancerArn)
    return loadBalancer.listeners.map((listener) => ({ loadBalancer, listener }))
  }
  const found = arns.length > 0 ? arns.map((arn) => listenerOf(state, arn)) : named()
  const { items, next } = page(found, number(input, 'PageSize') ?? 400, text(input, 'Marker'))
  return { Listeners: items.map(({ loadBalancer, listener }) => view(loadBalancer, listener)), ...(next === undefined ? {} : { NextMarker: next }) }
}

function create(call: Call): Fields {
  const { input, state } = call
  const loadBalancer = loadBalancerOf(state, text(input, 'LoadBalancerArn'))
  const [protocol, port] = [text(input, 'Protocol') ?? '', number(input, 'Port') ?? 0]
  checkProtocol(protocol)
  checkPort(port, loadBalancer)
  const security = secured(call, protocol)
  const action = parseAction(structures(input, 'DefaultActions'), state, loadBalancer, protocol)
  const arn = `${loadBalancer.arn.replace(':loadbalancer/', ':listener/')}/${randomId()}`
  const listener: Listener = { arn, port, protocol, ...security, tags: tags(input), rules: [] }
  insertRule(listener, { arn: ruleArn(arn), priority: 'default', hosts: [], paths: [], ...action, tags: new Map() })
  loadBalancer.listeners.push(listener)
  return { Listeners: [view(loadBalancer, listener)] }
}

function modify(call: Call): Fields {
  const { input, state } = call
  const { loadBalancer, listener } = listenerOf(state, text(input, 'ListenerArn'))
  const [protocol, port] = [text(input, 'Protocol') ?? listener.protocol, number(input, 'Port') ?? listener.port]
  checkProtocol(protocol)
  checkPort(port, loadBalancer, listener)
  const security = secured(call, protocol, listener)
  const actions = structures(input, 'DefaultActions')
  const standard = listener.rules.find(({ priority }) => priority === 'default')
  const action = actions.length > 0 ? parseAction(actions, state, loadBalancer, protocol) : undefined
  if (standard && action) {
    delete standard.redirect
    Object.assign(standard, action)
  }
  Object.assign(listener, { protocol, port, ...security })
  return { Listeners: [view(loadBalancer, listener)] }
}

/** The operations on listeners and their certificates. */
export const listenerOperations: Record<string, Operation> = {
  DescribeListeners: describe,
  CreateListener: create,
  ModifyListener: modify,
  DeleteListener: ({ input, state }) => {
    const { loadBalancer, listener } = listenerOf(state, text(input, 'ListenerArn'))
    loadBalancer.listeners.splice(loadBalancer.listeners.indexOf(listener), 1)
    return {}
  },
  DescribeListenerCertificates: ({ input, state }) => {
    const { listener } = listenerOf(state, text(input, 'ListenerArn'))
    return { Certificates: listener.certificateArns.map((CertificateArn, index) => ({ CertificateArn, IsDefault: index === 0 })) }
  },
  AddListenerCertificates: (call) => {
    const { listener } = listenerOf(call.state, text(call.input, 'ListenerArn'))
    const arns = certificatesOf(call)
    // One that is there already, as the default or not, is not added again (API reference, AddListenerCertificates).
    listener.certificateArns.push(...arns.filter((arn) => !listener.certificateArns.includes(arn)))
    return { Certificates: arns.map((CertificateArn) => ({ CertificateArn, IsDefault: false })) }
  },
  RemoveListenerCertificates: ({ input, state }) => {
    const { listener } = listenerOf(state, text(input, 'ListenerArn'))
    const arns = structures(input, 'Certificates').map((certificate) => text(certificate, 'CertificateArn') ?? '')
    const [standard] = listener.certificateArns
    if (standard !== undefined && arns.includes(standard)) throw refuse('OperationNotPermitted', 'Default certificate cannot be removed')
    listener.certificateArns = listener.certificateArns.filter((arn) => !arns.includes(arn))
    return {}
  },
}
