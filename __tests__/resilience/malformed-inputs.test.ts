/**
 * Arbitrary text in every input is accepted, or rejected with the name of the input. Well-formed
 * text is parsed as its meaning.
 */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseCidrs } from '../../src/inputs/cidrs.ts'
import type { InvalidInputError } from '../../src/inputs/invalid-input.ts'
import { parseList } from '../../src/inputs/lists.ts'
import { parseHost } from '../../src/inputs/names.ts'
import { createDurationParser } from '../../src/inputs/parsers.ts'
import { parseTextMap } from '../../src/inputs/yaml.ts'
import {
  describeRejected,
  findRejectedAnnotations,
  findUnknownAnnotations,
  validateAnnotations,
} from '../../src/controller/annotations.ts'
import { validateTags } from '../../src/controller/tags.ts'
import { diffIngress, buildIngressManifest } from '../../src/steps/ingress/manifest.ts'
import type { InputName } from '../../src/inputs/inputs.ts'
import * as fixtures from '../steps/fixtures.ts'
import { anyLengthText, anyText, corruptText } from './arbitraries.ts'
import {
  anyValidText,
  inputNames,
  minimalInputs,
  inputNamePattern,
  parseEndpointSettings,
  parseSettings,
  type Inputs,
} from './inputs.ts'
import { expectReadable, isAccepted, testProperty, caseShares } from './property.ts'

test('the shares of the cases add up to 100 percent', () => {
  expect(Object.values(caseShares).reduce((sum, share) => sum + share, 0)).toBe(100)
})

/**
 * A private key, and a password of the length that machines generate. Set as another input, no
 * fragment of them may be shown.
 */
const key = `-----BEGIN PRIVATE KEY-----\n${'canarykeyline'.repeat(5)}\n-----END PRIVATE KEY-----`
const password = 'canary-password-'.repeat(8)
const canaries = ['canarykeyl', 'canary-pass']

const anyTextFor = (name: InputName): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: anyLengthText },
    { weight: 4, arbitrary: corruptText(anyValidText(name)) },
    { weight: 1, arbitrary: fc.constantFrom(key, password) },
  )

testProperty(
  'one input at a time',
  fc.constantFrom(...inputNames).chain((name) => fc.tuple(fc.constant(name), anyTextFor(name))),
  ([name, text]) =>
    isAccepted(() => parseSettings({ ...minimalInputs, [name]: text }), inputNamePattern, canaries),
  inputNames.flatMap((name) =>
    [
      key,
      password,
      ...['\n', '\r', '\u2028'].map((suffix) => `x${suffix.repeat(100_000)}x`),
      `a: x${' '.repeat(100_000)}y`,
    ].map((text): [InputName, string] => [name, text]),
  ),
)

testProperty(
  'all inputs at once',
  fc.tuple(
    ...inputNames.map((name) =>
      fc.oneof(
        { weight: 40, arbitrary: fc.constant(undefined) },
        { weight: 8, arbitrary: anyValidText(name) },
        { weight: 1, arbitrary: corruptText(anyValidText(name)) },
        { weight: 1, arbitrary: anyText },
      ),
    ),
  ),
  (texts) => {
    const inputs: Inputs = { ...minimalInputs }
    inputNames.forEach((name, index) => {
      const text = texts[index]
      if (text !== undefined) inputs[name] = text
    })
    return isAccepted(() => parseSettings(inputs), inputNamePattern)
  },
)

/** Whether a parser accepts the text and returns this value. */
function expectParsed(parse: (raw: string) => unknown, raw: string, value: unknown): boolean {
  expect(parse(raw)).toEqual(value)
  return true
}

testProperty(
  'durations',
  fc.tuple(fc.nat(20), fc.nat(59), fc.nat(59)).filter((parts) => parts.some((part) => part > 0)),
  ([hours, minutes, seconds]) =>
    expectParsed(
      createDurationParser(1, 100_000),
      [
        [hours, 'h'],
        [minutes, 'm'],
        [seconds, 's'],
      ]
        .filter(([amount]) => amount !== 0)
        .flat()
        .join(''),
      hours * 3600 + minutes * 60 + seconds,
    ),
)

const anyWord = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,20}$/)
const listFormats: readonly ((entries: readonly string[]) => string)[] = [
  (entries) => entries.join(','),
  (entries) => entries.join(', '),
  (entries) => entries.join('\n'),
  (entries) => entries.join('\r\n'),
  (entries) => entries.join(' ; '),
  (entries) => `${entries.join(',\n')},\n`,
  (entries) => JSON.stringify(entries),
  (entries) => entries.map((entry) => `- ${entry}`).join('\n'),
  (entries) => `[${entries.map((entry) => `'${entry}'`).join(', ')}]`,
  (entries) => entries.map((entry) => `"${entry}"`).join(' '),
]
testProperty(
  'lists',
  fc.tuple(fc.array(anyWord, { minLength: 1, maxLength: 20 }), fc.constantFrom(...listFormats)),
  ([entries, format]) => expectParsed(parseList, format(entries), entries),
)

/** The block as EC2 stores it, which the remedy for every other form contains. */
function toStoredForm(block: string): string {
  try {
    return parseCidrs(block)[0] ?? ''
  } catch (thrown) {
    return (thrown as InvalidInputError).remedy.replace(/^Use (.+)\.$/, '$1')
  }
}

const anyCidrBlock = fc
  .oneof(fc.tuple(fc.ipV4(), fc.nat(32)), fc.tuple(fc.ipV6(), fc.nat(128)))
  .map(([address, prefix]) => toStoredForm(`${address}/${prefix}`))
testProperty(
  'CIDR blocks',
  fc.tuple(
    fc.array(anyCidrBlock, { minLength: 1, maxLength: 20 }),
    fc.constantFrom(...listFormats),
  ),
  ([cidrBlocks, format]) => expectParsed(parseCidrs, format(cidrBlocks), cidrBlocks),
)

testProperty(
  'hosts',
  fc.tuple(fc.domain(), fc.constantFrom('', '.'), fc.boolean()),
  ([name, suffix, isUpperCase]) =>
    expectParsed(parseHost, (isUpperCase ? name.toUpperCase() : name) + suffix, name.toLowerCase()),
)

const mapFormats: readonly ((map: Readonly<Record<string, string>>) => string)[] = [
  (map) => JSON.stringify(map),
  (map) =>
    Object.entries(map)
      .map(([key, value]) => `${key}: '${value}'`)
      .join('\n'),
  (map) =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  (map) =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n'),
]
testProperty(
  'maps',
  fc.tuple(
    fc.dictionary(anyWord, anyWord, { minKeys: 1, maxKeys: 10 }),
    fc.constantFrom(...mapFormats),
  ),
  ([map, format]) => expectParsed(parseTextMap, format(map), map),
)

const anyAnnotationKey = fc.oneof(
  fc
    .constantFrom(
      'load-balancer-attributes',
      'target-group-attributes',
      'listener-attributes.HTTPS-443',
      'mutual-authentication',
      'success-codes',
      'group.order',
      'constructor',
      '__proto__',
      'actions.x',
      'conditions.milvus',
      'tags',
      'wafv2-acl-arn',
    )
    .map((name) => `alb.ingress.kubernetes.io/${name}`),
  fc.constantFrom('constructor', 'toString', '__proto__', 'own'),
  anyText,
)
const anyAnnotationValue = fc.oneof(
  anyText,
  corruptText(
    fc.constantFrom(
      'deletion_protection.enabled=true,constructor=x,__proto__=y',
      '[{"port": 443, "mode": "verify"}]',
      '0,12-99',
      'a=b\\,c=d',
      'toString=1',
    ),
  ),
)

testProperty(
  'annotations',
  fc.dictionary(anyAnnotationKey, anyAnnotationValue, { maxKeys: 4 }),
  (annotations) => {
    for (const text of [
      ...validateAnnotations(annotations),
      ...findRejectedAnnotations(
        { annotations, listenPort: 443, service: 'milvus', servicePort: 19530 },
        {},
      ).map(describeRejected),
      ...validateTags(annotations),
      ...findUnknownAnnotations(annotations).map(({ suggestion: meant }) => meant ?? ''),
    ])
      expectReadable(text)
    return isAccepted(() => {
      const settings = parseEndpointSettings({
        ...minimalInputs,
        annotations: JSON.stringify(annotations),
      })
      // The applied values equal the live ones: no property name of JavaScript's objects causes a
      // difference.
      const desired = buildIngressManifest(
        settings,
        { name: 'milvus', service: 'milvus', port: 19530, restService: undefined },
        undefined,
      )
      const live = {
        ...fixtures.ingress(
          { ...desired.metadata.annotations },
          { ownedAnnotations: Object.keys(desired.metadata.annotations) },
        ),
        spec: desired.spec,
      }
      expect(diffIngress(desired, live)).toEqual([])
      for (const { before, after } of diffIngress(desired, undefined))
        expect([before, typeof after]).toEqual([undefined, 'string'])
    }, inputNamePattern)
  },
)
