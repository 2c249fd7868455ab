/** Validators of annotation values, and the formats that values have. */
import { parseJson } from '../util/json.ts'
import { isPlainObject } from '../util/objects.ts'

/**
 * What is wrong with a value, continuing `KEY is "VALUE", which …`; undefined when it is valid.
 */
export type Validator = (value: string) => string | undefined

/** A value that is too long to be shown is left out as a whole: a part of it might be secret. */
export const truncateForError = (text: string): string =>
  text.length > 80 ? `(${text.length} characters)` : text

/** At most this many problems of one value are named. */
const maxProblems = 3

export const joinProblems = (problems: readonly string[]): string | undefined =>
  problems.length === 0 ? undefined : problems.slice(0, maxProblems).join(', and ')

/** For values that cannot be validated without AWS, and those that this action sets. */
export const acceptAnyValue: Validator = () => undefined

export const createChoiceValidator =
  (...allowed: readonly string[]): Validator =>
  (value) =>
    allowed.includes(value) ? undefined : `is not one of ${allowed.join(', ')}`

/** Of an attribute of ELB. */
export const validateBoolean = createChoiceValidator('true', 'false')

export const isGoTrue = (value: string | undefined): boolean =>
  /^(1|t|T|TRUE|true|True)$/.test(value ?? '')

export const isGoFalse = (value: string): boolean => /^(0|f|F|FALSE|false|False)$/.test(value)

/** Of an annotation. Source: Go, strconv.ParseBool. */
export const validateGoBoolean: Validator = (value) =>
  isGoTrue(value) || isGoFalse(value) ? undefined : 'is not one of true, false'

export const createIntegerValidator =
  (min: number, max: number): Validator =>
  (value) =>
    /^-?\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : `is not an integer from ${min} to ${max}`

export const createZeroOrIntegerValidator =
  (min: number, max: number): Validator =>
  (value) => {
    const isValid = value === '0' || createIntegerValidator(min, max)(value) === undefined
    return isValid ? undefined : `is neither 0 nor an integer from ${min} to ${max}`
  }

/** @returns undefined when it is not a list of objects */
export const parseJsonObjects = (value: string): Record<string, unknown>[] | undefined => {
  const parsed = parseJson(value)
  return Array.isArray(parsed) && parsed.every(isPlainObject) ? parsed : undefined
}

/** Keys in any case, as Go's encoding/json reads them. */
export function readField(object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const key = Object.keys(object).find((each) => each.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : object[key]
}

/** One entry of mutual-authentication. A field of another type is absent. */
export interface MutualAuthenticationEntry {
  readonly port: number | undefined
  readonly mode: string | undefined
  readonly trustStore: string | undefined
  readonly ignoreClientCertificateExpiry?: unknown
  readonly advertiseTrustStoreCaNames?: unknown
}

const asString = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** @returns undefined when it is not a list of objects */
export const parseMutualAuthentication = (value: string): MutualAuthenticationEntry[] | undefined =>
  parseJsonObjects(value)?.map((entry) => {
    const port = readField(entry, 'port')
    return {
      port: typeof port === 'number' ? port : undefined,
      mode: asString(readField(entry, 'mode')),
      trustStore: asString(readField(entry, 'trustStore')),
      ignoreClientCertificateExpiry: readField(entry, 'ignoreClientCertificateExpiry'),
      advertiseTrustStoreCaNames: readField(entry, 'advertiseTrustStoreCaNames'),
    }
  })

export const validateNonEmptyList: Validator = (value) =>
  value.split(',').some((entry) => entry.trim() !== '') ? undefined : 'is an empty list'

/** What IDs of a resource in EC2 begin with. */
export type IdPrefix = 'subnet-' | 'sg-'

/**
 * Whether the controller reads a Name tag as an ID. Source: its pkg/networking, subnet_resolver.go
 * and security_group_resolver.go; EC2, DescribeSubnets and DescribeSecurityGroups.
 */
export const isMistakenForId = (name: string, prefix: IdPrefix): boolean =>
  name.startsWith(prefix) && !/^[0-9a-f]{8,17}$/.test(name.slice(prefix.length))

export const createIdsOrNamesValidator =
  (prefix: IdPrefix): Validator =>
  (value) => {
    const names = value.split(',').map((entry) => entry.trim())
    const mistaken = names.find((name) => isMistakenForId(name, prefix))
    if (mistaken === undefined) return validateNonEmptyList(value)
    const reason = `the controller reads names that begin with ${prefix} as IDs`
    return `contains ${truncateForError(mistaken)}, but ${reason}`
  }

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

/**
 * Since v2.14.1, the controller keeps a comma at the end in the last value, and rejects an empty
 * entry. Source: its pkg/annotations/parser.go, splitKeyValuePairs.
 * @param validators by key; other keys may have any value
 */
export const createAttributesValidator =
  (validators: Readonly<Record<string, Validator>>): Validator =>
  (value) => {
    const attributes = parseAttributes(value)
    if (!attributes) return 'is not a list of key=value'
    if (/(?<!\\),\s*$/.test(value)) return 'ends with a comma, which becomes part of the last value'
    if (/(?<!\\),\s*,|^\s*,/.test(value)) return 'contains an empty entry'
    const problems: string[] = []
    for (const [key, attributeValue] of attributes) {
      const validate = Object.hasOwn(validators, key) ? validators[key] : undefined
      const problem = validate?.(attributeValue)
      if (problem !== undefined)
        problems.push(`contains ${key}=${truncateForError(attributeValue)}, which ${problem}`)
    }
    return joinProblems(problems)
  }

/** @returns the codes of a list of codes and ranges such as `0,12-14`; undefined when it is none */
function parseCodes(value: string): number[] | undefined {
  const ranges = value.split(',').map((entry) => /^\s*(\d{1,3})(?:-(\d{1,3}))?\s*$/.exec(entry))
  if (ranges.includes(null)) return undefined
  return ranges.flatMap((range) => [range?.[1], range?.[2] ?? range?.[1]]).map(Number)
}

/** One code, a range, or a list of both. Source: ELBv2, Matcher.GrpcCode. */
export const validateGrpcCodes: Validator = (value) => {
  const codes = parseCodes(value)
  if (!codes) return 'is not a list of codes such as 0,12 or 0-99'
  const outOfRange = codes.find((code) => code > 99)
  if (outOfRange === undefined) return undefined
  return `contains ${outOfRange}, but the codes of a gRPC health check range from 0 to 99`
}

/** Source: ELBv2, Matcher.HttpCode of a target group of an NLB. */
export const validateHttpCodes: Validator = (value) => {
  const codes = parseCodes(value)
  const isValid = codes?.every((code) => code >= 200 && code <= 599) ?? false
  return isValid ? undefined : 'is not a list of HTTP codes such as 200,301 or 200-399'
}

/** A login needs a browser. */
export const validateAuthType: Validator = (value) =>
  value === 'none'
    ? undefined
    : 'does not work with gRPC: the ALB would redirect calls to a login page'

export const validateHealthCheckPath: Validator = (value) => {
  if (!value.startsWith('/')) return 'does not begin with a slash'
  return value.length <= 1024 ? undefined : 'is longer than 1024 characters'
}

export const validatePort = createIntegerValidator(1, 65_535)

export const validateHealthCheckPort: Validator = (value) =>
  value === 'traffic-port' || validatePort(value) === undefined
    ? undefined
    : 'is neither traffic-port nor an integer from 1 to 65535'

/**
 * Whether a value of healthcheck-port is the name of a port of the Service. Source: the controller,
 * buildTargetGroupHealthCheckPort; Kubernetes API reference, ServicePort: a DNS label.
 */
export const isPortName = (value: string): boolean =>
  value !== 'traffic-port' && /^(?!\d+$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)

/** Of the ALB: an NLB in front of it has no Service whose ports have names. */
export const validateHealthCheckPortOrName: Validator = (value) =>
  isPortName(value) || validateHealthCheckPort(value) === undefined
    ? undefined
    : 'is neither traffic-port, nor an integer from 1 to 65535, nor the name of a port'

/** `PORT=PORT`, of an NLB and the ALB behind it. */
export const validatePortMapping: Validator = (value) => {
  const mappings = parseAttributes(value) ?? []
  const invalid = mappings.find((ports) => ports.some((each) => validatePort(each) !== undefined))
  if (!invalid) return createAttributesValidator({})(value)
  return `contains ${truncateForError(invalid.join('='))}, which is not an integer from 1 to 65535`
}

export const validateCapacity: Validator = (value) =>
  /^CapacityUnits=\d+$/.test(value) ? undefined : 'is not CapacityUnits=NUMBER'

export const validateWebAclArn: Validator = (value) =>
  value === 'none' || /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\//.test(value)
    ? undefined
    : 'is neither none nor the ARN of a regional WAFv2 web ACL ' +
      '(arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)'
