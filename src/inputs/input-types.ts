/** The forms of inputs: a name for README, and the parser. Declarations spread them. */
import * as lists from './lists.ts'
import * as parsers from './parsers.ts'
import { parsePem } from './pem.ts'

const scalar = <T>(type: string, parse: (raw: string) => T) =>
  ({ type, schemaType: 'scalar', parse }) as const

/** Text of any form, or of the form that the parser accepts. */
export const string = (parse: (raw: string) => string = parsers.parseText) =>
  scalar('string', parse)

/** The path of a file, or a text that may be one. */
export const path = (parse: (raw: string) => string) =>
  ({ ...string(parse), isPath: true }) as const

export const boolean = scalar('boolean', parsers.parseBoolean)

export const port = scalar('port', parsers.parsePort)

export const days = scalar('days', parsers.parseDays)

/** One of a few words. */
export const choice = <T extends string>(...words: readonly T[]) =>
  scalar(words.map((word) => `\`${word}\``).join(', '), parsers.createChoiceParser(...words))

/**
 * @param min seconds
 * @param max seconds
 */
export const duration = (min: number, max: number) =>
  scalar('duration', parsers.createDurationParser(min, max))

/** An empty list sets nothing. */
export const list = (parse: (raw: string) => readonly string[] = lists.parseList) => {
  const emptyValue: readonly string[] = []
  return { type: 'list', schemaType: 'list', parse, emptyValue } as const
}

/** An empty map sets nothing. */
export const map = <T>(parse: (raw: string) => Readonly<Record<string, T>>) => {
  const emptyValue: Readonly<Record<string, T>> = {}
  return { type: 'map', schemaType: 'map', parse, emptyValue } as const
}

/** PEM, or base64 of PEM. */
export const pem = (parse: (raw: string) => string = parsePem) =>
  ({ ...scalar('PEM', parse), allowsPem: true }) as const
