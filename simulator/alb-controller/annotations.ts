/**
 * Parses annotations as AWS Load Balancer Controller v3.5.0 does, with the same error messages.
 * Sources: pkg/annotations/parser.go, pkg/ingress/model_build_listener.go (v3.5.0), and observation
 * of the real controller.
 */
import { isIP } from 'node:net'

/** Why a model cannot be built; events prefix it with `Failed build model due to `. */
export class BuildError extends Error {}

/** The prefix of the controller's annotations. */
export const PREFIX = 'alb.ingress.kubernetes.io/'

/** Annotations by name. */
export type Annotations = Readonly<Record<string, string>>

/** One entry of listen-ports. */
export interface ListenPort {
  readonly protocol: string
  readonly port: number
}

/** The value of an annotation of the controller. */
export function getAnnotation(annotations: Annotations, name: string): string | undefined {
  return annotations[PREFIX + name]
}

/** Parses a comma-separated list, without empty entries. */
export function parseStringList(annotations: Annotations, name: string): string[] {
  return (getAnnotation(annotations, name) ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

/** Parses a map such as `k=v,k2=v2`. A comma in a value is written `\,`. */
export function parseStringMap(annotations: Annotations, name: string): Record<string, string> {
  const raw = getAnnotation(annotations, name)
  if (raw === undefined) return {}
  const entries = raw
    .split(/(?<!\\),/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  return Object.fromEntries(
    entries.map((entry) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(entry) ?? []
      if (key === undefined || value === undefined)
        throw new BuildError(`failed to parse stringMap annotation, ${PREFIX}${name}: ${raw}`)
      return [key.trim(), value.trim().replaceAll('\\,', ',')]
    }),
  )
}

/** An annotation with a fixed set of values. */
export interface EnumAnnotation<T extends string> {
  readonly name: string
  readonly values: readonly T[]
  /** The value of an absent annotation. */
  readonly fallback: T
  /** Precedes the rejected value in the error message. */
  readonly errorPrefix: string
}

/** @throws BuildError when the value is not allowed */
export function parseEnum<T extends string>(
  annotations: Annotations,
  { name, values, fallback, errorPrefix }: EnumAnnotation<T>,
): T {
  const raw = getAnnotation(annotations, name)
  if (raw === undefined) return fallback
  const match = values.find((value) => value === raw)
  if (match === undefined) throw new BuildError(`${errorPrefix}: ${raw}`)
  return match
}

/** The error of Go's encoding/json for a value that is not a list of maps to int32. */
function describeGoJsonError(raw: string): string {
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch {
    if (raw.trim() === '') return 'unexpected end of JSON input'
    const invalidCharacter = /[^[{"\s\d:,}\]]/.exec(raw)?.[0] ?? raw[0] ?? ''
    return `invalid character '${invalidCharacter}' looking for beginning of value`
  }
  if (Array.isArray(value)) return 'json: cannot unmarshal string into Go value of type int32'
  return `json: cannot unmarshal ${goKindOf(value)} into Go value of type []map[string]int32`
}

function goKindOf(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** Parses listen-ports, or returns its default. */
export function parseListenPorts(annotations: Annotations): ListenPort[] {
  const raw = getAnnotation(annotations, 'listen-ports')
  if (raw === undefined)
    return [
      getAnnotation(annotations, 'certificate-arn') === undefined
        ? { protocol: 'HTTP', port: 80 }
        : { protocol: 'HTTPS', port: 443 },
    ]
  const parsed = parsePortEntries(raw)
  if (!parsed)
    throw new BuildError(
      `failed to parse listen-ports configuration: \`${raw}\`: ${describeGoJsonError(raw)}`,
    )
  if (parsed.length === 0) throw new BuildError(`empty listen-ports configuration: \`${raw}\``)
  for (const { protocol, port } of parsed) {
    if (port < 1 || port > 65535)
      throw new BuildError(`listen port must be within [1, 65535]: ${port}`)
    if (protocol !== 'HTTP' && protocol !== 'HTTPS')
      throw new BuildError(`listen protocol must be within [HTTP, HTTPS]: ${protocol}`)
  }
  return parsed
}

function parsePortEntries(raw: string): ListenPort[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch {
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  const ports: ListenPort[] = []
  for (const entry of value as unknown[]) {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return undefined
    for (const [protocol, port] of Object.entries(entry)) {
      if (typeof port !== 'number') return undefined
      ports.push({ protocol, port })
    }
  }
  return ports
}

/** Validates inbound-cidrs as Go's net.ParseCIDR does. */
export function checkInboundCidrs(annotations: Annotations, ingress: string): void {
  for (const cidr of parseStringList(annotations, 'inbound-cidrs')) {
    if (!isCidr(cidr))
      throw new BuildError(
        `invalid inbound-cidrs settings on Ingress: ${ingress}: invalid CIDR address: ${cidr}`,
      )
  }
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...extraParts] = text.split('/')
  const maxBits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return extraParts.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= maxBits
}
