/**
 * Parsers of scalar inputs: words, numbers, durations. Pure. Each throws an InvalidInputError that
 * says what is wrong and what to set.
 */
import { InvalidInputError, invalidValue } from './invalid-input.ts'

/** The text as it is. */
export const parseText = (raw: string): string => raw

/** A text of one line, which errors may quote. */
export function parseLine(raw: string): string {
  if (/[\r\n]/.test(raw))
    throw new InvalidInputError('contains more than one line.', 'Set only the name itself.')
  return raw
}

/** A parser that accepts what `pattern` matches. */
export function createPatternParser(
  pattern: RegExp,
  expected: string,
  remedy: string,
): (raw: string) => string {
  return (raw) => {
    if (!pattern.test(raw)) throw invalidValue(raw, `is not ${expected}`, remedy)
    return raw
  }
}

/** `a`, `a or b`, `a, b or c`. */
const joinAlternatives = (words: readonly string[]): string =>
  [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ')

/** One of a few words. */
export function createChoiceParser<T extends string>(...allowed: readonly T[]): (raw: string) => T {
  return (raw) => {
    const match = allowed.find((candidate) => candidate === raw)
    if (match === undefined)
      throw invalidValue(raw, 'is not a valid value', `Use ${joinAlternatives(allowed)}.`)
    return match
  }
}

/** `true` or `false`, in the spellings of YAML's core schema, as @actions/core accepts them. */
export function parseBoolean(raw: string): boolean {
  if (/^(true|True|TRUE)$/.test(raw)) return true
  if (/^(false|False|FALSE)$/.test(raw)) return false
  throw invalidValue(raw, 'is neither true nor false', 'Use true or false.')
}

/** A port number. */
export function parsePort(raw: string): number {
  const value = /^\d{1,5}$/.test(raw) ? Number(raw) : 0
  if (value < 1 || value > 65_535)
    throw invalidValue(
      raw,
      'is not a port number',
      'Use a number from 1 to 65535, for example 443.',
    )
  return value
}

/** `host:port` with a name, an IPv4 address or an IPv6 address in brackets. */
export function parseHostPort(raw: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(raw)
  const name = match?.[1] ?? match?.[2]
  if (name === undefined)
    throw invalidValue(
      raw,
      'is not host:port',
      'Use a name or an address with a port, for example 10.0.3.7:443.',
    )
  return { host: name, port: parsePort(match?.[3] ?? '') }
}

const secondsPerUnit: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 }

/**
 * A duration such as `90s`, `10m` or `1h30m`, within bounds.
 * @param min seconds
 * @param max seconds
 * @returns a parser that returns seconds
 */
export function createDurationParser(min: number, max: number): (raw: string) => number {
  return (raw) => {
    if (!/^(?:\d{1,20}[hms])+$/.test(raw))
      throw invalidValue(
        raw,
        'is not a duration',
        'Use a number with its unit, for example 90s, 10m or 1h30m.',
      )
    const seconds = [...raw.matchAll(/(\d{1,20})([hms])/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * (secondsPerUnit[unit ?? ''] ?? NaN),
      0,
    )
    if (seconds < min || seconds > max)
      throw invalidValue(raw, 'is out of range', `Use a duration from ${min}s to ${max}s.`)
    return seconds
  }
}

/** A number of days, `30` or `30d`. */
export function parseDays(raw: string): number {
  const [, amount] = /^(\d{1,4})d?$/.exec(raw) ?? []
  if (amount === undefined)
    throw invalidValue(raw, 'is not a number of days', 'Use a whole number, for example 21.')
  return Number(amount)
}
