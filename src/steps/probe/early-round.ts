/** The first round of a confirmation, begun before it is known whether the endpoint answers. */
import { EarlyConnections } from '../../clients/milvus/addresses.ts'
import type { Endpoint } from '../../clients/milvus/endpoint.ts'
import type { ReadTargets } from './confirmation.ts'

/** What a round needs before it can make calls. */
export interface RoundStart {
  /** Undefined to open new ones. */
  readonly connections: ReturnType<EarlyConnections['take']>
  readonly targets: ReturnType<ReadTargets>
}

/** Milliseconds after which the targets are read again. */
const maxTargetAge = 2_000

/**
 * Opens connections and reads the targets while the first calls are made, so that their round trips
 * do not add up.
 */
export class EarlyRound {
  private readonly connections: EarlyConnections
  private readonly readTargets: ReadTargets
  private targets: ReturnType<ReadTargets> | undefined
  private readonly startedAt = performance.now()

  constructor(endpoint: Endpoint, readTargets: ReadTargets, signal: AbortSignal) {
    this.connections = new EarlyConnections(endpoint, signal)
    this.readTargets = readTargets
    this.targets = readTargets()
  }

  /** What was begun, for the first caller; what begins now, for each other and after `discard`. */
  take(): RoundStart {
    const isRecent = performance.now() - this.startedAt < maxTargetAge
    const targets = (isRecent ? this.targets : undefined) ?? this.readTargets()
    this.targets = undefined
    return { connections: this.connections.take(), targets }
  }

  /** Closes the connections unless they are taken. */
  discard(): void {
    this.connections.discard()
    this.targets = undefined
  }
}
