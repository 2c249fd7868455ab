/**
 * Searches everything that a run leaves for secrets, in every encoding in which they may appear.
 * Written independently of src/reporting/redaction.ts, which it verifies.
 */
import { readFileSync } from 'node:fs'
import { readFilesUnder, type RunResult } from '../../testing/runner.ts'
import type { ServiceName, RecordedRequest } from '../../testing/request-log.ts'
import type { TestEnvironment } from '../../testing/environment.ts'

/** A text that must not be disclosed. */
export interface Secret {
  readonly name: string
  readonly text: string
  /** The services that may receive it. */
  readonly for: readonly ServiceName[]
}

/**
 * Secrets that are passed in the values of the release and in milvus-token. All others are
 * generated for each test environment.
 */
export const valuesCanary = 'canary-9f3b1c7e-values'
export const tokenCanary = 'canary-4d2a8e60-token'

/** The fixed prefix of every EKS token. Source: aws-iam-authenticator, token.go. */
const eksToken = 'k8s-aws-v1.'

/** The secrets of a run with these inputs. */
export function collectSecrets(
  environment: TestEnvironment,
  inputs: Readonly<Record<string, string>>,
): Secret[] {
  const aws: readonly ServiceName[] = ['acm', 'sts', 'eks', 'ec2', 'elbv2', 'secretsmanager']
  const credentials = environment.aws.credentials.flatMap(
    ({ secretAccessKey, sessionToken = '' }): Secret[] => [
      { name: 'AWS secret key', text: secretAccessKey, for: [] },
      // An EKS token is a signed request, which includes the session token.
      { name: 'AWS session token', text: sessionToken, for: [...aws, 'kubernetes'] },
    ],
  )
  const all: Secret[] = [
    ...listKeyLines(environment, inputs).map((text): Secret => ({
      name: 'private key',
      text,
      for: ['acm'],
    })),
    ...getKeyLines(inputs['probe-key'] ?? '').map((text): Secret => ({
      name: 'probe-key',
      text,
      for: [],
    })),
    {
      name: 'milvus-token',
      text: inputs['milvus-token']?.replace(/^[^:]*:/, '') ?? '',
      for: ['alb', 'milvus'],
    },
    { name: 'values', text: valuesCanary, for: ['kubernetes'] },
    { name: 'chart-password', text: inputs['chart-password'] ?? '', for: ['charts'] },
    {
      name: 'token of the kubeconfig',
      text: /"token":\s*"([^"]+)"/.exec(readFileSync(environment.kubeconfig, 'utf8'))?.[1] ?? '',
      for: ['kubernetes'],
    },
    { name: 'token for EKS', text: eksToken, for: ['kubernetes'] },
    ...credentials,
  ]
  return all.filter(({ text }) => text !== '')
}

/** Of the key in the inputs, or in the secret that they name. */
function listKeyLines(
  { certificate }: TestEnvironment,
  inputs: Readonly<Record<string, string>>,
): string[] {
  const key = inputs['private-key'] ?? ''
  return getKeyLines(inputs['certificate-secret'] ? certificate.privateKey : key)
}

function getKeyLines(key: string): string[] {
  const pem = key.includes('-----BEGIN') ? key : Buffer.from(key, 'base64').toString()
  return pem.split(/\r?\n/).filter((line) => line.length > 32 && !line.startsWith('-----'))
}

/** Every form in which a text may contain a secret, by name, without duplicates. */
export function listEncodings(secret: string): ReadonlyMap<string, string> {
  const url = encodeURIComponent(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const base64 = [0, 1, 2].map((offset) => getBase64Fragment(secret, offset))
  const all: [string, string][] = [
    ['raw', secret],
    ...base64.map((text, offset): [string, string] => [
      `base64, ${offset} bytes after its beginning`,
      text,
    ]),
    ...base64.map((text, offset): [string, string] => [
      `base64 for URLs, ${offset} bytes after its beginning`,
      text.replaceAll('+', '-').replaceAll('/', '_'),
    ]),
    ['URL-encoded', url],
    ['URL-encoded in small letters', url.replace(/%../g, (code) => code.toLowerCase())],
    ['form-encoded', url.replaceAll('%20', '+')],
    ['JSON-escaped', json],
    [
      'JSON-escaped as Go does',
      json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
    ],
  ]
  return new Map(
    all.filter(([, encoding], index) => all.findIndex(([, other]) => other === encoding) === index),
  )
}

/**
 * The part of a base64 text that depends only on the secret, when the secret starts `offset` bytes
 * after a multiple of three.
 */
function getBase64Fragment(secret: string, offset: number): string {
  const length = offset + Buffer.byteLength(secret)
  const encoded = Buffer.from('\0'.repeat(offset) + secret)
    .toString('base64')
    .replace(/=+$/, '')
  return encoded.slice([0, 2, 3][offset], length % 3 === 0 ? undefined : -1)
}

/** @returns the secrets that were found, as `SECRET in PLACE (FORM)` */
export function findLeaks(
  textByLocation: Readonly<Record<string, string>>,
  secrets: readonly Pick<Secret, 'name' | 'text'>[],
): string[] {
  const encodings = secrets.flatMap(({ name, text }) =>
    [...listEncodings(text)].map(([encoding, needle]) => ({
      name,
      encoding,
      needle,
    })),
  )
  const leaks = Object.entries(textByLocation).flatMap(([location, text]) =>
    encodings
      .filter(({ needle }) => text.includes(needle))
      .map(({ name, encoding }) => `${name} in ${location} (${encoding})`),
  )
  return [...new Set(leaks)]
}

/**
 * Everywhere a run may have left a secret: its log, outputs, summary and state, the arguments of
 * Helm, and files.
 */
export async function collectRunOutputs(
  environment: TestEnvironment,
  run: RunResult,
): Promise<Record<string, string>> {
  const { HELM_DATA_HOME: helmDataHome = '', HELM_CONFIG_HOME: helmConfigHome = '' } =
    environment.runnerEnv()
  return {
    ...run.files,
    ...(await readFilesUnder(helmDataHome)),
    ...(await readFilesUnder(helmConfigHome)),
    'what was printed': run.log,
    outputs: run.outputText,
    summary: run.summary,
    state: run.state,
    'the arguments of Helm': (await environment.helmCalls()).join('\n'),
  }
}

/** @returns the secrets that were sent to a service that they are not for */
export function findLeaksInRequests(
  requests: readonly RecordedRequest[],
  secrets: readonly Secret[],
): string[] {
  const textByService = Object.entries(Object.groupBy(requests, ({ service }) => service)).map(
    ([service, all]) =>
      [
        service as ServiceName,
        all
          .map(({ operation, query, headers, body }) =>
            [operation, query, JSON.stringify(headers ?? {}), body].join('\n'),
          )
          .join('\n'),
      ] as const,
  )
  return textByService.flatMap(([service, text]) =>
    findLeaks(
      { [`requests to ${service}`]: text },
      secrets.filter((secret) => !secret.for.includes(service)),
    ),
  )
}
