/** Inputs that several of the fleet actions read. */
import { getInput } from '@actions/core'
import { countInvalid } from '../failures/fleet.ts'

/**
 * @returns undefined when the input is empty
 * @throws RangeError when it is not a whole number from 1 up
 */
export function readCount(input: string): number | undefined {
  const text = getInput(input)
  if (text === '') return undefined
  if (!/^[1-9]\d*$/.test(text)) throw countInvalid(input, text)
  return Number(text)
}

/** Input dry-run, which is empty or a text of the workflow: only `true` turns it on. */
export const isDryRun = (): boolean => getInput('dry-run') === 'true'
