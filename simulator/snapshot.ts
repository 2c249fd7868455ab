/**
 * The state of a simulator at a moment: the same simulator goes back to it, or a new one starts
 * with it, in milliseconds, where installing Milvus and deploying take more than a second.
 */
import type { AwsState } from './aws/state.ts'
import type { CertificateAuthority, IssuedCertificate } from '../testing/certificates.ts'
import type { KubernetesObject } from './kubernetes/types.ts'
import type { Simulator } from './simulator.ts'

const accountCollections = ['certificates', 'loadBalancers', 'targetGroups'] as const

type AccountState = Pick<AwsState, (typeof accountCollections)[number]>

/**
 * What a new simulator can start with: the cluster, the AWS account, and whatever they name that a
 * simulator makes for itself.
 */
export interface SavedState {
  readonly account: AccountState
  readonly objects: readonly KubernetesObject[]
  readonly certificateAuthority: CertificateAuthority
  readonly certificate: IssuedCertificate
  readonly listenPort: number
}

const copyAccount = ({ certificates, loadBalancers, targetGroups }: AwsState): AccountState =>
  structuredClone({ certificates, loadBalancers, targetGroups })

/** Saves the state of a simulator in which no run is at work. */
export function saveState({
  kubernetes,
  awsState: state,
  certificateAuthority,
  certificate,
  listenPort,
}: Simulator): SavedState {
  return {
    account: copyAccount(state),
    objects: kubernetes.all(),
    certificateAuthority,
    certificate,
    listenPort,
  }
}

/** Replaces what an AWS account holds. */
export function restoreAccount(state: AwsState, saved: AccountState): void {
  const copy = structuredClone(saved)
  for (const name of accountCollections) {
    const current: Map<string, unknown> = state[name]
    current.clear()
    for (const [key, value] of copy[name]) current.set(key, value)
  }
}

/**
 * Keeps the cluster and the AWS account. Returns what brings both back: to be called when no run
 * works any more.
 */
export function takeSnapshot({
  kubernetes,
  awsState: state,
  controller,
  requestLog: traffic,
}: Simulator): () => Promise<void> {
  const savedAccount = copyAccount(state)
  const restoreCluster = kubernetes.snapshot()
  return async () => {
    await controller.stop()
    restoreAccount(state, savedAccount)
    restoreCluster()
    traffic.requests.length = 0
    await controller.start()
  }
}
