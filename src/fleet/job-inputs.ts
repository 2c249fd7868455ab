/** Inputs that several of the fleet actions read. */
import { getBooleanInput, getInput } from '@actions/core'
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

/**
 * A boolean input, which may be empty for false.
 * @throws TypeError for a text that is not a boolean
 */
export const readFlag = (input: string): boolean => getInput(input) !== '' && getBooleanInput(input)

export const isDryRun = (): boolean => readFlag('dry-run')
