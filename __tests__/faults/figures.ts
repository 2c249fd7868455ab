/** How much of the faults a run tries, and the figures that `npm run faults` writes into docs/reliability.md. */
import { appendFileSync } from 'node:fs'

/** Whether everything is tried, as `npm run faults` does; `npm run faults -- sample` tries some. */
export const whole = process.env['FAULTS'] === 'whole'

/** All of them, or for a sample every `step`th, the first and the last among them. */
export const sample = <T>(cases: readonly T[], step: number): readonly T[] => (whole ? cases : cases.filter((_each, index) => index % step === 0 || index === cases.length - 1))

/** Cases of a property. 20,000 in all when everything is tried; FAULTS_CASES asks for another number. */
export const cases = (share: number): number => Math.max(1, Math.round(Number(process.env['FAULTS_CASES'] ?? (whole ? 20_000 : 1_000)) * share))

/** Adds a row to a table of docs/reliability.md, whose region has that name. The columns are the keys, in their order. */
export function figure(table: string, row: Readonly<Record<string, string | number>>): void {
  const file = process.env['FAULTS_RECORD'] ?? ''
  if (file !== '') appendFileSync(file, `${JSON.stringify({ table, row })}\n`)
}
