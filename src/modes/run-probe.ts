/** Probes Milvus through the ALB. A failure also says what ELB knows about the targets. */
import type { X509Certificate } from 'node:crypto'
import { nameMilvus } from '../clients/milvus/probe.ts'
import { ActionError } from '../failures/action-error.ts'
import type { Addresses } from '../steps/ingress/manifest.ts'
import { describeExposure } from '../steps/load-balancer/exposure.ts'
import { withTargetHealth } from '../steps/load-balancer/target-health.ts'
import type { LoadBalancerRun } from '../steps/load-balancer/wait.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import * as probe from '../steps/probe/probe.ts'

/** What to probe. */
export interface Endpoint {
  readonly target: Target
  readonly addresses: Addresses
  /** The certificate that the ALB should serve; undefined when it is not known. */
  readonly certificate: X509Certificate | undefined
}

/** @throws ActionError of the probe */
export async function runProbe(run: LoadBalancerRun, endpoint: Endpoint): Promise<void> {
  const { context } = run
  await context.step('probe', async () => {
    const result = await probeEndpoint(run, endpoint)
    if (!result.isAuthenticated)
      return { summary: 'Milvus answers and requires credentials', result: undefined }
    const { version } = result
    if (version !== undefined) context.setOutput('milvus-version', version)
    return { summary: `${nameMilvus(version)} answers`, result: undefined }
  })
}

async function probeEndpoint(run: LoadBalancerRun, { target, addresses, certificate }: Endpoint) {
  const exposure = describeExposure(run.settings, target.classParams)
  try {
    return await probe.apply(run, { addresses, certificate, exposure })
  } catch (thrown) {
    if (!(thrown instanceof ActionError)) throw thrown
    throw await withTargetHealth(run, thrown, { target, address: addresses.alb })
  }
}
