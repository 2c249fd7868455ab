/** What a confirmation found, in numbers: for the log, the summary and output probe. Pure. */
import type { TargetHealth } from '../../clients/aws/load-balancer-configuration.ts'
import type { Confirmation } from '../../clients/milvus/repeated-calls.ts'

/** The targets of the ALB, as its health checks see them. */
export interface TargetCounts {
  readonly healthy: number
  /** In their first health checks. */
  readonly initial: number
  /** Without those that drain: they receive no new calls. */
  readonly total: number
}

/** @returns undefined without targets: an answer shows that there are others */
export function countTargets(targets: readonly TargetHealth[]): TargetCounts | undefined {
  const active = targets.filter(({ state }) => state !== 'draining')
  if (active.length === 0) return undefined
  const countState = (name: string): number => active.filter(({ state }) => state === name).length
  return { healthy: countState('healthy'), initial: countState('initial'), total: active.length }
}

/** `3 of 3 addresses, 2 of 2 targets, 20 of 20 calls, p50 12 ms, p95 30 ms`; omits the unknown. */
export function describeConfirmation(
  { addresses, calls, durations }: Confirmation,
  targets: TargetCounts | undefined,
): string {
  const parts: string[] = []
  if (addresses) parts.push(formatShare(addresses.working, addresses.total, 'address', 'addresses'))
  if (targets) parts.push(formatShare(targets.healthy, targets.total, 'target', 'targets'))
  parts.push(formatShare(calls.answered, calls.total, 'call', 'calls'))
  if (durations.length > 0)
    parts.push(`p50 ${percentile(durations, 50)} ms`, `p95 ${percentile(durations, 95)} ms`)
  return parts.join(', ')
}

const formatShare = (part: number, total: number, one: string, many: string): string =>
  `${part} of ${total} ${total === 1 ? one : many}`

/** The value of output probe. */
export interface ProbeOutput {
  readonly addresses: Confirmation['addresses'] | null
  readonly targets: Pick<TargetCounts, 'healthy' | 'total'> | null
  readonly calls: Confirmation['calls']
  /** How many, by failure code. */
  readonly failures: Readonly<Record<string, number>>
  /** Milliseconds. */
  readonly p50: number | null
  readonly p95: number | null
  /** Null when the RESTful API is not served, or was not called. */
  readonly rest: RestOutput | null
  /** Null unless the deep probe succeeded. */
  readonly deep: DeepOutput | null
}

/** What the deep probe did. */
export interface DeepOutput {
  readonly vectors: number
  /** Of the insert. */
  readonly bytes: number
  /** Milliseconds. */
  readonly insert: number
  readonly search: number
}

/** What the probe found of the RESTful API; `api` and the rest are null without an answer. */
export interface RestOutput {
  readonly answers: boolean
  readonly api: 'v1' | 'v2' | null
  readonly requiresCredentials: boolean | null
}

export function toOutput(
  { addresses, addressFailures, calls, callFailures, durations }: Confirmation,
  targets: TargetCounts | undefined,
): ProbeOutput {
  const failures: Record<string, number> = {}
  for (const { code } of [...addressFailures, ...callFailures])
    failures[code] = (failures[code] ?? 0) + 1
  return {
    addresses: addresses ?? null,
    targets: targets ? { healthy: targets.healthy, total: targets.total } : null,
    calls,
    failures,
    p50: durations.length > 0 ? percentile(durations, 50) : null,
    p95: durations.length > 0 ? percentile(durations, 95) : null,
    rest: null,
    deep: null,
  }
}

/** The smallest value that `percent` percent of the values do not exceed, in whole milliseconds. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const index = Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)
  return Math.ceil(sorted[index] ?? 0)
}
