/**
 * probe: a gRPC call over TLS, checked certificate and all, was answered by Milvus through the ALB.
 */
import type { X509Certificate } from 'node:crypto'
import { ActionError } from '../../failures/action-error.ts'
import { progressLogger, type Context } from '../step.ts'
import { pollInterval, waitFor, type PollResult } from '../../util/polling.ts'
import type { Endpoint } from '../../clients/milvus/connection.ts'
import { ProbeFailure } from '../../clients/milvus/failures.ts'
import { findDnsMismatch, getProxyUrl } from '../../clients/milvus/dns.ts'
import { probe, type ProbeResult } from '../../clients/milvus/probe.ts'
import type { IngressSettings, Settings } from '../../inputs/types.ts'

/** Milliseconds: for one stage of a connection, for one call, and between two attempts. */
const stageTimeout = 5_000
const callTimeout = 15_000
const interval = 250

/** What an attempt has at least, in milliseconds: also one that begins at the end of the time. */
const minAttemptTime = 1_000

/**
 * Tries until Milvus answers, as long as time can heal what is seen.
 * @param certificate the one in ACM, which must be the one that is served; undefined when that is
 *   not known
 * @throws ActionError with the code of the stage that failed
 */
export async function apply(
  context: Context,
  settings: Settings,
  address: string,
  certificate: X509Certificate | undefined,
): Promise<ProbeResult> {
  const { probe: options, host, ingress } = settings
  const endpoint: Endpoint = {
    host,
    address: options.address ?? { host: address, port: ingress.listenPort },
    ca: options.ca,
    expectedCertificate: certificate,
    listener: describeListener(ingress),
    timeout: stageTimeout,
    callTimeout,
  }
  const attempt =
    (probeEndpoint: Endpoint) =>
    async (until: number): Promise<ProbeResult> =>
      probe({ ...probeEndpoint, deadline: until }, options.token, context.signal)
  const result = await retryProbe(context, settings, attempt(endpoint), () => interval)
  result.trace.forEach((line) => context.log.info(line))
  if (!result.isAuthenticated) {
    context.log.note(
      'Milvus was reached and asks for credentials, as it should; give milvus-token to check its version and health too.',
    )
  }
  if (result.allowsUnauthenticatedAccess) reportUnauthenticatedAccess(context, settings)
  if (result.limits !== '')
    context.log.warn(
      `Milvus is healthy, but ${result.limits}. It needs more memory or disk, or a higher limit (quotaAndLimits in its configuration).`,
    )
  if (/-TLS13-1-3-/.test(ingress.sslPolicy))
    context.log.note(
      `ssl-policy ${ingress.sslPolicy} takes TLS 1.3 only: older clients cannot connect (OpenSSL before 1.1.1, Java 8 before update 261).`,
    )
  if (options.byHostname)
    await probeByHostname(
      context,
      settings,
      address,
      attempt({ ...endpoint, address: { host, port: ingress.listenPort } }),
    )
  return result
}

function describeListener({
  scheme,
  inboundCidrs,
  securityGroups,
  sslPolicy,
  groupName,
}: IngressSettings): Endpoint['listener'] {
  // The controller does not look at inbound-cidrs beside security-groups.
  const restriction =
    securityGroups.length > 0
      ? `security-groups (${securityGroups.join(', ')})`
      : inboundCidrs.length > 0
        ? `inbound-cidrs (${inboundCidrs.join(', ')})`
        : undefined
  return {
    isInternal: scheme === 'internal',
    restrictedBy: restriction,
    sslPolicy,
    group: groupName,
  }
}

/**
 * Probes by the host's own name, as soon as this runner's DNS leads it to the ALB. Behind a proxy
 * the DNS that counts is the proxy's.
 */
async function probeByHostname(
  context: Context,
  settings: Settings,
  address: string,
  attempt: (until: number) => Promise<ProbeResult>,
): Promise<void> {
  const {
    host,
    ingress: { listenPort },
  } = settings
  await retryProbe(
    context,
    settings,
    async (until) => {
      const dnsError =
        getProxyUrl(host, listenPort) === ''
          ? await findDnsMismatch(host, address, Math.min(stageTimeout, until - Date.now()))
          : undefined
      if (dnsError) throw dnsError
      return attempt(until)
    },
    pollInterval,
  )
  context.log.info(`DNS leads ${host} to the ALB, and Milvus answers by that name`)
}

/** Tries again what time can heal, until probe-timeout is over. */
function retryProbe<T>(
  context: Context,
  { timeouts }: Settings,
  attempt: (until: number) => Promise<T>,
  nextInterval: (waited: number) => number,
): Promise<T> {
  let lastFailure: ProbeFailure | undefined
  let failingSince = context.clock.now()
  const deadline = failingSince + timeouts.probe * 1000
  return waitFor<T>({
    poll: async (): Promise<PollResult<T>> => {
      try {
        return { done: await attempt(Math.max(deadline, context.clock.now() + minAttemptTime)) }
      } catch (thrown) {
        if (!(thrown instanceof ProbeFailure)) throw thrown
        if (thrown.code !== lastFailure?.code) failingSince = context.clock.now()
        lastFailure = thrown
        if (context.clock.now() - failingSince >= thrown.retryFor) throw toActionError(thrown, 0)
        return { pending: thrown.message }
      }
    },
    interval: nextInterval,
    timeout: timeouts.probe * 1000,
    signal: context.signal,
    clock: context.clock,
    onProgress: progressLogger(context.log, 'probe'),
    createTimeoutError: () =>
      lastFailure
        ? toActionError(lastFailure, timeouts.probe)
        : new ActionError({
            code: 'probe-unreachable',
            problem: 'There was no time for a probe.',
            remedy: 'Give probe-timeout more time.',
          }),
  })
}

const authorizationRemedy =
  'Turn it on with common.security.authorizationEnabled: true (in the chart, extraConfigFiles."user.yaml"), and change the password of root, which is Milvus at first.'

/** @throws ActionError `milvus-authorization-off`, when authorization is asked for */
function reportUnauthenticatedAccess(
  context: Context,
  { requireAuthorization, ingress }: Settings,
): void {
  const problem =
    'Milvus answers without credentials: whoever reaches the ALB can read, change and drop every collection.'
  if (requireAuthorization)
    throw new ActionError({
      code: 'milvus-authorization-off',
      problem,
      remedy: authorizationRemedy,
    })
  const isPublic =
    ingress.scheme === 'internet-facing' &&
    ingress.inboundCidrs.length === 0 &&
    ingress.securityGroups.length === 0
  if (isPublic)
    context.log.warn(`${problem} The ALB is open to the internet. ${authorizationRemedy}`)
  else context.log.note(`${problem} ${authorizationRemedy}`)
}

/**
 * @param triedSeconds seconds for which the attempts went on; 0 when waiting would not have
 *   helped
 */
function toActionError(failure: ProbeFailure, triedSeconds: number): ActionError {
  return new ActionError({
    code: failure.code,
    problem: triedSeconds > 0 ? `${failure.message} Tried for ${triedSeconds} s.` : failure.message,
    remedy: failure.remedy,
    cause: failure,
  })
}
