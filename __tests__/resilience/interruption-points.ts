/** The numbered writes of a run, and the moments at which it can be interrupted. */
/** A moment at which a run is interrupted. */
export type InterruptionPoint =
  /**
   * The nth mutating request of the action or of Helm: received but not processed yet, or already
   * answered.
   */
  | {
      readonly kind: 'request'
      readonly n: number
      readonly moment: 'received' | 'answered'
      readonly what: string
    }
  /**
   * The nth call of helm: before it starts, or after it has ended and before the action notices.
   */
  | {
      readonly kind: 'helm'
      readonly n: number
      readonly moment: 'start' | 'never' | 'end'
      readonly what: string
    }
  /**
   * The nth write to a file. No response follows it, so right after one write is right before the
   * next; `after` exists only for the last write.
   */
  | {
      readonly kind: 'file'
      readonly n: number
      readonly moment: 'before' | 'after'
      readonly what: string
      readonly isNext: boolean
    }

/** The writes of a run. */
export interface Writes {
  readonly requests: readonly string[]
  readonly helm: readonly string[]
  readonly files: readonly FileWrite[]
}

/** A write to a file, and whether it follows another one with no request between the two. */
interface FileWrite {
  readonly what: string
  readonly isNext: boolean
}

/**
 * Every moment right before or right after a write.
 * @param excludedWrites the writes of another run: those that both runs start with are left out
 */
export function listInterruptionPoints(
  { requests, helm, files }: Writes,
  excludedWrites: Writes = { requests: [], helm: [], files: [] },
): InterruptionPoint[] {
  const isAfterCommonPrefix =
    (all: readonly string[], otherDescriptions: readonly string[]) =>
    ({ n }: InterruptionPoint): boolean =>
      n > commonPrefixLength(all, otherDescriptions)
  const getDescriptions = (writes: readonly FileWrite[]): string[] => writes.map(({ what }) => what)
  return [
    ...requests
      .flatMap((what, index) =>
        (['received', 'answered'] as const).map((moment) => ({
          kind: 'request' as const,
          n: index + 1,
          moment,
          what,
        })),
      )
      .filter(isAfterCommonPrefix(requests, excludedWrites.requests)),
    ...helm
      .flatMap((what, index) =>
        (['start', 'never', 'end'] as const).map((moment) => ({
          kind: 'helm' as const,
          n: index + 1,
          moment,
          what,
        })),
      )
      .filter(isAfterCommonPrefix(helm, excludedWrites.helm)),
    ...files
      .map(({ what, isNext }, index) => ({
        kind: 'file' as const,
        n: index + 1,
        moment: 'before' as const,
        what,
        isNext,
      }))
      .filter(isAfterCommonPrefix(getDescriptions(files), getDescriptions(excludedWrites.files))),
    ...files.slice(-1).map(({ what }) => ({
      kind: 'file' as const,
      n: files.length,
      moment: 'after' as const,
      what,
      isNext: false,
    })),
  ]
}

/** The length of the common prefix of two lists. */
function commonPrefixLength(left: readonly string[], right: readonly string[]): number {
  const firstDifference = left.findIndex((each, index) => each !== right[index])
  return firstDifference === -1 ? left.length : firstDifference
}
