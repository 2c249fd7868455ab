/**
 * Saved states of a simulator. Restoring one, or starting a new simulator with it, takes
 * milliseconds; installing Milvus and deploying takes more than a second.
 */
import type { AwsState } from './aws/state.ts'
import type { CertificateAuthority, IssuedCertificate } from '../testing/certificates.ts'
import type { KubernetesObject } from './kubernetes/types.ts'
import type { Simulator } from './simulator.ts'

const accountCollections = ['certificates', 'loadBalancers', 'targetGroups'] as const

type AccountState = Pick<AwsState, (typeof accountCollections)[number]>

/** The cluster, the AWS account, and what they refer to. A new simulator can start with it. */
export interface SavedState {
  readonly account: AccountState
  readonly objects: readonly KubernetesObject[]
  readonly certificateAuthority: CertificateAuthority
  readonly certificate: IssuedCertificate
  readonly listenPort: number
}

const copyAccount = ({ certificates, loadBalancers, targetGroups }: AwsState): AccountState =>
  structuredClone({ certificates, loadBalancers, targetGroups })

/** Saves the state of a simulator. No run of the action may be in progress. */
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

/** Replaces the resources of an AWS account. */
export function restoreAccount(state: AwsState, saved: AccountState): void {
  const copy = structuredClone(saved)
  for (const name of accountCollections) {
    const current: Map<string, unknown> = state[name]
    current.clear()
    for (const [key, value] of copy[name]) current.set(key, value)
  }
}

/**
 * Saves the cluster and the AWS account. Returns a function that restores both, to be called when
 * no run is in progress.
 */
export function takeSnapshot({
  kubernetes,
  awsState: state,
  controller,
  requestLog,
}: Simulator): () => Promise<void> {
  const savedAccount = copyAccount(state)
  const restoreCluster = kubernetes.snapshot()
  return async () => {
    await controller.stop()
    restoreAccount(state, savedAccount)
    restoreCluster()
    requestLog.requests.length = 0
    await controller.start()
  }
}
