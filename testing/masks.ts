/**
 * What GitHub masks in a job, and the outputs of the job that it drops because of that. Source:
 * actions/runner, Worker.cs, InitializeSecretMasker; JobExtension.cs, "Skip output".
 */
import type { RunResult } from './runner.ts'

/** A secret as a whole, and each of its lines. */
const listMasks = (secret: string): string[] =>
  [secret.trim(), ...secret.split(/[\r\n]+/).map((line) => line.trim())].filter(
    (mask) => mask !== '',
  )

/**
 * The outputs of a step that reach other jobs.
 * @param secrets that the job uses
 */
export function keepUnmaskedOutputs(
  { outputs, maskCommands }: Pick<RunResult, 'outputs' | 'maskCommands'>,
  secrets: readonly string[],
): Record<string, string> {
  const masked = maskCommands.map((command) => command.replace(/^::add-mask::|\n$/g, ''))
  const masks = [...secrets, ...masked].flatMap(listMasks)
  return Object.fromEntries(
    Object.entries(outputs).filter(([, value]) => !masks.some((mask) => value.includes(mask))),
  )
}
