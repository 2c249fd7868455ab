/** probe: a gRPC call over TLS, checked certificate and all, was answered by Milvus through the ALB. */
import type { X509Certificate } from 'node:crypto'
import { ActionError } from '../core/errors.ts'
import { sayProgress, type Context } from '../core/step.ts'
import { growing, waitFor, type Seen } from '../core/waiting.ts'
import type { Endpoint } from '../milvus/connection.ts'
import { ProbeFailure } from '../milvus/failures.ts'
import { leadsAstray, proxyFor } from '../milvus/names.ts'
import { probe, type Proof } from '../milvus/probe.ts'
import type { IngressSettings, Settings } from '../settings/types.ts'

/** Milliseconds: for one stage of a connection, for one call, and between two attempts. */
const stageTimeout = 5_000
const callTimeout = 15_000
const interval = 250

/** What an attempt has at least, in milliseconds: also one that begins at the end of the time. */
const shortestAttempt = 1_000

/**
 * Tries until Milvus answers, as long as time can heal what is seen.
 * @param certificate the one in ACM, which must be the one that is served; undefined when that is not known
 * @throws ActionError with the code of the stage that failed
 */
export async function apply(context: Context, settings: Settings, address: string, certificate: X509Certificate | undefined): Promise<Proof> {
  const { probe: options, host, ingress } = settings
  const endpoint: Endpoint = { host, address: options.address ?? { host: address, port: ingress.listenPort }, ca: options.ca, certificate, listener: listenerOf(ingress), timeout: stageTimeout, callTimeout }
  const attempt = (at: Endpoint) => async (until: number): Promise<Proof> => probe({ ...at, until }, options.token, context.signal)
  const proof = await persist(context, settings, attempt(endpoint), () => interval)
  proof.seen.forEach((line) => context.log.info(line))
  if (!proof.authenticated) {
    context.log.note('Milvus was reached and asks for credentials, as it should; give milvus-token to check its version and health too.')
  }
  if (proof.open) sayOpen(context, settings)
  if (proof.limits !== '') context.log.warn(`Milvus is healthy, but ${proof.limits}. It needs more memory or disk, or a higher limit (quotaAndLimits in its configuration).`)
  if (/-TLS13-1-3-/.test(ingress.sslPolicy)) context.log.note(`ssl-policy ${ingress.sslPolicy} takes TLS 1.3 only: older clients cannot connect (OpenSSL before 1.1.1, Java 8 before update 261).`)
  if (options.dns) await proveName(context, settings, address, attempt({ ...endpoint, address: { host, port: ingress.listenPort } }))
  return proof
}

function listenerOf({ scheme, inboundCidrs, securityGroups, sslPolicy, groupName }: IngressSettings): Endpoint['listener'] {
  // The controller does not look at inbound-cidrs beside security-groups.
  const narrowing = securityGroups.length > 0 ? `security-groups (${securityGroups.join(', ')})` : inboundCidrs.length > 0 ? `inbound-cidrs (${inboundCidrs.join(', ')})` : undefined
  return { internal: scheme === 'internal', narrowedBy: narrowing, sslPolicy, group: groupName }
}

/** Probes by the host's own name, as soon as this runner's DNS leads it to the ALB. Behind a proxy the DNS that counts is the proxy's. */
async function proveName(context: Context, settings: Settings, address: string, attempt: (until: number) => Promise<Proof>): Promise<void> {
  const { host, ingress: { listenPort } } = settings
  await persist(context, settings, async (until) => {
    const astray = proxyFor(host, listenPort) === '' ? await leadsAstray(host, address, Math.min(stageTimeout, until - Date.now())) : undefined
    if (astray) throw astray
    return attempt(until)
  }, growing)
  context.log.info(`DNS leads ${host} to the ALB, and Milvus answers by that name`)
}

/** Tries again what time can heal, until probe-timeout is over. */
function persist<T>(context: Context, { timeouts }: Settings, attempt: (until: number) => Promise<T>, wait: (waited: number) => number): Promise<T> {
  let last: ProbeFailure | undefined
  let since = context.clock.now()
  const deadline = since + timeouts.probe * 1000
  return waitFor<T>({
    look: async (): Promise<Seen<T>> => {
      try {
        return { done: await attempt(Math.max(deadline, context.clock.now() + shortestAttempt)) }
      } catch (thrown) {
        if (!(thrown instanceof ProbeFailure)) throw thrown
        if (thrown.code !== last?.code) since = context.clock.now()
        last = thrown
        if (context.clock.now() - since >= thrown.heals) throw failed(thrown, 0)
        return { pending: thrown.message }
      }
    },
    interval: wait,
    timeout: timeouts.probe * 1000,
    signal: context.signal,
    clock: context.clock,
    onProgress: sayProgress(context.log, 'probe'),
    timedOut: () => (last ? failed(last, timeouts.probe) : new ActionError({ code: 'probe-unreachable', problem: 'There was no time for a probe.', remedy: 'Give probe-timeout more time.' })),
  })
}

const howToClose = 'Turn it on with common.security.authorizationEnabled: true (in the chart, extraConfigFiles."user.yaml"), and change the password of root, which is Milvus at first.'

/** @throws ActionError `milvus-authorization-off`, when authorization is asked for */
function sayOpen(context: Context, { requireAuthorization, ingress }: Settings): void {
  const problem = 'Milvus answers without credentials: whoever reaches the ALB can read, change and drop every collection.'
  if (requireAuthorization) throw new ActionError({ code: 'milvus-authorization-off', problem, remedy: howToClose })
  const everybody = ingress.scheme === 'internet-facing' && ingress.inboundCidrs.length === 0 && ingress.securityGroups.length === 0
  if (everybody) context.log.warn(`${problem} The ALB is open to the internet. ${howToClose}`)
  else context.log.note(`${problem} ${howToClose}`)
}

/** @param tried seconds for which the attempts went on; 0 when waiting would not have helped */
function failed(failure: ProbeFailure, tried: number): ActionError {
  return new ActionError({ code: failure.code, problem: tried > 0 ? `${failure.message} Tried for ${tried} s.` : failure.message, remedy: failure.remedy, cause: failure })
}
