/** YAML, JSON and Helm's storage, damaged or built to break their parser. */
import { gzipSync } from 'node:zlib'
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from '@jest/globals'
import fc from 'fast-check'
import { createFleetReport, addMissingResults } from '../../src/fleet/report/report.ts'
import { buildMatrix } from '../../src/fleet/plan/matrix.ts'
import {
  parseOutputs,
  readJobTargets,
  readResults,
  type TargetResult,
} from '../../src/fleet/deploy/run-target.ts'
import {
  readTargets,
  readWorkflowTarget,
  type TargetsResult,
} from '../../src/fleet/plan/targets.ts'
import { diffManifests } from '../../src/clients/helm/manifest-diff.ts'
import {
  decodeRevision,
  findDifferingPaths,
  parseRevisionLabels,
} from '../../src/clients/helm/release-storage.ts'
import { findSecretValues } from '../../src/clients/helm/values.ts'
import { createKubeconfigConnection } from '../../src/clients/kubernetes/connection.ts'
import { anyLengthText, anyText, corruptText, corruptBytes } from './arbitraries.ts'
import { minimalInputs, inputNamePattern, parseSettings } from './inputs.ts'
import { expectReadable, isAccepted, testProperty } from './property.ts'

const canary = 'canary-of-values'

/** Ten lists of ten, nine levels deep: "billion laughs". */
const billionLaughs = (depth: number): string =>
  [
    'a: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]',
    ...Array.from(
      { length: depth },
      (_, level) => `a${level}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`,
    ),
  ].join('\n')
const nestedArrays = (depth: number): string => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`
/** Each list is an alias inside the next: flat in the text, and very deep when parsed. */
const chainedAliases = (steps: number): string =>
  [
    's0: &s0 [x]',
    ...Array.from({ length: steps }, (_, step) => `s${step + 1}: &s${step + 1} [*s${step}]`),
  ].join('\n')

const yamlFragments = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom(billionLaughs(8), nestedArrays(5_000), chainedAliases(3_000)),
  },
  {
    weight: 60,
    arbitrary: fc.constantFrom(
      'a: 1',
      'proxy: {replicas: 2}',
      'minio: &m {secretKey: canary-of-values}',
      'b: *m',
      'c: {<<: *m, d: 1}',
      '<<: [*m, *m]',
      'a: again',
      '1: number',
      '1.5: x',
      'null: x',
      '~: y',
      '? [a, b]\n: list',
      '? {a: b}\n: map',
      'true: x',
      '__proto__: {polluted: true}',
      'constructor: x',
      'd: !!binary aGVsbG8=',
      'e: !custom x',
      'f: !!js/function "x"',
      'g: !!set {a, b}',
      'h: !!timestamp 2026-01-01',
      'i: .nan',
      'j: -.inf',
      'k: 1e999',
      'l: 0o17',
      'm: 0x1F',
      'n: 12345678901234567890',
      'o: -0',
      'p: 1_000',
      'q: 12:30:45',
      'r: |\n  text\n   more',
      's: >-\n  folded',
      't: "\\ud800"',
      'u: "\\0"',
      'service: {type: ClusterIP}',
      'service: text',
      'service: [type]',
      'service: null',
      '---',
      '...',
      '%YAML 1.1',
      '# comment',
      '\t',
      'self: &self [*self]',
      'loop: &loop {a: *loop}',
      billionLaughs(3),
      nestedArrays(99),
      chainedAliases(200),
      'password: canary-of-values',
    ),
  },
)
const anyYaml = fc.oneof(
  {
    weight: 8,
    arbitrary: corruptText(
      fc.array(yamlFragments, { maxLength: 5 }).map((lines) => lines.join('\n')),
      2,
    ),
  },
  { weight: 1, arbitrary: fc.json().map((json) => `values: ${json}`) },
  { weight: 1, arbitrary: anyLengthText },
)

testProperty(
  'Helm values',
  anyYaml,
  (text) =>
    isAccepted(
      () => {
        const { values } = parseSettings({ ...minimalInputs, values: text })
        findSecretValues(values).forEach((secret) => expect(typeof secret).toBe('string'))
        expect(findDifferingPaths(values, values)).toEqual([])
        // helm receives JSON and must get the same values: a number that JSON cannot represent
        // would become null and remove the value.
        const json = JSON.stringify(values, (_key, value: unknown) => {
          if (typeof value === 'number' && !Number.isFinite(value))
            throw new Error(`${value} has no JSON`)
          return value
        })
        expect(json.length).toBeLessThan(8_000_000)
      },
      inputNamePattern,
      [canary],
    ),
  [
    billionLaughs(8),
    chainedAliases(3_000),
    nestedArrays(100_000),
    'a: &a [*a]',
    `x: 1${'\n'.repeat(100_000)}#`,
    `password: x${' '.repeat(100_000)}y`,
    `a: &a ${'x'.repeat(60_000)}\nb: [${'*a, '.repeat(10_000)}]`,
    `a: .inf`,
  ],
)

const targetFragments = fc.constantFrom(
  'targets:',
  '- name: a',
  '  name: b',
  '  host: milvus.example.com',
  '  cluster: c',
  '  region: us-east-2',
  '  environment: e',
  '  tags: {a: b, __proto__: c}',
  '  subnets: [a, b]',
  '  inbound-cidrs: 10.0.0.0/8',
  '  listen-port: 443',
  '  listen-port: 1e9',
  '  runs-on: [x, y]',
  '  runs-on: 7',
  '  constructor: x',
  '  __proto__: {name: x}',
  '  private-key: x',
  'defaults: {environment: e, region: us-east-2}',
  'defaults: &d {environment: e}',
  '- {<<: *d, name: x}',
  '- *d',
  '- null',
  '- [a]',
  '- "a\\nb"',
  'targets: []',
  'targets: {a: b}',
  'targets: [&t {name: a, host: milvus.example.com, cluster: c, region: us-east-2, environment: e}, *t]',
  '{',
  'null',
  '- {name: "# a|b\\n\\n<img>"}',
  billionLaughs(6),
  '  role-to-assume: arn:aws:iam::111122223333:role/x',
  '  annotations: {constructor: x, alb.ingress.kubernetes.io/scheme: x}',
)
const validTarget =
  'name: a\n  host: milvus.example.com\n  cluster: c\n  region: us-east-2\n  environment: e'
const anyTargets = fc.oneof(
  {
    weight: 3,
    arbitrary: corruptText(
      fc.array(targetFragments, { maxLength: 10 }).map((lines) => lines.join('\n')),
      2,
    ),
  },
  {
    weight: 3,
    arbitrary: corruptText(
      fc.constantFrom(
        `targets:\n- ${validTarget}\n- ${validTarget.replace(/: [ac]\b/g, ': b')}\n  tags: {team: x}\n  annotations: {own: x}\n`,
      ),
    ),
  },
  { weight: 1, arbitrary: anyLengthText },
)

const locationPattern =
  /^(The file\b|The workflow\b|Input target\b|targets\b|defaults\b|There are \d+ targets named |[^\n]*: |[^\n]* are the same Ingress)/

function isValidReading(reading: TargetsResult): boolean {
  if ('targets' in reading) {
    const jobs = buildMatrix(reading.targets, { runsOn: 'x', check: false })
    expect(
      jobs
        .flatMap(({ targets }) => readJobTargets(targets))
        .map(({ name }) => name)
        .sort(),
    ).toEqual(reading.targets.map(({ name }) => name).sort())
    return true
  }
  expect(reading.problems.length).toBeGreaterThan(0)
  for (const problem of reading.problems) {
    if (!locationPattern.test(problem)) throw new Error(`names no place: ${problem}`)
    expectReadable(problem)
  }
  return false
}

const anyWorkflowInputs = fc.oneof(
  anyText,
  fc.json(),
  corruptText(
    fc.constant(
      JSON.stringify({
        host: 'milvus.example.com',
        cluster: 'c',
        region: 'us-east-2',
        issue: true,
        tags: null,
      }),
    ),
  ),
)
const anyTargetsSource = fc.oneof(
  fc.tuple(fc.constant('file'), anyTargets),
  fc.tuple(fc.constant('workflow'), anyWorkflowInputs),
)
testProperty('targets files', anyTargetsSource, ([source, text]) =>
  isValidReading(source === 'file' ? readTargets(text) : readWorkflowTarget(text)),
)

const anyResult = fc.record(
  {
    name: anyText,
    host: anyText,
    outcome: fc.constantFrom('success', 'failure', 'cancelled', 'missing'),
    outputs: fc.dictionary(
      fc.constantFrom(
        'drift',
        'changed',
        'failure-code',
        'failed-step',
        'certificate-expiry',
        'changes',
      ),
      fc.oneof(
        anyText,
        fc.constantFrom(
          'true',
          'false',
          '2026-12-01T00:00:00Z',
          '[null]',
          '[{}]',
          '[[]]',
          '{"object": 1}',
          '[{"object":"a","path":"b","why":"c"}]',
        ),
      ),
    ),
  },
  { noNullPrototype: true },
)
const anyArtifact = fc.oneof(
  fc.json(),
  anyText,
  fc.array(anyResult, { maxLength: 3 }).map((results) => JSON.stringify(results)),
  corruptText(fc.array(anyResult, { maxLength: 3 }).map((results) => JSON.stringify(results))),
)

/**
 * Whether an action for fleets rejects the text and names its source. Their errors have no codes.
 */
function isAcceptedByFleet(messagePattern: RegExp, parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch (thrown) {
    if (!(thrown instanceof Error) || !messagePattern.test(thrown.message)) throw thrown
    expectReadable(thrown.message)
    return false
  }
}

testProperty(
  'matrix and results of a fleet',
  fc.tuple(anyArtifact, fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), anyText)),
  ([text, outputs]) => {
    const outputFile = Object.entries(outputs)
      .map(
        ([name, value], index) =>
          `${name}<<ghadelimiter_${index}\n${value}\nghadelimiter_${index}\n`,
      )
      .join('')
    expect(parseOutputs(outputFile)).toEqual(outputs)
    isAcceptedByFleet(/Input targets /, () => readJobTargets(text))
    return isAcceptedByFleet(/Artifact 7 /, () => {
      const results: TargetResult[] = readResults(text, 7)
      const { body, title } = createFleetReport(
        addMissingResults(results, ['lost']),
        30,
        Date.now(),
      )
      expectReadable(title)
      // Each target is one row of four cells, whatever its values contain.
      expect(
        body
          .split('\n\n')[0]
          ?.split('\n')
          .map((line) => line.split('|').length),
      ).toEqual(Array(results.length + 3).fill(6))
      expect(body.replace(/`[^`]*`/g, '')).not.toMatch(/[<>@]|(?<!\n)###|\]\(/)
    })
  },
)

const revision = {
  name: 'milvus-demo',
  version: 4,
  info: { status: 'deployed', last_deployed: '2026-01-02T03:04:05Z' },
  chart: { metadata: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' } },
  config: { minio: { secretKey: canary } },
  manifest: '---\nkind: Service\nmetadata:\n  name: milvus-demo\n',
}
const anyMemberPath = fc.constantFrom<readonly string[]>(
  ['name'],
  ['version'],
  ['info'],
  ['info', 'status'],
  ['info', 'last_deployed'],
  ['chart'],
  ['chart', 'metadata'],
  ['chart', 'metadata', 'name'],
  ['chart', 'metadata', 'version'],
  ['chart', 'metadata', 'appVersion'],
  ['config'],
  ['manifest'],
)

function withMember(
  object: unknown,
  [name = '', ...remainingPath]: readonly string[],
  value: unknown,
): unknown {
  const own = object as Record<string, unknown>
  return {
    ...own,
    [name]: remainingPath.length === 0 ? value : withMember(own[name], remainingPath, value),
  }
}
const json = fc.oneof(
  { weight: 2, arbitrary: fc.constant(JSON.stringify(revision)) },
  { weight: 2, arbitrary: corruptText(fc.constant(JSON.stringify(revision))) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyMemberPath, fc.jsonValue())
      .map(([path, value]) => JSON.stringify(withMember(revision, path, value))),
  },
  { weight: 1, arbitrary: fc.json() },
)
const anyEncodedRelease = fc
  .oneof(
    corruptBytes(json.map((text) => gzipSync(text))),
    json.map((text) => gzipSync(text)),
    json.map((text) => Buffer.from(text)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  )
  .map((bytes) => bytes.toString('base64'))
const anyReleaseField = fc.oneof(
  { weight: 6, arbitrary: anyEncodedRelease },
  { weight: 2, arbitrary: corruptText(anyEncodedRelease) },
  { weight: 1, arbitrary: anyLengthText },
)

testProperty(
  'stored revisions of Helm',
  fc.tuple(
    anyReleaseField,
    fc.constantFrom('Secret', 'ConfigMap'),
    fc.dictionary(fc.constantFrom('name', 'version', 'status'), anyText),
  ),
  ([text, kind, labels]) => {
    const parsedLabels = parseRevisionLabels(labels)
    if (parsedLabels !== undefined)
      expect([typeof parsedLabels.name, Number.isSafeInteger(parsedLabels.revision)]).toEqual([
        'string',
        true,
      ])
    return isAccepted(
      () => {
        const {
          name,
          revision: revisionNumber,
          status,
          chart,
          values,
          manifest,
          deployedAt,
          serverSide,
        } = decodeRevision(
          kind === 'Secret' ? Buffer.from(text).toString('base64') : text,
          kind,
          'sh.helm.release.v1.milvus-demo.v4',
        )
        for (const each of [
          name,
          status,
          chart.name,
          chart.version,
          chart.appVersion,
          manifest,
          deployedAt,
        ])
          expect(typeof each).toBe('string')
        expect([
          Number.isSafeInteger(revisionNumber),
          typeof values,
          Array.isArray(values),
          typeof serverSide,
        ]).toEqual([true, 'object', false, 'boolean'])
        expect(findDifferingPaths({ a: 1 }, values)).toEqual(
          'a' in values && values['a'] === 1 ? [] : ['a'],
        )
        diffManifests(manifest, `${manifest}\n---\nkind: X`)
        findSecretValues(values)
      },
      /sh\.helm\.release\.v1\.milvus-demo\.v4/,
      [canary],
    )
  },
)

const directory = mkdtempSync(join(tmpdir(), 'milvus-alb-properties-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'c',
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'u', user: { token: canary, tokenFile: 'token' } }],
}
const anyKubeconfigPath = fc.constantFrom<readonly string[]>(
  ['current-context'],
  ['contexts'],
  ['clusters'],
  ['users'],
  ['contexts', '0'],
  ['clusters', '0'],
  ['users', '0'],
  ['clusters', '0', 'cluster'],
  ['clusters', '0', 'cluster', 'server'],
  ['users', '0', 'user'],
  ['users', '0', 'user', 'tokenFile'],
  ['users', '0', 'user', 'exec'],
  ['users', '0', 'name'],
)
const anyKubeconfig = fc.oneof(
  corruptText(fc.constant(JSON.stringify(kubeconfig, undefined, 1))),
  fc
    .tuple(anyKubeconfigPath, fc.jsonValue({ maxDepth: 2 }))
    .map(([path, value]) => JSON.stringify(withListMember(kubeconfig, path, value))),
  anyYaml,
  fc.constantFrom('', '# nothing', 'null', '[]'),
)

function withListMember(
  object: unknown,
  [name = '', ...remainingPath]: readonly string[],
  value: unknown,
): unknown {
  if (!Array.isArray(object))
    return {
      ...(object as object),
      [name]:
        remainingPath.length === 0
          ? value
          : withListMember((object as Record<string, unknown>)[name], remainingPath, value),
    }
  return (object as unknown[]).map((each, index) => {
    if (String(index) !== name) return each
    return remainingPath.length === 0 ? value : withListMember(each, remainingPath, value)
  })
}

testProperty('kubeconfigs', anyKubeconfig, (text) => {
  const path = join(directory, 'kubeconfig')
  writeFileSync(path, text)
  return isAccepted(
    () =>
      expect(new URL(createKubeconfigConnection([path], undefined, {}).server).protocol).toBe(
        'https:',
      ),
    /^Kubeconfig /,
    [canary],
  )
})
