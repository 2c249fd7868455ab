/** Helm values and kubeconfigs, damaged or built to break their parser. */
import { rmSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from '@jest/globals'
import fc from 'fast-check'
import { findDifferingPaths } from '../../src/clients/helm/release-storage.ts'
import { findSecretValues } from '../../src/clients/helm/values.ts'
import { connect } from '../clients/kubernetes/kubeconfig-fixture.ts'
import { anyLengthText, corruptText } from './arbitraries.ts'
import { minimalInputs, inputNamePattern, parseSettings } from './inputs.ts'
import { isAccepted, testProperty } from './property.ts'
import { billionLaughs, nestedArrays, chainedAliases } from './yaml-attacks.ts'

const canary = 'canary-of-values'

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
        // Helm receives JSON and must get the same values: a number that JSON cannot represent
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
    () => expect(new URL(connect([path]).server).protocol).toBe('https:'),
    /^Kubeconfig /,
    [canary],
  )
})
