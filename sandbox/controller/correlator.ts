/**
 * How client-go's recorder turns what happened into Event objects: k8s.io/client-go tools/record/events_cache.go with its
 * defaults. Pure but for what it remembers.
 */

/** One thing to tell about an object. */
export interface Happening {
  /** Of the object that it is about; events of another one are counted apart. */
  readonly uid: string
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** What to write: a new event, or a new count, time and message of one that was written. */
export interface Observation {
  readonly key: string
  readonly message: string
  readonly count: number
}

/** A message is folded from its tenth variant within ten minutes on. */
const MAX_SIMILAR = 10
const SIMILAR_WITHIN = 600_000
/** Per object: 25 at once, then one in five minutes; others are dropped. */
const BURST = 25
const REFILL = 300_000

/** The recorder's memory. It survives a success, and not a restart of the controller. */
export class Correlator {
  private readonly variants = new Map<string, { messages: Set<string>; at: number }>()
  private readonly counts = new Map<string, number>()
  private readonly buckets = new Map<string, { tokens: number; at: number }>()

  /** What is written of a happening; undefined when the spam filter drops it. */
  observe(happening: Happening, now: number): Observation | undefined {
    const { uid, type, reason, message } = happening
    const similar = JSON.stringify([uid, type, reason])
    const remembered = this.variants.get(similar)
    const variants = remembered && now - remembered.at <= SIMILAR_WITHIN ? remembered : { messages: new Set<string>(), at: now }
    variants.messages.add(message)
    variants.at = now
    this.variants.set(similar, variants)
    const folded = variants.messages.size >= MAX_SIMILAR
    if (folded) variants.messages.delete([...variants.messages][0] ?? '')
    const key = folded ? similar : JSON.stringify([uid, type, reason, message])
    const count = (this.counts.get(key) ?? 0) + 1
    this.counts.set(key, count)
    if (!this.allowed(uid, now)) return undefined
    return { key, count, message: folded ? `(combined from similar events): ${message}` : message }
  }

  private allowed(uid: string, now: number): boolean {
    const bucket = this.buckets.get(uid) ?? { tokens: BURST, at: now }
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL)
    const allowed = tokens >= 1
    this.buckets.set(uid, { tokens: allowed ? tokens - 1 : tokens, at: now })
    return allowed
  }
}
