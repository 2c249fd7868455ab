/** The Lease of a namespace: which run holds it, and what Helm is about to do. Pure. */
import type { Lease } from '../clients/kubernetes/types.ts'
import type { Holder } from './holder.ts'

/** The name of the Lease, and the prefix of its annotations. */
export const leaseName = 'milvus-alb-action'

/** Seconds after which a Lease expires that is not renewed, because its runner hangs or died. */
export const leaseSeconds = 30
/** Milliseconds. */
export const renewInterval = 10_000
/**
 * Milliseconds. A connection that does not respond must not keep the Lease from being renewed over
 * another one before it expires.
 */
export const renewTimeout = 8_000
/** Milliseconds. */
export const releaseTimeout = 10_000
/** Milliseconds of the 10 s that the runner leaves a cancelled job. */
export const cancelledReleaseTimeout = 1_000

/** How many operations the Lease records. */
const maxRecordedOperations = 5

const runAnnotation = `${leaseName}/run`
const helmAnnotation = `${leaseName}/helm`

/** An operation of Helm, recorded before it begins. */
export interface HelmOperation {
  /** The id of the run. */
  readonly holder: string
  readonly release: string
  /** The revision that Helm creates. */
  readonly revision: number
}

/** What a run writes into the Lease. */
export interface LeaseContent {
  readonly namespace: string
  readonly holder: Holder
  readonly operations: readonly HelmOperation[]
  readonly spec: Lease['spec']
}

/** In the format of Kubernetes' MicroTime. @param milliseconds since the epoch */
export const formatMicroTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace('Z', '000Z')

/** @param previous the Lease to replace; undefined to create it */
export function buildLease(
  { namespace, holder, operations, spec }: LeaseContent,
  previous: Lease | undefined,
): object {
  const annotations: Record<string, string> = { [runAnnotation]: holder.name }
  if (operations.length > 0) annotations[helmAnnotation] = JSON.stringify(operations)
  const metadata = { name: leaseName, namespace, annotations }
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: previous
      ? { ...metadata, resourceVersion: previous.metadata.resourceVersion }
      : metadata,
    spec: { leaseTransitions: previous?.spec.leaseTransitions ?? 0, ...spec },
  }
}

/**
 * The other run that holds the Lease, for people.
 * @param ownId of this run
 * @param now milliseconds since the epoch, by the clock of the API
 */
export function findOtherHolder(
  lease: Lease | undefined,
  ownId: string,
  now: number,
): string | undefined {
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = 0 } = lease?.spec ?? {}
  const expiresAt = Date.parse(renewTime) + leaseDurationSeconds * 1_000
  const isHeld = holderIdentity !== '' && expiresAt > now
  if (!isHeld || holderIdentity === ownId) return undefined
  return lease?.metadata.annotations?.[runAnnotation] ?? holderIdentity
}

/** The operations that the Lease records; empty when something else wrote the annotation. */
export function readOperations(lease: Lease | undefined): readonly HelmOperation[] {
  try {
    const annotation = lease?.metadata.annotations?.[helmAnnotation] ?? '[]'
    const operations = JSON.parse(annotation) as unknown
    return Array.isArray(operations) && operations.every(isHelmOperation) ? operations : []
  } catch {
    return []
  }
}

/** The operations of other releases. */
export const listOtherOperations = (
  operations: readonly HelmOperation[],
  ownRelease: string,
): readonly HelmOperation[] => operations.filter(({ release }) => release !== ownRelease)

/** Drops the oldest operations if there are too many. */
export const appendOperation = (
  operations: readonly HelmOperation[],
  operation: HelmOperation,
): readonly HelmOperation[] => [...operations, operation].slice(-maxRecordedOperations)

function isHelmOperation(value: unknown): value is HelmOperation {
  const operation = value as Partial<HelmOperation> | null
  return (
    typeof operation?.holder === 'string' &&
    typeof operation.release === 'string' &&
    typeof operation.revision === 'number'
  )
}
