/** Probes Milvus through the ALB. A failure also says what ELB knows about the targets. */
import type { X509Certificate } from 'node:crypto'
import type { TargetHealth } from '../clients/aws/load-balancer-configuration.ts'
import { nameMilvus } from '../clients/milvus/grpc-calls.ts'
import { ActionError } from '../failures/action-error.ts'
import type { Addresses } from '../steps/ingress/manifest.ts'
import { describeExposure } from '../steps/load-balancer/exposure.ts'
import { reportTargets, withTargetHealth } from '../steps/load-balancer/target-health.ts'
import type { LoadBalancerRun } from '../steps/load-balancer/wait.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import * as probe from '../steps/probe/probe.ts'

/** What to probe. */
export interface ProbeInput {
  readonly target: Target
  readonly addresses: Addresses
  /** The certificate that the ALB should serve; undefined when it is not known. */
  readonly certificate: X509Certificate | undefined
  /** Whether the Ingress routes the RESTful API. */
  readonly isRestServed: boolean
  /** Undefined when it is not known. */
  readonly targetGroupArn: string | undefined
}

/** @throws ActionError of the probe */
export async function runProbe(run: LoadBalancerRun, endpoint: ProbeInput): Promise<void> {
  const { context } = run
  await context.step('probe', async () => {
    const { result, confirmation } = await probeEndpoint(run, endpoint)
    if (!result.isAuthenticated)
      return {
        summary: `Milvus answers and requires credentials: ${confirmation}`,
        result: undefined,
      }
    const { version } = result
    if (version !== undefined) context.setOutput('milvus-version', version)
    return { summary: `${nameMilvus(version)} answers: ${confirmation}`, result: undefined }
  })
}

async function probeEndpoint(run: LoadBalancerRun, endpoint: ProbeInput) {
  const { target, addresses, certificate } = endpoint
  const exposure = describeExposure(run.settings, target)
  const targets = new TargetReader(run, endpoint)
  try {
    const readTargets = () => targets.read()
    const confirmed = await probe.apply(run, {
      addresses,
      certificate,
      exposure,
      isRestServed: endpoint.isRestServed,
      readTargets,
    })
    targets.report()
    return confirmed
  } catch (thrown) {
    if (!(thrown instanceof ActionError)) throw thrown
    const failure = await withTargetHealth(run, thrown, { target, address: addresses.alb })
    if (failure === thrown) targets.report()
    throw failure
  }
}

/** Milliseconds for a read that only adds to what the calls show. */
const readTimeout = 5_000

/** Reads the targets, as often as the probe asks for them. */
class TargetReader {
  private readonly run: LoadBalancerRun
  private readonly targetGroupArn: string | undefined
  private latest: readonly TargetHealth[] | undefined
  private readCount = 0

  constructor(run: LoadBalancerRun, { targetGroupArn }: ProbeInput) {
    this.run = run
    this.targetGroupArn = targetGroupArn
  }

  /** @returns undefined when they cannot be read: the calls decide about the endpoint */
  async read(): Promise<readonly TargetHealth[] | undefined> {
    const { clients, context } = this.run
    if (this.targetGroupArn === undefined) return undefined
    this.readCount += 1
    const readNumber = this.readCount
    const reading = clients.loadBalancers
      .getTargetHealth(this.targetGroupArn)
      .catch(() => undefined)
    const stop = new AbortController()
    const timeout = context.clock
      .sleep(readTimeout, AbortSignal.any([stop.signal, context.signal]))
      .then(() => undefined)
    const targets = await Promise.race([reading, timeout])
    stop.abort()
    // One that was begun earlier may end later.
    if (readNumber === this.readCount) this.latest = targets
    return targets
  }

  /** A check reports them in its step load-balancer. */
  report(): void {
    const { context, settings } = this.run
    if (this.latest && this.latest.length > 0 && settings.mode !== 'check')
      reportTargets(context.log, this.latest, settings)
  }
}
