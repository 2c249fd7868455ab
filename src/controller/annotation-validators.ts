/** Validators of annotation values, and the formats that values have. */

/**
 * What is wrong with a value, continuing `KEY is "VALUE", which …`; undefined when it is valid.
 */
export type Validator = (value: string) => string | undefined

/** A value that is too long to be shown is left out as a whole: a part of it might be secret. */
export const truncateForError = (text: string): string =>
  text.length > 80 ? `(${text.length} characters)` : text

/** At most this many problems of one value are named. */
const maxProblems = 3

const joinProblems = (problems: readonly string[]): string | undefined =>
  problems.length === 0 ? undefined : problems.slice(0, maxProblems).join(', and ')

/** For values that cannot be validated without AWS, and those that this action sets. */
export const anyValue: Validator = () => undefined

export const oneOf =
  (...allowed: readonly string[]): Validator =>
  (value) =>
    allowed.includes(value) ? undefined : `is not one of ${allowed.join(', ')}`

export const boolean = oneOf('true', 'false')

export const integer =
  (min: number, max: number): Validator =>
  (value) =>
    /^-?\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : `is not an integer from ${min} to ${max}`

export const zeroOrInteger =
  (min: number, max: number): Validator =>
  (value) => {
    const isValid = value === '0' || integer(min, max)(value) === undefined
    return isValid ? undefined : `is neither 0 nor an integer from ${min} to ${max}`
  }

export const json: Validator = (value) => {
  try {
    JSON.parse(value)
    return undefined
  } catch {
    return 'is not valid JSON'
  }
}

export const nonEmptyList: Validator = (value) =>
  value.split(',').some((entry) => entry.trim() !== '') ? undefined : 'is an empty list'

/**
 * Parses `key=value,key=value` as the controller does: a comma in a value is written `\,`.
 * @returns undefined when an entry has no key
 */
export function parseAttributes(value: string): [string, string][] | undefined {
  const entries = value
    .split(/(?<!\\),/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  const keyValues = entries.map((entry): [string, string] => [
    entry.slice(0, Math.max(0, entry.indexOf('='))).trim(),
    entry.slice(entry.indexOf('=') + 1).trim(),
  ])
  return keyValues.every(([key]) => key !== '') ? keyValues : undefined
}

/** @param validators by key; other keys may have any value */
export const attributeList =
  (validators: Readonly<Record<string, Validator>>): Validator =>
  (value) => {
    const attributes = parseAttributes(value)
    if (!attributes) return 'is not a list of key=value'
    const problems: string[] = []
    for (const [key, attributeValue] of attributes) {
      const validate = Object.hasOwn(validators, key) ? validators[key] : undefined
      const problem = validate?.(attributeValue)
      if (problem !== undefined)
        problems.push(`contains ${key}=${truncateForError(attributeValue)}, which ${problem}`)
    }
    return joinProblems(problems)
  }

/** One code, a range, or a list of both. Source: ELBv2, Matcher.GrpcCode. */
export const grpcCodes: Validator = (value) => {
  const ranges = value.split(',').map((entry) => /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(entry))
  if (ranges.includes(null)) return 'is not a list of codes such as 0,12 or 0-99'
  const codes = ranges.flatMap((range) => [range?.[1], range?.[2]])
  const outOfRange = codes.find((code) => Number(code ?? 0) > 99)
  if (outOfRange === undefined) return undefined
  return `contains ${outOfRange}, but the codes of a gRPC health check range from 0 to 99`
}

/** One entry of mutual-authentication. */
export interface MutualAuthenticationEntry {
  readonly port?: number
  readonly mode?: string
  readonly trustStore?: string
}

/** @returns undefined when it is not a list of objects */
export function parseMutualAuthentication(value: string): MutualAuthenticationEntry[] | undefined {
  if (json(value) !== undefined) return undefined
  const parsed = JSON.parse(value) as unknown
  const isObject = (entry: unknown) => typeof entry === 'object' && entry !== null
  return Array.isArray(parsed) && parsed.every(isObject) ? parsed : undefined
}

/** Source: the controller's annotations.md and model_build_listener.go, mutual-authentication. */
export const mutualAuthentication: Validator = (value) => {
  const entries = parseMutualAuthentication(value)
  if (!entries)
    return 'is not a JSON list such as [{"port": 443, "mode": "verify", "trustStore": "NAME"}]'
  const problems: string[] = []
  for (const { port, mode = '', trustStore } of entries) {
    if (!Number.isInteger(port)) problems.push('contains an entry without a port')
    if (!['off', 'passthrough', 'verify'].includes(mode)) {
      const shownMode = truncateForError(JSON.stringify(mode))
      problems.push(`contains mode ${shownMode}, which is not off, passthrough or verify`)
    }
    if (mode === 'verify' && !trustStore) problems.push('contains mode verify without a trustStore')
  }
  return joinProblems(problems)
}

/** A login needs a browser. */
export const authType: Validator = (value) =>
  value === 'none'
    ? undefined
    : 'does not work with gRPC: the ALB would redirect calls to a login page'

export const healthCheckPath: Validator = (value) => {
  if (!value.startsWith('/')) return 'does not begin with a slash'
  return value.length <= 1024 ? undefined : 'is longer than 1024 characters'
}

export const capacity: Validator = (value) =>
  /^CapacityUnits=\d+$/.test(value) ? undefined : 'is not CapacityUnits=NUMBER'

export const webAclArn: Validator = (value) =>
  value === 'none' || /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\//.test(value)
    ? undefined
    : 'is neither none nor the ARN of a regional WAFv2 web ACL ' +
      '(arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)'
