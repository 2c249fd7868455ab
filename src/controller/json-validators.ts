/** Validators of annotations whose values are JSON. */
import { parseJson } from '../util/json.ts'
import { isPlainObject } from '../util/objects.ts'
import {
  joinProblems,
  parseJsonObjects,
  parseMutualAuthentication,
  readField,
  truncateForError,
  type MutualAuthenticationEntry,
  type Validator,
} from './annotation-validators.ts'

export const validateJsonObject: Validator = (value) =>
  isPlainObject(parseJson(value)) ? undefined : 'is not a JSON object'

/** Of objects. */
export const validateJsonObjects: Validator = (value) =>
  parseJsonObjects(value) ? undefined : 'is not a JSON list of objects'

/** ELB requires both. Source: ELBv2, JwtValidationActionConfig. */
export const validateJwtConfig: Validator = (value) => {
  const config = parseJson(value)
  if (!isPlainObject(config)) return 'is not a JSON object'
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

/** Source: the controller's annotations.md and model_build_listener.go, mutual-authentication. */
export const validateMutualAuthentication: Validator = (value) => {
  const entries = parseMutualAuthentication(value)
  if (!entries || entries.length === 0)
    return 'is not a JSON list such as [{"port": 443, "mode": "verify", "trustStore": "NAME"}]'
  return joinProblems(entries.flatMap(validateEntry))
}

const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65_535

function validateEntry(entry: MutualAuthenticationEntry): string[] {
  const { port, mode, trustStore } = entry
  const problems: string[] = []
  if (port === undefined) problems.push('contains an entry without a port')
  else if (!isPort(port)) {
    problems.push(`contains port ${port}, which is not an integer from 1 to 65535`)
  }
  if (mode === 'verify') {
    if (trustStore === undefined || trustStore === '')
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
