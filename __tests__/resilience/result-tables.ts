/**
 * How many of the faults a run tries, and the results that `npm run faults` writes into
 * docs/reliability.md.
 */
import { appendFileSync } from 'node:fs'

/** Whether all cases are tried, as with `npm run faults`; `npm run faults -- sample` tries some. */
export const isFullRun = process.env['FAULTS'] === 'whole'

/** All items, or for a sample every `step`th, including the first and the last. */
export const sample = <T>(items: readonly T[], step: number): readonly T[] =>
  isFullRun
    ? items
    : items.filter((_each, index) => index % step === 0 || index === items.length - 1)

/**
 * The number of cases of a property. A full run has 20,000 in total; FAULTS_CASES sets another
 * number.
 */
export const caseCount = (share: number): number =>
  Math.max(
    1,
    Math.round(Number(process.env['FAULTS_CASES'] ?? (isFullRun ? 20_000 : 1_000)) * share),
  )

/**
 * Adds a row to the table in the region `table` of docs/reliability.md. The keys are the columns,
 * in this order.
 */
export function recordResult(table: string, row: Readonly<Record<string, string | number>>): void {
  const recordFile = process.env['FAULTS_RECORD'] ?? ''
  if (recordFile !== '') appendFileSync(recordFile, `${JSON.stringify({ table, row })}\n`)
}
