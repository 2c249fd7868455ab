/**
 * Aggregates and rate-limits events as client-go's recorder does: k8s.io/client-go
 * tools/record/events_cache.go with its defaults.
 */

/** An event about an object. */
export interface EventInput {
  /** The uid of the object. Events are counted per object. */
  readonly uid: string
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** An Event to create, or a new count, time and message for an existing one. */
export interface EventUpdate {
  readonly key: string
  readonly message: string
  readonly count: number
}

/** Events are aggregated from the tenth different message within ten minutes. */
const AGGREGATION_THRESHOLD = 10
const AGGREGATION_WINDOW = 600_000
/** Per object: 25 at once, then one every five minutes. All others are dropped. */
const BURST = 25
const REFILL_INTERVAL = 300_000

/** The state of the recorder. It lasts until the controller restarts. */
export class EventCorrelator {
  private readonly variants = new Map<string, { messages: Set<string>; at: number }>()
  private readonly counts = new Map<string, number>()
  private readonly buckets = new Map<string, { tokens: number; at: number }>()

  /** What to write for an event; undefined when the spam filter drops it. */
  correlate(event: EventInput, now: number): EventUpdate | undefined {
    const { uid, type, reason, message } = event
    const aggregateKey = JSON.stringify([uid, type, reason])
    const previous = this.variants.get(aggregateKey)
    const variants =
      previous && now - previous.at <= AGGREGATION_WINDOW
        ? previous
        : { messages: new Set<string>(), at: now }
    variants.messages.add(message)
    variants.at = now
    this.variants.set(aggregateKey, variants)
    const isAggregated = variants.messages.size >= AGGREGATION_THRESHOLD
    if (isAggregated) variants.messages.delete([...variants.messages][0] ?? '')
    const key = isAggregated ? aggregateKey : JSON.stringify([uid, type, reason, message])
    const count = (this.counts.get(key) ?? 0) + 1
    this.counts.set(key, count)
    if (!this.isAllowed(uid, now)) return undefined
    return {
      key,
      count,
      message: isAggregated ? `(combined from similar events): ${message}` : message,
    }
  }

  private isAllowed(uid: string, now: number): boolean {
    const bucket = this.buckets.get(uid) ?? { tokens: BURST, at: now }
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_INTERVAL)
    const isAllowed = tokens >= 1
    this.buckets.set(uid, { tokens: isAllowed ? tokens - 1 : tokens, at: now })
    return isAllowed
  }
}
