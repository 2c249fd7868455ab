/** probe: a gRPC call over TLS, checked certificate and all, was answered by Milvus through the ALB. */
import type { X509Certificate } from 'node:crypto'
import { ActionError } from '../core/errors.ts'
import { sayProgress, type Context } from '../core/step.ts'
import { waitFor, type Seen } from '../core/waiting.ts'
import { ProbeFailure } from '../milvus/failures.ts'
import { probe, type Proof } from '../milvus/probe.ts'
import type { Settings } from '../settings/types.ts'

/** Milliseconds: for one stage of a connection, for one call, and between two attempts. */
const stageTimeout = 5_000
const callTimeout = 15_000
const interval = 250

/**
 * Tries until Milvus answers, as long as time can heal what is seen.
 * @param certificate the one in ACM, which must be the one that is served
 * @throws ActionError with the code of the stage that failed
 */
export async function apply(context: Context, settings: Settings, address: string, certificate: X509Certificate): Promise<Proof> {
  const { probe: options, host, ingress, timeouts } = settings
  const endpoint = { host, address: options.address ?? { host: address, port: ingress.listenPort }, ca: options.ca, certificate, narrowed: ingress.inboundCidrs.length > 0 || ingress.securityGroups.length > 0, timeout: stageTimeout, callTimeout }
  const start = context.clock.now()
  let last: ProbeFailure | undefined
  let since = start
  const proof = await waitFor<Proof>({
    look: async (): Promise<Seen<Proof>> => {
      try {
        return { done: await probe(endpoint, options.token, context.signal) }
      } catch (thrown) {
        if (!(thrown instanceof ProbeFailure)) throw thrown
        if (thrown.code !== last?.code) since = context.clock.now()
        last = thrown
        if (context.clock.now() - since >= thrown.heals) throw failed(thrown, 0)
        return { pending: thrown.message }
      }
    },
    interval: () => interval,
    timeout: timeouts.probe * 1000,
    signal: context.signal,
    clock: context.clock,
    onProgress: sayProgress(context.log, 'probe'),
    timedOut: () => (last ? failed(last, timeouts.probe) : new ActionError({ code: 'probe-unreachable', problem: 'There was no time for a probe.', remedy: 'Give probe-timeout more time.' })),
  })
  proof.seen.forEach((line) => context.log.info(line))
  if (!proof.authenticated) {
    context.log.note('Milvus was reached and asks for credentials, as it should; give milvus-token to check its version and health too.')
  }
  if (proof.open) sayOpen(context, settings)
  return proof
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
