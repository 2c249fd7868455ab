/**
 * How client-go's recorder turns what happened into Event objects: k8s.io/client-go
 * tools/record/events_cache.go with its defaults. Pure but for what it remembers.
 */

/** One thing to tell about an object. */
export interface EventInput {
  /** Of the object that it is about; events of another one are counted apart. */
  readonly uid: string
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** What to write: a new event, or a new count, time and message of one that was written. */
export interface EventUpdate {
  readonly key: string
  readonly message: string
  readonly count: number
}

/** A message is folded from its tenth variant within ten minutes on. */
const AGGREGATION_THRESHOLD = 10
const AGGREGATION_WINDOW = 600_000
/** Per object: 25 at once, then one in five minutes; others are dropped. */
const BURST = 25
const REFILL_INTERVAL = 300_000

/** The recorder's memory. It survives a success, and not a restart of the controller. */
export class EventCorrelator {
  private readonly variants = new Map<string, { messages: Set<string>; at: number }>()
  private readonly counts = new Map<string, number>()
  private readonly buckets = new Map<string, { tokens: number; at: number }>()

  /** What is written of a happening; undefined when the spam filter drops it. */
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
