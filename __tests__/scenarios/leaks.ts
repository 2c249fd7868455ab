/** The search for secrets in all that a run leaves, in every form in which they travel. Written without a look at src/report/redaction.ts, which it judges. */
import { readFileSync } from 'node:fs'
import { filesUnder, type ActionRun } from '../../sandbox/runner.ts'
import type { Part, RecordedRequest } from '../../sandbox/traffic.ts'
import type { World } from '../../sandbox/world.ts'

/** Something that is to stay where it belongs. */
export interface Secret {
  readonly name: string
  readonly text: string
  /** The parts that it is for. */
  readonly for: readonly Part[]
}

/** Secrets that ride in the values of the release and in milvus-token; others are made anew for each world. */
export const valuesCanary = 'canary-9f3b1c7e-values'
export const tokenCanary = 'canary-4d2a8e60-token'

/** How a token for EKS begins, whatever it holds. Source: aws-iam-authenticator, token.go. */
const eksToken = 'k8s-aws-v1.'

/** The secrets of a run with these inputs. */
export function secretsOf(world: World, inputs: Readonly<Record<string, string>>): Secret[] {
  const aws: readonly Part[] = ['acm', 'sts', 'eks', 'ec2', 'elbv2']
  const credentials = world.aws.credentials.flatMap(({ secretAccessKey, sessionToken = '' }): Secret[] => [
    { name: 'AWS secret key', text: secretAccessKey, for: [] },
    // A token for EKS is a signed request, session and all.
    { name: 'AWS session token', text: sessionToken, for: [...aws, 'kubernetes'] },
  ])
  const all: Secret[] = [
    ...keyLines(inputs['private-key'] ?? '').map((text): Secret => ({ name: 'private key', text, for: ['acm'] })),
    { name: 'milvus-token', text: inputs['milvus-token']?.replace(/^[^:]*:/, '') ?? '', for: ['alb', 'milvus'] },
    { name: 'values', text: valuesCanary, for: ['kubernetes'] },
    { name: 'chart-password', text: inputs['chart-password'] ?? '', for: ['charts'] },
    { name: 'token of the kubeconfig', text: /"token":\s*"([^"]+)"/.exec(readFileSync(world.kubeconfig, 'utf8'))?.[1] ?? '', for: ['kubernetes'] },
    { name: 'token for EKS', text: eksToken, for: ['kubernetes'] },
    ...credentials,
  ]
  return all.filter(({ text }) => text !== '')
}

function keyLines(key: string): string[] {
  const pem = key.includes('-----BEGIN') ? key : Buffer.from(key, 'base64').toString()
  return pem.split(/\r?\n/).filter((line) => line.length > 32 && !line.startsWith('-----'))
}

/** Every form in which a secret may lie in a text, by its name. Those that are equal to it are left out. */
export function formsOf(secret: string): ReadonlyMap<string, string> {
  const url = encodeURIComponent(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const base64 = [0, 1, 2].map((before) => inBase64(secret, before))
  const all: [string, string][] = [
    ['raw', secret],
    ...base64.map((text, before): [string, string] => [`base64, ${before} bytes after its beginning`, text]),
    ...base64.map((text, before): [string, string] => [`base64 for URLs, ${before} bytes after its beginning`, text.replaceAll('+', '-').replaceAll('/', '_')]),
    ['URL-encoded', url],
    ['URL-encoded in small letters', url.replace(/%../g, (code) => code.toLowerCase())],
    ['form-encoded', url.replaceAll('%20', '+')],
    ['JSON-escaped', json],
    ['JSON-escaped as Go does', json.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)],
  ]
  return new Map(all.filter(([, form], index) => all.findIndex(([, other]) => other === form) === index))
}

/** What of a text in base64 is of the secret alone, so many bytes after a multiple of three. */
function inBase64(secret: string, before: number): string {
  const length = before + Buffer.byteLength(secret)
  const whole = Buffer.from('\0'.repeat(before) + secret).toString('base64').replace(/=+$/, '')
  return whole.slice([0, 2, 3][before], length % 3 === 0 ? undefined : -1)
}

/** @returns what lies where it should not, as `SECRET in PLACE (FORM)` */
export function leaksIn(places: Readonly<Record<string, string>>, secrets: readonly Pick<Secret, 'name' | 'text'>[]): string[] {
  const forms = secrets.flatMap(({ name, text }) => [...formsOf(text)].map(([form, sought]) => ({ name, form, sought })))
  const found = Object.entries(places).flatMap(([place, text]) => forms.filter(({ sought }) => text.includes(sought)).map(({ name, form }) => `${name} in ${place} (${form})`))
  return [...new Set(found)]
}

/** Where a run may have left something: what it printed, set, summarized and saved, what helm was called with, and files. */
export async function placesOf(world: World, run: ActionRun): Promise<Record<string, string>> {
  const { HELM_DATA_HOME: data = '', HELM_CONFIG_HOME: config = '' } = world.environment()
  return {
    ...run.files, ...await filesUnder(data), ...await filesUnder(config),
    'what was printed': run.log, outputs: run.outputText, summary: run.summary, state: run.state, 'the arguments of helm': (await world.helmCalls()).join('\n'),
  }
}

/** @returns what was sent to a part that it is not for */
export function leaksInRequests(requests: readonly RecordedRequest[], secrets: readonly Secret[]): string[] {
  const sent = Object.entries(Object.groupBy(requests, ({ part }) => part)).map(([part, all]) => [part as Part, all.map(({ operation, query, headers, body }) => [operation, query, JSON.stringify(headers ?? {}), body].join('\n')).join('\n')] as const)
  return sent.flatMap(([part, text]) => leaksIn({ [`requests to ${part}`]: text }, secrets.filter((secret) => !secret.for.includes(part))))
}
