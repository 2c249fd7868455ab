/**
 * Listeners and their certificates (Elastic Load Balancing API reference; user guide, "HTTPS
 * listeners").
 */
import { getAcmCertificateDetails } from './acm-certificate.ts'
import { findListener, findLoadBalancer, createElbError, selectPage } from './elbv2-lookup.ts'
import { parseMutualAuthentication, toMutualAuthenticationFields } from './elbv2-mutual-tls.ts'
import { toActionDescription, insertRule, parseAction, createRuleArn } from './elbv2-rules.ts'
import {
  getNumber,
  getStructureList,
  readTags,
  getString,
  getStringList,
  type Fields,
} from './fields.ts'
import { randomId, type OperationCall, type Operation } from './service.ts'
import type { Listener, LoadBalancer } from './state.ts'

/** The default of the API. The console has another one. */
const defaultSslPolicy = 'ELBSecurityPolicy-2016-08'

/** User guide, "Security policies": TLS 1.3, FIPS, TLS 1.0 to 1.2, and forward secrecy. */
const sslPolicies = new Set([
  ...['1-0', '1-1', '1-2', '1-2-Res', '1-2-Ext1', '1-2-Ext2', '1-3'].flatMap((version) => [
    `ELBSecurityPolicy-TLS13-${version}-2021-06`,
    `ELBSecurityPolicy-TLS13-${version}-FIPS-2023-04`,
  ]),
  ...['1-2', '1-2-Ext0', '1-2-Ext1', '1-2-Ext2', '1-3', '1-2-Res'].map(
    (version) => `ELBSecurityPolicy-TLS13-${version}-PQ-2025-09`,
  ),
  'ELBSecurityPolicy-TLS-1-0-2015-04',
  'ELBSecurityPolicy-TLS-1-1-2017-01',
  'ELBSecurityPolicy-TLS-1-2-2017-01',
  'ELBSecurityPolicy-TLS-1-2-Ext-2018-06',
  'ELBSecurityPolicy-2016-08',
  'ELBSecurityPolicy-2015-05',
  'ELBSecurityPolicy-FS-2018-06',
  'ELBSecurityPolicy-FS-1-1-2019-08',
  'ELBSecurityPolicy-FS-1-2-2019-08',
  'ELBSecurityPolicy-FS-1-2-Res-2019-08',
  'ELBSecurityPolicy-FS-1-2-Res-2020-10',
])

/**
 * Checks that a listener can use a certificate. Certificates of other regions are `not valid`
 * (aws-load-balancer-controller #2134, #2552). Unknown, expired (terraform-provider-aws #17505) and
 * newly imported ones (terraform-provider-aws #1127) are `not found`.
 */
function checkCertificate(arn: string, { state, now }: OperationCall): void {
  if (!arn.startsWith(`arn:aws:acm:${state.region}:`))
    throw createElbError('ValidationError', `Certificate ARN '${arn}' is not valid`)
  const certificate = state.certificates.get(arn)
  const details = certificate && getAcmCertificateDetails(certificate)
  const isPropagating =
    certificate && certificate.importedAt.getTime() + (state.certificatePropagationTime ?? 0) > now
  if (!details || isPropagating || details.notAfter.getTime() <= now)
    throw createElbError('CertificateNotFound', `Certificate '${arn}' not found`)
  if (!details.names.some((name) => name.includes('.'))) {
    throw createElbError(
      'UnsupportedCertificate',
      `The certificate '${arn}' must have a fully-qualified domain name, ` +
        'a supported signature, and a supported key size.',
    )
  }
}

/** The valid certificates of a call. */
function parseCertificateArns(call: OperationCall): string[] {
  const arns = getStructureList(call.input, 'Certificates').map(
    (certificate) => getString(certificate, 'CertificateArn') ?? '',
  )
  for (const arn of arns) checkCertificate(arn, call)
  return arns
}

/** The SSL policy and certificates of a listener, after validation. */
function resolveTlsSettings(
  call: OperationCall,
  protocol: string,
  current?: Listener,
): Pick<Listener, 'sslPolicy' | 'certificateArns'> {
  const requestedCertificates = getStructureList(call.input, 'Certificates')
  const sslPolicy = getString(call.input, 'SslPolicy') ?? current?.sslPolicy ?? ''
  if (protocol === 'HTTP') {
    if (requestedCertificates.length > 0)
      throw createElbError('ValidationError', 'Certificates cannot be specified for HTTP listeners')
    return { sslPolicy: '', certificateArns: [] }
  }
  if (sslPolicy !== '' && !sslPolicies.has(sslPolicy))
    throw createElbError('SSLPolicyNotFound', `SSL policy '${sslPolicy}' not found`)
  if (requestedCertificates.length > 1)
    throw createElbError(
      'ValidationError',
      'Only one default certificate can be specified for a listener',
    )
  const [defaultCertificateArn] = parseCertificateArns(call)
  const currentArns = current?.certificateArns ?? []
  if (defaultCertificateArn === undefined && currentArns.length === 0)
    throw createElbError('ValidationError', 'A certificate must be specified for HTTPS listeners')
  // Only the default certificate is replaced.
  const certificateArns =
    defaultCertificateArn === undefined
      ? currentArns
      : [
          defaultCertificateArn,
          ...currentArns.slice(1).filter((arn) => arn !== defaultCertificateArn),
        ]
  return { sslPolicy: sslPolicy === '' ? defaultSslPolicy : sslPolicy, certificateArns }
}

function checkProtocol(protocol: string): void {
  if (!['HTTP', 'HTTPS'].includes(protocol))
    throw createElbError(
      'ValidationError',
      `Listener protocol '${protocol}' must be one of 'HTTP, HTTPS'`,
    )
}

function checkPort(port: number, loadBalancer: LoadBalancer, current?: Listener): void {
  if (!(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw createElbError(
      'ValidationError',
      `Listener port '${port}' must be between '1' and '65535' inclusive`,
    )
  if (loadBalancer.listeners.some((other) => other !== current && other.port === port)) {
    throw createElbError(
      'DuplicateListener',
      `A listener already exists on this port for this load balancer '${loadBalancer.arn}'`,
    )
  }
}

function toListenerDescription(loadBalancer: LoadBalancer, listener: Listener): Fields {
  const defaultRule = listener.rules.find(({ priority }) => priority === 'default')
  return {
    ListenerArn: listener.arn,
    LoadBalancerArn: loadBalancer.arn,
    Port: listener.port,
    Protocol: listener.protocol,
    // Only the default certificate: DescribeListenerCertificates returns the others.
    ...(listener.protocol === 'HTTPS'
      ? {
          Certificates: listener.certificateArns
            .slice(0, 1)
            .map((CertificateArn) => ({ CertificateArn })),
          SslPolicy: listener.sslPolicy,
          MutualAuthentication: toMutualAuthenticationFields(
            listener.mutualAuthentication ?? {
              mode: 'off',
              trustStore: undefined,
              ignoresExpiry: false,
            },
          ),
        }
      : {}),
    DefaultActions: defaultRule ? [toActionDescription(defaultRule)] : [],
  }
}

function describeListeners({ input, state }: OperationCall): Fields {
  const arns = getStringList(input, 'ListenerArns')
  const loadBalancerArn = getString(input, 'LoadBalancerArn')
  if (arns.length === 0 && loadBalancerArn === undefined)
    throw createElbError(
      'ValidationError',
      'You must specify either listener ARNs or a load balancer ARN',
    )
  const listByLoadBalancer = () => {
    const loadBalancer = findLoadBalancer(state, loadBalancerArn)
    return loadBalancer.listeners.map((listener) => ({ loadBalancer, listener }))
  }
  const matching =
    arns.length > 0 ? arns.map((arn) => findListener(state, arn)) : listByLoadBalancer()
  const { page, nextPage } = selectPage(matching, input)
  return {
    Listeners: page.map(({ loadBalancer, listener }) =>
      toListenerDescription(loadBalancer, listener),
    ),
    ...nextPage,
  }
}

function createListener(call: OperationCall): Fields {
  const { input, state } = call
  const loadBalancer = findLoadBalancer(state, getString(input, 'LoadBalancerArn'))
  const [protocol, port] = [getString(input, 'Protocol') ?? '', getNumber(input, 'Port') ?? 0]
  checkProtocol(protocol)
  checkPort(port, loadBalancer)
  const tlsSettings = resolveTlsSettings(call, protocol)
  const action = parseAction(
    getStructureList(input, 'DefaultActions'),
    state,
    loadBalancer,
    protocol,
  )
  const arn = `${loadBalancer.arn.replace(':loadbalancer/', ':listener/')}/${randomId()}`
  const listener: Listener = {
    arn,
    port,
    protocol,
    ...tlsSettings,
    mutualAuthentication: parseMutualAuthentication(input, state.trustStores),
    tags: readTags(input),
    rules: [],
  }
  insertRule(listener, {
    arn: createRuleArn(arn),
    priority: 'default',
    hosts: [],
    paths: [],
    ...action,
    tags: new Map(),
  })
  loadBalancer.listeners.push(listener)
  return { Listeners: [toListenerDescription(loadBalancer, listener)] }
}

function modifyListener(call: OperationCall): Fields {
  const { input, state } = call
  const { loadBalancer, listener } = findListener(state, getString(input, 'ListenerArn'))
  const [protocol, port] = [
    getString(input, 'Protocol') ?? listener.protocol,
    getNumber(input, 'Port') ?? listener.port,
  ]
  checkProtocol(protocol)
  checkPort(port, loadBalancer, listener)
  const tlsSettings = resolveTlsSettings(call, protocol, listener)
  const mutualAuthentication =
    parseMutualAuthentication(input, state.trustStores) ?? listener.mutualAuthentication
  const actions = getStructureList(input, 'DefaultActions')
  const defaultRule = listener.rules.find(({ priority }) => priority === 'default')
  const action =
    actions.length > 0 ? parseAction(actions, state, loadBalancer, protocol) : undefined
  if (defaultRule && action) {
    delete defaultRule.redirect
    Object.assign(defaultRule, action)
  }
  Object.assign(listener, { protocol, port, ...tlsSettings, mutualAuthentication })
  return { Listeners: [toListenerDescription(loadBalancer, listener)] }
}

/** The operations on listeners and their certificates. */
export const listenerOperations: Record<string, Operation> = {
  DescribeListeners: describeListeners,
  CreateListener: createListener,
  ModifyListener: modifyListener,
  DeleteListener: ({ input, state }) => {
    const { loadBalancer, listener } = findListener(state, getString(input, 'ListenerArn'))
    loadBalancer.listeners.splice(loadBalancer.listeners.indexOf(listener), 1)
    return {}
  },
  DescribeListenerCertificates: ({ input, state }) => {
    const { listener } = findListener(state, getString(input, 'ListenerArn'))
    return {
      Certificates: listener.certificateArns.map((CertificateArn, index) => ({
        CertificateArn,
        IsDefault: index === 0,
      })),
    }
  },
  AddListenerCertificates: (call) => {
    const { listener } = findListener(call.state, getString(call.input, 'ListenerArn'))
    const arns = parseCertificateArns(call)
    // Existing certificates, including the default, are not added again (API reference,
    // AddListenerCertificates).
    listener.certificateArns.push(...arns.filter((arn) => !listener.certificateArns.includes(arn)))
    return { Certificates: arns.map((CertificateArn) => ({ CertificateArn, IsDefault: false })) }
  },
  RemoveListenerCertificates: ({ input, state }) => {
    const { listener } = findListener(state, getString(input, 'ListenerArn'))
    const arns = getStructureList(input, 'Certificates').map(
      (certificate) => getString(certificate, 'CertificateArn') ?? '',
    )
    const [defaultCertificateArn] = listener.certificateArns
    if (defaultCertificateArn !== undefined && arns.includes(defaultCertificateArn))
      throw createElbError('OperationNotPermitted', 'Default certificate cannot be removed')
    listener.certificateArns = listener.certificateArns.filter((arn) => !arns.includes(arn))
    return {}
  },
}
