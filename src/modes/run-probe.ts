/** The probe, and what the targets say when it fails. */
import type { X509Certificate } from 'node:crypto'
import { ActionError } from '../failures/action-error.ts'
import type { Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import { withTargetHealth } from '../steps/load-balancer/target-health.ts'
import type { LoadBalancerStepClients } from '../steps/load-balancer/wait.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import * as probe from '../steps/probe/probe.ts'

/**
 * @param certificate that the ALB should serve; undefined when that is not known
 * @throws ActionError of the probe
 */
export async function runProbe(
  context: Context,
  settings: Settings,
  clients: LoadBalancerStepClients,
  target: Target,
  address: string,
  certificate: X509Certificate | undefined,
): Promise<void> {
  await context.step('probe', async () => {
    const result = await probe
      .apply(context, settings, address, certificate)
      .catch(async (thrown: unknown) => {
        throw thrown instanceof ActionError
          ? await withTargetHealth(thrown, settings, clients, { target, address })
          : thrown
      })
    if (result.version !== '') context.setOutput('milvus-version', result.version)
    return {
      summary: result.isAuthenticated
        ? `Milvus ${result.version} answers`
        : 'Milvus answers and asks for credentials',
      result,
    }
  })
}
