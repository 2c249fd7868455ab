/**
 * Input texts to values: pure, one function a form. Each throws an InvalidInput that says what is
 * wrong and what to give.
 */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import {
  CORE_SCHEMA,
  FAILSAFE_SCHEMA,
  Schema,
  boolYaml11Tag,
  floatYaml11Tag,
  intYaml11Tag,
  load,
  mergeTag,
  nullYaml11Tag,
} from 'js-yaml'

/**
 * What is wrong with an input's text. `wrong` continues "Input NAME ..."; `give` is an instruction
 * with an example.
 */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInput'
  readonly remedy: string

  constructor(problem: string, remedy: string, cause?: unknown) {
    super(problem, { cause })
    this.remedy = remedy
  }
}

/**
 * A text in quotes. One that is too long is not cut but counted: of a secret in the wrong place a
 * piece would be shown that nobody masks.
 */
export const quoteForError = (raw: string): string =>
  raw.length > 80 ? `a text of ${raw.length} characters` : JSON.stringify(raw)

const describeInput = (raw: string) => `is ${quoteForError(raw)}`

/** The first few of many things that are wrong. */
export function summarize(problems: readonly string[]): string {
  const listed = problems
    .slice(0, 20)
    .filter(
      (_fault, index) =>
        index === 0 || problems.slice(0, index + 1).join('; ').length <= maxSummaryLength,
    )
  return `${listed.join('; ')}${problems.length > listed.length ? `; and ${problems.length - listed.length} more` : ''}`
}

/** Characters of a list of faults that a person reads to its end. */
const maxSummaryLength = 1_200

/** The text as it is. */
export const text = (raw: string): string => raw

/**
 * What stands in a workflow where a value was meant to get in: of no input ever a value. Not
 * quoted: of a secret only *** would show.
 */
const placeholders: readonly {
  readonly pattern: RegExp
  readonly description: string
  readonly remedy: string
}[] = [
  {
    pattern: /^\*{3}$/,
    description: 'is ***, which GitHub shows in place of a secret',
    remedy: 'Name the secret itself, for example ${{ secrets.NAME }}.',
  },
  {
    pattern: /^\$\{\{[^}]*\}\}$/,
    description: 'is an expression (${{ ... }}) that nobody has evaluated',
    remedy:
      'Write the expression under "with:" in the workflow: inside of a secret, a variable or a file GitHub does not evaluate it.',
  },
  {
    pattern: /^(\$\w+|\$\{\w+\}|\$env:\w+|%\w+%)$/,
    description: 'is the name of a variable of a shell, and "with:" puts none in',
    remedy: 'Give ${{ env.NAME }}, or for a secret ${{ secrets.NAME }}.',
  },
  {
    pattern: /^(~|\$HOME|\$\{HOME\})\/\S*$/,
    description: 'is a path that only a shell can follow',
    remedy: 'Give the whole path, for example /home/runner/.kube/config.',
  },
]

/**
 * @throws InvalidInput for PEM where none belongs: a key there would be shown, in pieces that
 *   nobody masks
 */
export function rejectPem(raw: string): void {
  if (raw.includes('-----BEGIN'))
    throw new InvalidInputError(
      'holds PEM, which only certificate, private-key, certificate-chain and probe-ca take.',
      'Give PEM as one of those, and here what this input is for.',
    )
}

/** @throws InvalidInput when the text is no value but what was to be replaced by one */
export function rejectPlaceholder(raw: string): void {
  const placeholder = placeholders.find(({ pattern }) => pattern.test(raw.trim()))
  if (placeholder) throw new InvalidInputError(`${placeholder.description}.`, placeholder.remedy)
}

/** A parser that takes what `pattern` matches. */
function createPatternParser(
  pattern: RegExp,
  expected: string,
  remedy: string,
): (raw: string) => string {
  return (raw) => {
    if (!pattern.test(raw))
      throw new InvalidInputError(`${describeInput(raw)}, which is not ${expected}.`, remedy)
    return raw
  }
}

/** A name of a Kubernetes object: RFC 1123 label, at most 63 characters. */
export const kubernetesName = createPatternParser(
  /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  'a Kubernetes name',
  'Use lower-case letters, digits and hyphens, for example milvus-demo.',
)

/**
 * A name with dots: RFC 1123 subdomain, at most 253 characters. Ingresses and IngressClasses may
 * have one.
 */
export const kubernetesSubdomain = createPatternParser(
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'a Kubernetes name',
  'Use lower-case letters, digits, hyphens and dots, for example milvus-demo.',
)

const regionPattern = /^[a-z]{2,4}(-[a-z]+)+-\d$/

/** Whether a text can be an AWS region. */
export const isRegion = (text: string): boolean => regionPattern.test(text)

/** An AWS region. */
export function region(raw: string): string {
  const [, regionOfZone] = /^([a-z]{2,4}(?:-[a-z]+)+-\d)(?:-[a-z]+-\d)?[a-z]$/.exec(raw) ?? []
  if (regionOfZone !== undefined)
    throw new InvalidInputError(
      `${describeInput(raw)}, which is a zone.`,
      `Give its region: ${regionOfZone}.`,
    )
  return createPatternParser(
    regionPattern,
    'an AWS region',
    'Give a region code, for example us-east-2.',
  )(raw)
}

/** The name of an EKS cluster. Source: the EKS API, CreateCluster. */
export function clusterName(raw: string): string {
  const [, name] =
    /^arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:cluster\/([0-9A-Za-z][\w-]{0,99})$/.exec(raw) ?? []
  if (name !== undefined)
    throw new InvalidInputError(
      `${describeInput(raw)}, which is its ARN.`,
      `Give its name: ${name}.`,
    )
  return createPatternParser(
    /^[0-9A-Za-z][\w-]{0,99}$/,
    'the name of an EKS cluster',
    'Give the name as "aws eks list-clusters" shows it, for example production.',
  )(raw)
}

/** A certificate's ARN. Source: the ACM API's pattern for CertificateArn. */
export const certificateArn = createPatternParser(
  /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
  'the ARN of an ACM certificate',
  'Give it whole, for example arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-....',
)

/**
 * Source: ELBv2's CreateLoadBalancer: letters, digits and hyphens, at most 32, no hyphen at the
 * ends, no `internal-` first.
 */
export const loadBalancerName = createPatternParser(
  /^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/,
  'a load balancer name',
  'Use at most 32 letters, digits and hyphens, with no hyphen at the ends and not beginning with internal-.',
)

/** Source: the controller's group_loader.go. */
export const groupName = createPatternParser(
  /^(?=.{1,63}$)([a-z0-9][-a-z0-9.]*)?[a-z0-9]$/,
  'an IngressGroup name',
  'Use at most 63 lower-case letters, digits, hyphens and dots, for example shared-alb.',
)

/**
 * The class of a Service's load balancer. Source: Kubernetes API reference, ServiceSpec,
 * loadBalancerClass: a qualified name.
 */
export const loadBalancerClass = createPatternParser(
  /^(?:(?=.{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/,
  'the class of a load balancer',
  'Use service.k8s.aws/nlb (AWS Load Balancer Controller), eks.amazonaws.com/nlb (EKS Auto Mode), another class, or none.',
)

/** The name of one of ELB's security policies; ELB itself knows which exist. */
export const sslPolicy = createPatternParser(
  /^ELBSecurityPolicy-[A-Za-z0-9-]+$/,
  'the name of an ELB security policy',
  'Give one, for example ELBSecurityPolicy-TLS13-1-2-2021-06.',
)

/**
 * A whole version: a range would take another chart each time the repository has one. Source:
 * SemVer 2.0.0.
 */
export const exactVersion = createPatternParser(
  /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/,
  'an exact version',
  'Give one version, for example 5.0.19.',
)

/**
 * A host as a rule of the Ingress and the name in the certificate: a full DNS name, in lower case.
 */
export function host(raw: string): string {
  const remedy = 'Give the DNS name alone that clients connect to, for example milvus.example.com.'
  const name = raw.toLowerCase().replace(/\.$/, '')
  const ascii = domainToASCII(name)
  if (/[^\p{ASCII}]/u.test(name) && ascii !== '')
    throw new InvalidInputError(
      `${describeInput(raw)}, which has letters that DNS writes otherwise.`,
      `Give it as DNS and certificates have it: ${ascii}.`,
    )
  const problems: [RegExp, string][] = [
    [/\s|,/, 'is more than one name'],
    [/^[a-z][a-z0-9+.-]*:\/\//, 'has a scheme'],
    [/^[^:]*:\d+$/, 'has a port'],
    [/\//, 'has a path'],
    [/_/, 'has an underscore, which certificates may not cover'],
    [/\*/, 'is a wildcard, though the probe needs one name to call'],
    [/^[^.]*$/, 'has no dot: ACM and the ALB want a fully qualified name'],
  ]
  const problem = problems.find(([pattern]) => pattern.test(name))
  if (problem) throw new InvalidInputError(`${describeInput(raw)}, which ${problem[1]}.`, remedy)
  if (
    isIP(name) ||
    !/^(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(
      name,
    )
  ) {
    throw new InvalidInputError(`${describeInput(raw)}, which is not a DNS name.`, remedy)
  }
  return name
}

/** A port number. */
export function port(raw: string): number {
  const value = /^\d{1,5}$/.test(raw) ? Number(raw) : 0
  if (value < 1 || value > 65_535)
    throw new InvalidInputError(
      `${describeInput(raw)}, which is not a port.`,
      'Give a number from 1 to 65535, for example 443.',
    )
  return value
}

/** `true` or `false`, in the spellings of YAML's core schema, as @actions/core takes them. */
export function boolean(raw: string): boolean {
  if (/^(true|True|TRUE)$/.test(raw)) return true
  if (/^(false|False|FALSE)$/.test(raw)) return false
  throw new InvalidInputError(
    `${describeInput(raw)}, which is neither true nor false.`,
    'Give true or false.',
  )
}

/** One of a few words. */
export function oneOf<T extends string>(...allowed: readonly T[]): (raw: string) => T {
  return (raw) => {
    const match = allowed.find((candidate) => candidate === raw)
    if (match === undefined)
      throw new InvalidInputError(
        `${describeInput(raw)}.`,
        `Give ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}.`,
      )
    return match
  }
}

const secondsPerUnit: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 }

/**
 * A duration such as `90s`, `10m` or `1h30m`, within bounds.
 * @returns seconds
 */
export function duration(min: number, max: number): (raw: string) => number {
  return (raw) => {
    if (!/^(?:\d{1,20}[hms])+$/.test(raw)) {
      throw new InvalidInputError(
        `${describeInput(raw)}, which is not a duration.`,
        'Give a number with its unit, for example 90s, 10m or 1h30m.',
      )
    }
    const seconds = [...raw.matchAll(/(\d+)([hms])/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * (secondsPerUnit[unit ?? ''] ?? NaN),
      0,
    )
    if (seconds < min || seconds > max) {
      throw new InvalidInputError(
        `${describeInput(raw)}, which is out of range.`,
        `Give a duration from ${min}s to ${max}s.`,
      )
    }
    return seconds
  }
}

/** A number of days, `30` or `30d`. */
export function days(raw: string): number {
  const [, amount] = /^(\d{1,4})d?$/.exec(raw) ?? []
  if (amount === undefined)
    throw new InvalidInputError(
      `${describeInput(raw)}, which is not a number of days.`,
      'Give a number, for example 21.',
    )
  return Number(amount)
}

const listRemedy = 'Separate the entries by commas or new lines.'

/**
 * A list in the forms that people write: commas, semicolons, new lines, spaces, with quotes or
 * without, or a YAML or JSON list.
 */
export function list(raw: string): string[] {
  const splitPlainList = (): string[] =>
    raw
      .split(/[\s,;]+/)
      .map((entry) => entry.replace(/^(["'])(.*)\1$/, '$2'))
      .filter((entry) => entry !== '')
  const parsed = /^\s*(\[|- )/.test(raw)
    ? parseYaml(raw, FAILSAFE_SCHEMA, listRemedy)
    : splitPlainList()
  if (
    !Array.isArray(parsed) ||
    !parsed.every((entry) => typeof entry === 'string' && entry.trim() !== '')
  )
    throw new InvalidInputError(
      `${describeInput(raw)}, which is not a list of plain entries.`,
      listRemedy,
    )
  return parsed.map((entry: string) => entry.trim())
}

/** A list of CIDR blocks, IPv4 or IPv6. */
export function cidrs(raw: string): string[] {
  const blocks = list(raw)
  const invalid = blocks.find((block) => {
    const [address = '', prefix = '', ...rest] = block.split('/')
    const family = isIP(address)
    return (
      family === 0 ||
      rest.length > 0 ||
      !/^\d{1,3}$/.test(prefix) ||
      Number(prefix) > (family === 4 ? 32 : 128)
    )
  })
  if (invalid !== undefined)
    throw new InvalidInputError(
      `has ${quoteForError(invalid)}, which is not a CIDR block.`,
      'Give blocks such as 203.0.113.0/24, separated by commas.',
    )
  return blocks
}

/** `host:port` with a name, an IPv4 address or an IPv6 address in brackets. */
export function hostPort(raw: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(raw)
  const name = match?.[1] ?? match?.[2]
  if (name === undefined)
    throw new InvalidInputError(
      `${describeInput(raw)}, which is not host:port.`,
      'Give a name or address and a port, for example 10.0.3.7:443.',
    )
  return { host: name, port: port(match?.[3] ?? '') }
}

/** js-yaml's reasons that people meet, in our words: its own quote the text. */
const yamlErrorDescriptions: readonly (readonly [RegExp, string])[] = [
  [/tab/, 'a tab, where YAML takes spaces'],
  [/duplicated mapping key/, 'a key for the second time'],
  [/maxDepth/, 'lists or maps in each other, more than 100 deep'],
]

/**
 * Characters and entries of a document whose aliases are followed. helm keeps a whole release in 1
 * MiB.
 */
const maxDocumentSize = 2 ** 20

/**
 * @throws InvalidInput for what nobody could hold or hand on: aliases that multiply or lead back
 *   to themselves, numbers that JSON has not
 */
function rejectUnbounded(document: unknown): void {
  const stack = [document]
  for (let size = 0; stack.length > 0;) {
    const value = stack.pop()
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new InvalidInputError(
        'has a number that is infinite or none (.inf, .nan, 1e999).',
        'Write a number, or put it in quotes when a text is meant.',
      )
    const children = typeof value === 'object' && value !== null ? Object.entries(value) : []
    size +=
      typeof value === 'string'
        ? value.length
        : children.reduce((sum, [key]) => sum + key.length + 1, 0)
    if (size > maxDocumentSize)
      throw new InvalidInputError(
        'has more than a million characters when its aliases (*NAME) are followed, or aliases that lead back to themselves.',
        'Write out what they stand for.',
      )
    for (const [, child] of children as [string, unknown][]) stack.push(child)
  }
}

/**
 * @param schema FAILSAFE_SCHEMA leaves every scalar the text that was written: no 012 that
 *   becomes 10, no 1.10 that becomes 1.1
 */
function parseYaml(
  raw: string,
  schema: Schema = CORE_SCHEMA,
  remedy = 'Give a YAML map, one "key: value" a line.',
): unknown {
  // js-yaml refuses a document of nothing but comments.
  if (raw.split(/\r\n?|\n/).every((line) => /^\s*(#|$)/.test(line))) return undefined
  try {
    const document = load(raw, { schema })
    rejectUnbounded(document)
    return document
  } catch (thrown) {
    if (thrown instanceof InvalidInputError) throw thrown
    // The parser's message quotes the text around the fault, which may be a secret: only its place
    // is passed on.
    const { mark, reason = '' } = thrown as {
      mark?: { line?: number; column?: number }
      reason?: string
    }
    const [, description] = yamlErrorDescriptions.find(([pattern]) => pattern.test(reason)) ?? []
    throw new InvalidInputError(
      `is not YAML${mark?.line === undefined ? '' : ` (line ${mark.line + 1}, column ${(mark.column ?? 0) + 1})`}${description === undefined ? '' : `: ${description}`}.`,
      remedy,
    )
  }
}

function requireMap(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw new InvalidInputError('is not a YAML map.', 'Give one "key: value" a line.')
  return value as Record<string, unknown>
}

/** YAML 1.1 but for dates, which stay texts: as helm reads values. Source: sigs.k8s.io/yaml. */
const helmSchema = new Schema([
  ...FAILSAFE_SCHEMA.tags,
  nullYaml11Tag,
  boolYaml11Tag,
  intYaml11Tag,
  floatYaml11Tag,
  mergeTag,
])

/** helm's values: `no` is false and 0644 a number to the base of 8, as for helm. */
export function helmValues(raw: string): Record<string, unknown> {
  return requireMap(parseYaml(raw, helmSchema))
}

/** A YAML map of texts, as annotations and tags are; `a=b,c=d` or a pair a line too. */
export function stringMap(raw: string): Record<string, string> {
  const isPairList = /^[^={"'\s]+=/.test(raw.trim()) && !/^\S+:\s/m.test(raw)
  return isPairList
    ? parsePairs(raw)
    : Object.fromEntries(
        Object.entries(requireMap(parseYaml(raw, FAILSAFE_SCHEMA))).map(([key, value]) => {
          if (typeof value !== 'string')
            throw new InvalidInputError(
              `has no plain text under ${quoteForError(key)}.`,
              "Give a text there, for example key: 'value'.",
            )
          return [key, value]
        }),
      )
}

function parsePairs(raw: string): Record<string, string> {
  const entries = raw
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  return Object.fromEntries(
    entries.map((entry) => {
      const separator = entry.indexOf('=')
      if (separator < 1)
        throw new InvalidInputError(
          `has ${quoteForError(entry)}, which is not key=value.`,
          'Give one "key: value" a line, or key=value pairs separated by commas.',
        )
      return [entry.slice(0, separator).trim(), entry.slice(separator + 1).trim()]
    }),
  )
}
