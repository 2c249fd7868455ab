/** A sandbox as it was at a moment: brought back in milliseconds, where a new one with Milvus takes more than a second. */
import type { AwsState } from './aws/state.ts'
import type { Sandbox } from './sandbox.ts'

const maps = ['certificates', 'loadBalancers', 'targetGroups'] as const

/** Keeps the cluster and the AWS account. Returns what brings both back: to be called when no run works any more. */
export function snapshot({ kubernetes, state, controller, traffic }: Sandbox): () => Promise<void> {
  const kept: Pick<AwsState, (typeof maps)[number]> = structuredClone({ certificates: state.certificates, loadBalancers: state.loadBalancers, targetGroups: state.targetGroups })
  const restoreCluster = kubernetes.snapshot()
  return async () => {
    await controller.stop()
    for (const name of maps) {
      const live: Map<string, unknown> = state[name]
      live.clear()
      for (const [key, value] of structuredClone(kept[name])) live.set(key, value)
    }
    restoreCluster()
    traffic.requests.length = 0
    await controller.start()
  }
}
