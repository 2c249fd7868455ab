/**
 * How much of the faults a run tries, and the figures that `npm run faults` writes into
 * docs/reliability.md.
 */
import { appendFileSync } from 'node:fs'

/** Whether everything is tried, as `npm run faults` does; `npm run faults -- sample` tries some. */
export const isFullRun = process.env['FAULTS'] === 'whole'

/** All of them, or for a sample every `step`th, the first and the last among them. */
export const sample = <T>(items: readonly T[], step: number): readonly T[] =>
  isFullRun
    ? items
    : items.filter((_each, index) => index % step === 0 || index === items.length - 1)

/**
 * Cases of a property. 20,000 in all when everything is tried; FAULTS_CASES asks for another
 * number.
 */
export const caseCount = (share: number): number =>
  Math.max(
    1,
    Math.round(Number(process.env['FAULTS_CASES'] ?? (isFullRun ? 20_000 : 1_000)) * share),
  )

/**
 * Adds a row to a table of docs/reliability.md, whose region has that name. The columns are the
 * keys, in their order.
 */
export function recordResult(table: string, row: Readonly<Record<string, string | number>>): void {
  const recordFile = process.env['FAULTS_RECORD'] ?? ''
  if (recordFile !== '') appendFileSync(recordFile, `${JSON.stringify({ table, row })}\n`)
}
