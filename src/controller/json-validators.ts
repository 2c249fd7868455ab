/** Validators of annotations whose values are JSON. */
import { joinProblems, truncateForError, type Validator } from './annotation-validators.ts'

type JsonObject = Readonly<Record<string, unknown>>

/** @returns undefined when it is no JSON */
function parseJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseObjects = (value: string): JsonObject[] | undefined => {
  const parsed = parseJson(value)
  return Array.isArray(parsed) && parsed.every(isObject) ? parsed : undefined
}

/** Keys in any case, as Go's encoding/json reads them. */
function readField(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const key = Object.keys(object).find((each) => each.toLowerCase() === name.toLowerCase())
  return key === undefined ? undefined : object[key]
}

export const jsonObject: Validator = (value) =>
  isObject(parseJson(value)) ? undefined : 'is not a JSON object'

/** Of objects. */
export const jsonList: Validator = (value) =>
  parseObjects(value) ? undefined : 'is not a JSON list of objects'

/** ELB requires both. Source: ELBv2, JwtValidationActionConfig. */
export const jwtValidation: Validator = (value) => {
  const config = parseJson(value)
  if (!isObject(config)) return 'is not a JSON object'
  const problems: string[] = []
  for (const name of ['issuer', 'jwksEndpoint']) {
    const field = readField(config, name)
    if (typeof field !== 'string' || field === '') problems.push(`contains no ${name}`)
  }
  const endpoint = readField(config, 'jwksEndpoint')
  if (typeof endpoint === 'string' && endpoint !== '' && !endpoint.startsWith('https://'))
    problems.push('contains a jwksEndpoint that does not begin with https://')
  return joinProblems(problems)
}

/** One entry of mutual-authentication. */
export interface MutualAuthenticationEntry {
  readonly port?: unknown
  readonly mode?: unknown
  readonly trustStore?: unknown
  readonly ignoreClientCertificateExpiry?: unknown
  readonly advertiseTrustStoreCaNames?: unknown
}

/** @returns undefined when it is not a list of objects */
export const parseMutualAuthentication = (value: string): MutualAuthenticationEntry[] | undefined =>
  parseObjects(value)?.map((entry) => ({
    port: readField(entry, 'port'),
    mode: readField(entry, 'mode'),
    trustStore: readField(entry, 'trustStore'),
    ignoreClientCertificateExpiry: readField(entry, 'ignoreClientCertificateExpiry'),
    advertiseTrustStoreCaNames: readField(entry, 'advertiseTrustStoreCaNames'),
  }))

/** Source: the controller's annotations.md and model_build_listener.go, mutual-authentication. */
export const mutualAuthentication: Validator = (value) => {
  const entries = parseMutualAuthentication(value)
  if (!entries || entries.length === 0)
    return 'is not a JSON list such as [{"port": 443, "mode": "verify", "trustStore": "NAME"}]'
  return joinProblems(entries.flatMap(validateEntry))
}

const isPort = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535

function validateEntry(entry: MutualAuthenticationEntry): string[] {
  const { port, mode, trustStore } = entry
  const problems: string[] = []
  if (port === undefined) problems.push('contains an entry without a port')
  else if (!isPort(port)) {
    const shownPort = truncateForError(JSON.stringify(port))
    problems.push(`contains port ${shownPort}, which is not an integer from 1 to 65535`)
  }
  if (mode === 'verify') {
    if (typeof trustStore !== 'string' || trustStore === '')
      problems.push('contains mode verify without a trustStore')
    problems.push(...validateVerification(entry))
  } else if (mode === 'off' || mode === 'passthrough')
    problems.push(...findVerificationFields(entry, mode))
  else {
    const shownMode = truncateForError(JSON.stringify(mode ?? ''))
    problems.push(`contains mode ${shownMode}, which is not off, passthrough or verify`)
  }
  return problems
}

function validateVerification({
  ignoreClientCertificateExpiry: ignore,
  advertiseTrustStoreCaNames: advertise,
}: MutualAuthenticationEntry): string[] {
  const problems: string[] = []
  if (ignore !== undefined && ignore !== null && typeof ignore !== 'boolean')
    problems.push('contains an ignoreClientCertificateExpiry that is neither true nor false')
  if (advertise !== undefined && advertise !== null && advertise !== 'on' && advertise !== 'off')
    problems.push('contains an advertiseTrustStoreCaNames that is neither on nor off')
  return problems
}

/** The fields that only mode verify supports. */
function findVerificationFields(entry: MutualAuthenticationEntry, mode: string): string[] {
  const { trustStore, ignoreClientCertificateExpiry, advertiseTrustStoreCaNames } = entry
  const fields = { trustStore, ignoreClientCertificateExpiry, advertiseTrustStoreCaNames }
  return Object.entries(fields)
    .filter(([, field]) => field !== undefined && field !== null && field !== '')
    .map(([name]) => `contains ${name}, which mode ${mode} does not support`)
}
