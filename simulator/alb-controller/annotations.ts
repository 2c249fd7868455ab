/**
 * Annotations of AWS Load Balancer Controller v3.5.0, parsed with its own error texts. Sources:
 * pkg/annotations/parser.go, pkg/ingress/model_build_listener.go (v3.5.0), and what was observed of
 * it.
 */
import { isIP } from 'node:net'

/** Why a model cannot be built: `Failed build model due to ` comes before it. */
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

/** One of the controller's annotations. */
export function getAnnotation(annotations: Annotations, name: string): string | undefined {
  return annotations[PREFIX + name]
}

/** A comma-separated list; empty entries are dropped. */
export function parseStringList(annotations: Annotations, name: string): string[] {
  return (getAnnotation(annotations, name) ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

/** `k=v,k2=v2`; a comma in a value is written `\,`. */
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

/** An annotation that is one of a few words; `refusal` comes before the value of any other. */
export function parseEnum<T extends string>(
  annotations: Annotations,
  name: string,
  values: readonly T[],
  fallback: T,
  errorPrefix: string,
): T {
  const raw = getAnnotation(annotations, name)
  if (raw === undefined) return fallback
  const match = values.find((value) => value === raw)
  if (match === undefined) throw new BuildError(`${errorPrefix}: ${raw}`)
  return match
}

/** What Go's encoding/json says of a value that is no list of maps to int32. */
function describeGoJsonError(raw: string): string {
  const target = 'Go value of type []map[string]int32'
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch {
    return raw.trim() === ''
      ? 'unexpected end of JSON input'
      : `invalid character '${/[^[{"\s\d:,}\]]/.exec(raw)?.[0] ?? raw[0] ?? ''}' looking for beginning of value`
  }
  const kind =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'array'
        : typeof value === 'boolean'
          ? 'bool'
          : typeof value
  if (kind !== 'array') return `json: cannot unmarshal ${kind} into ${target}`
  return 'json: cannot unmarshal string into Go value of type int32'
}

/** listen-ports, or what stands for it when it is absent. */
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

/** inbound-cidrs; Go's net.ParseCIDR decides. */
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
