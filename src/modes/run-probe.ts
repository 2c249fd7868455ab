/** Probes Milvus through the ALB. A failure also says what ELB knows about the targets. */
import type { X509Certificate } from 'node:crypto'
import { ActionError } from '../failures/action-error.ts'
import { withTargetHealth } from '../steps/load-balancer/target-health.ts'
import type { LoadBalancerStepClients } from '../steps/load-balancer/wait.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import * as probe from '../steps/probe/probe.ts'
import type { Run } from './clients.ts'

/** What to probe. */
export interface Endpoint {
  readonly target: Target
  /** DNS name of the ALB. */
  readonly address: string
  /** The certificate that the ALB should serve; undefined when it is not known. */
  readonly certificate: X509Certificate | undefined
}

/** @throws ActionError of the probe */
export async function runProbe(
  run: Run<LoadBalancerStepClients>,
  endpoint: Endpoint,
): Promise<void> {
  const { context } = run
  await context.step('probe', async () => {
    const { version, isAuthenticated } = await probeEndpoint(run, endpoint)
    if (version !== '') context.setOutput('milvus-version', version)
    const summary = isAuthenticated
      ? `Milvus ${version} answers`
      : 'Milvus answers and requires credentials'
    return { summary, result: undefined }
  })
}

async function probeEndpoint(
  { context, settings, clients }: Run<LoadBalancerStepClients>,
  { target, address, certificate }: Endpoint,
) {
  try {
    return await probe.apply(context, settings, address, certificate)
  } catch (thrown) {
    if (!(thrown instanceof ActionError)) throw thrown
    throw await withTargetHealth(thrown, settings, clients, { target, address })
  }
}
