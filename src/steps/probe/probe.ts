/** probe: Milvus answers gRPC calls through the ALB, over TLS with a verified certificate. */
import type { X509Certificate } from 'node:crypto'
import { getProxyUrl, identifyLoadBalancer } from '../../clients/milvus/dns.ts'
import type { Endpoint, ListenerSettings, TimedEndpoint } from '../../clients/milvus/endpoint.ts'
import { probe, type ProbeResult } from '../../clients/milvus/grpc-calls.ts'
import { findMutualAuthentication } from '../../controller/annotations.ts'
import { ProbeFailure } from '../../failures/probe-failure.ts'
import {
  authorizationOff,
  authorizationOffProblem,
  defaultPasswordAccepted,
  enableAuthorizationRemedy,
} from '../../failures/probe.ts'
import type { IngressSettings, EndpointSettings } from '../../inputs/types.ts'
import { pollInterval } from '../../util/polling.ts'
import { formatDistinguishedName } from '../../util/text.ts'
import { getSubject, toPem, type CertificateMaterial } from '../../x509/certificate.ts'
import type { Addresses } from '../ingress/manifest.ts'
import type { Exposure } from '../load-balancer/exposure.ts'
import type { EndpointRun } from '../run.ts'
import type { Context } from '../step.ts'
import { confirmEndpoint, type ReadTargets } from './confirmation.ts'
import { findNlbPort } from './nlb-port.ts'
import { EarlyRound } from './early-round.ts'
import { retryProbe } from './retry.ts'
import type { ProbeOutput } from './statistics.ts'

/** A probe connects to Milvus by itself, and needs no client of the run. */
type ProbeRun = Pick<EndpointRun, 'context' | 'settings'>

/** Milliseconds for one stage of a connection. */
const stageTimeout = 5_000
/** Milliseconds for one call. */
const callTimeout = 15_000
/** Milliseconds between two attempts. */
const attemptInterval = 250

/** What the probe connects to, and what is known about it. */
export interface ProbedAlb {
  readonly addresses: Addresses
  /** The one in ACM, which the ALB must serve; undefined when it is not known. */
  readonly certificate: X509Certificate | undefined
  readonly exposure: Exposure
  /** Whether the RESTful API has to answer, too. */
  readonly isRestServed: boolean
  readonly readTargets: ReadTargets
}

/** The answer of Milvus, and a phrase about the calls that confirmed it. */
export interface ConfirmedResult {
  readonly result: ProbeResult
  readonly confirmation: string
}

/**
 * Probes until Milvus answers, as long as the failures are transient, and confirms that it does so
 * at every address and call.
 * @throws ActionError with the code of the stage that failed
 */
export async function apply(
  run: ProbeRun,
  { addresses, certificate, exposure, isRestServed, readTargets }: ProbedAlb,
): Promise<ConfirmedResult> {
  const { context, settings } = run
  const { probe: options, host, ingress } = settings
  const endpoint: Endpoint = {
    host,
    address: options.address ?? { host: addresses.alb, port: ingress.listenPort },
    ca: options.ca,
    clientCertificate: options.clientCertificate && describeClient(options.clientCertificate),
    expectedCertificate: certificate,
    listener: describeListener(ingress, exposure),
    timeout: stageTimeout,
    callTimeout,
  }
  const deadline = context.clock.now() + settings.timeouts.probe * 1000
  const timedEndpoint = { ...endpoint, deadline }
  const earlyRound = new EarlyRound(endpoint, readTargets, context.signal)
  try {
    const result = await awaitAnswer(run, timedEndpoint, earlyRound)
    for (const line of result.trace) context.log.info(line)
    reportResult(run, result, exposure)
    const confirmed = await confirmEndpoint(run, { endpoint: timedEndpoint, earlyRound })
    const phrases = [
      confirmed.phrase,
      ...(await probeFurther(run, timedEndpoint, {
        result,
        output: confirmed.output,
        isRestServed,
      })),
    ]
    if (options.byHostname) await probeByHostname(run, addresses, timedEndpoint)
    return { result, confirmation: phrases.join(', ') }
  } finally {
    earlyRound.discard()
  }
}

/**
 * Probes until Milvus answers. What was begun before a failure may lead to what failed, and
 * is not used.
 */
function awaitAnswer(
  run: ProbeRun,
  endpoint: TimedEndpoint,
  earlyRound: EarlyRound,
): Promise<ProbeResult> {
  const { context, settings } = run
  const credentials = {
    token: settings.probe.token,
    triesDefaultPassword: settings.requireAuthorization,
  }
  const attempt = async (deadline: number): Promise<ProbeResult> => {
    try {
      return await probe({ ...endpoint, deadline }, credentials, context.signal)
    } catch (thrown) {
      earlyRound.discard()
      throw thrown
    }
  }
  const { deadline } = endpoint
  return retryProbe(run, { attempt, interval: () => attemptInterval, deadline })
}

/** What is known of the endpoint before the further probes. */
interface ConfirmedEndpointFindings {
  readonly result: ProbeResult
  readonly output: ProbeOutput
  readonly isRestServed: boolean
}

/**
 * The deep probe and that of the RESTful API, where the inputs ask for them.
 * @returns a phrase about each
 */
async function probeFurther(
  run: ProbeRun,
  endpoint: TimedEndpoint,
  { result, isRestServed, ...findings }: ConfirmedEndpointFindings,
): Promise<string[]> {
  const { context, settings } = run
  const phrases: string[] = []
  let { output } = findings
  if (settings.probe.isDeep) {
    const { probeDeep } = await import('./deep.ts')
    const deep = await probeDeep(run, endpoint)
    phrases.push(deep.phrase)
    output = { ...output, deep: deep.output }
    context.setOutput('probe', JSON.stringify(output))
  }
  if (isRestServed) {
    const { confirmRest } = await import('./rest.ts')
    phrases.push(await confirmRest(run, endpoint, { result, output }))
  }
  return phrases
}

const describeClient = ({
  leaf,
  chain,
  privateKey,
}: CertificateMaterial): Endpoint['clientCertificate'] => ({
  chain: toPem([leaf, ...chain]),
  privateKey,
  subject: getSubject(leaf),
  issuer: formatDistinguishedName(leaf.issuer),
})

const describeListener = (
  ingress: IngressSettings,
  { restrictedBy, group }: Exposure,
): ListenerSettings => ({
  isInternal: ingress.scheme === 'internal',
  restrictedBy,
  sslPolicy: ingress.sslPolicy,
  verifiesClients: findMutualAuthentication(ingress)?.mode === 'verify',
  group,
})

/** @throws ActionError `milvus-authorization-off`, `milvus-default-password` */
function reportResult(
  { context: { log }, settings }: ProbeRun,
  result: ProbeResult,
  exposure: Exposure,
): void {
  const { sslPolicy } = settings.ingress
  if (result.acceptsDefaultPassword) throw defaultPasswordAccepted()
  if (!result.isAuthenticated)
    log.note(
      'Milvus is reachable and requires credentials, as recommended. ' +
        'Set milvus-token to verify its version and health too.',
    )
  else reportAuthenticatedResult(log, settings, result, exposure)
  if (/-TLS13-1-3-/.test(sslPolicy))
    log.note(
      `ssl-policy ${sslPolicy} accepts TLS 1.3 only. ` +
        'Older clients cannot connect (OpenSSL before 1.1.1, Java 8 before update 261).',
    )
}

function reportAuthenticatedResult(
  log: Context['log'],
  settings: EndpointSettings,
  result: Extract<ProbeResult, { readonly isAuthenticated: true }>,
  exposure: Exposure,
): void {
  if (result.allowsUnauthenticatedAccess) reportUnauthenticatedAccess(log, settings, exposure)
  if (result.limits !== undefined)
    log.warn(
      `Milvus is healthy, but ${result.limits}. ` +
        'Add memory or disk, or raise the limit (quotaAndLimits in its configuration).',
    )
}

/** @throws ActionError `milvus-authorization-off`, when input require-authorization is true */
function reportUnauthenticatedAccess(
  log: Context['log'],
  { requireAuthorization, probe: { token } }: EndpointSettings,
  { isPublic }: Exposure,
): void {
  if (requireAuthorization) throw authorizationOff()
  const sentences = [
    authorizationOffProblem,
    ...(token === undefined ? [] : ['It did not check milvus-token.']),
    ...(isPublic ? ['The ALB is open to the internet.'] : []),
    enableAuthorizationRemedy,
  ]
  const text = sentences.join(' ')
  if (isPublic) log.warn(text)
  else log.note(text)
}

/**
 * Probes by the host's own name, once this runner's DNS points it to the ALB, or to the Network
 * Load Balancer in front of it. Behind a proxy, the proxy's DNS counts instead.
 */
async function probeByHostname(
  run: ProbeRun,
  addresses: Addresses,
  endpoint: TimedEndpoint,
): Promise<void> {
  const { context, settings } = run
  const { host, ingress, probe: options } = settings
  const usesProxy = getProxyUrl(host, ingress.listenPort) !== undefined
  const attempt = async (deadline: number): Promise<string> => {
    const dnsTimeout = Math.min(stageTimeout, deadline - Date.now())
    const target = usesProxy ? 'alb' : await identifyLoadBalancer(host, addresses, dnsTimeout)
    if (target instanceof ProbeFailure) throw target
    const port = target === 'nlb' ? findNlbPort(ingress) : ingress.listenPort
    const hostEndpoint = { ...endpoint, address: { host, port }, deadline }
    await probe(hostEndpoint, { token: options.token }, context.signal)
    return target === 'nlb' ? `port ${port} of the NLB in front of the ALB` : 'the ALB'
  }
  const { deadline } = endpoint
  const target = await retryProbe(run, { attempt, interval: pollInterval, deadline })
  context.log.info(`DNS: ${host} points to ${target}, and Milvus answers under that name`)
}
