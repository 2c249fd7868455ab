/**
 * The state of a sandbox at a moment: the same sandbox goes back to it, or a new one starts with it, in milliseconds, where
 * installing Milvus and deploying take more than a second.
 */
import type { AwsState } from './aws/state.ts'
import type { Authority, IssuedCertificate } from './certificates.ts'
import type { KubernetesObject } from './kubernetes/types.ts'
import type { Sandbox } from './sandbox.ts'

const maps = ['certificates', 'loadBalancers', 'targetGroups'] as const

type Account = Pick<AwsState, (typeof maps)[number]>

/** What a new sandbox can start with: the cluster, the AWS account, and whatever they name that a sandbox makes for itself. */
export interface SavedState {
  readonly account: Account
  readonly objects: readonly KubernetesObject[]
  readonly authority: Authority
  readonly certificate: IssuedCertificate
  readonly listenPort: number
}

const accountOf = ({ certificates, loadBalancers, targetGroups }: AwsState): Account => structuredClone({ certificates, loadBalancers, targetGroups })

/** Saves the state of a sandbox in which no run is at work. */
export function saveState({ kubernetes, state, authority, certificate, listenPort }: Sandbox): SavedState {
  return { account: accountOf(state), objects: kubernetes.all(), authority, certificate, listenPort }
}

/** Replaces what an AWS account holds. */
export function restoreAccount(state: AwsState, saved: Account): void {
  const copy = structuredClone(saved)
  for (const name of maps) {
    const live: Map<string, unknown> = state[name]
    live.clear()
    for (const [key, value] of copy[name]) live.set(key, value)
  }
}

/** Keeps the cluster and the AWS account. Returns what brings both back: to be called when no run works any more. */
export function snapshot({ kubernetes, state, controller, traffic }: Sandbox): () => Promise<void> {
  const kept = accountOf(state)
  const restoreCluster = kubernetes.snapshot()
  return async () => {
    await controller.stop()
    restoreAccount(state, kept)
    restoreCluster()
    traffic.requests.length = 0
    await controller.start()
  }
}
