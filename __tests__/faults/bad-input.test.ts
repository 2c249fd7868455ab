/** Any text as any input: taken, or refused by the name of the input; and what is well-formed means what it says. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { cidrs, duration, host, list, stringMap } from '../../src/settings/parsers.ts'
import { refusedAnnotations, refusedTags, unknownAnnotations } from '../../src/settings/annotations.ts'
import { differences, desiredIngress } from '../../src/steps/ingress-object.ts'
import type { InputName } from '../../src/settings/inputs.ts'
import * as fixtures from '../steps/fixtures.ts'
import { anyLength, anyText, broken } from './bad-texts.ts'
import { goodText, inputNames, minimal, namesAnInput, settingsOf, type Inputs } from './inputs.ts'
import { expectReadable, isTaken, property, shares } from './property.ts'

test('the shares are all of the cases', () => {
  expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBe(100)
})

/** A private key, and a password as long as those of machines: given as another input, no piece of them may be shown. */
const key = `-----BEGIN PRIVATE KEY-----\n${'canarykeyline'.repeat(5)}\n-----END PRIVATE KEY-----`
const password = 'canary-password-'.repeat(8)
const canaries = ['canarykeyl', 'canary-pass']

const textOf = (name: InputName): fc.Arbitrary<string> => fc.oneof({ weight: 4, arbitrary: anyLength }, { weight: 4, arbitrary: broken(goodText(name)) }, { weight: 1, arbitrary: fc.constantFrom(key, password) })

property('one input at a time',
  fc.constantFrom(...inputNames).chain((name) => fc.tuple(fc.constant(name), textOf(name))),
  ([name, text]) => isTaken(() => settingsOf({ ...minimal, [name]: text }), namesAnInput, canaries),
  inputNames.flatMap((name) => [key, password, ...['\n', '\r', '\u2028'].map((end) => `x${end.repeat(100_000)}x`), `a: x${' '.repeat(100_000)}y`].map((text): [InputName, string] => [name, text])))

property('all inputs at once',
  fc.tuple(...inputNames.map((name) => fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, { weight: 8, arbitrary: goodText(name) }, { weight: 1, arbitrary: broken(goodText(name)) }, { weight: 1, arbitrary: anyText }))),
  (texts) => {
    const inputs: Inputs = { ...minimal }
    inputNames.forEach((name, index) => {
      const text = texts[index]
      if (text !== undefined) inputs[name] = text
    })
    return isTaken(() => settingsOf(inputs), namesAnInput)
  })

/** Whether a parser takes the text and reads this in it. */
function reads(parse: (raw: string) => unknown, raw: string, value: unknown): boolean {
  expect(parse(raw)).toEqual(value)
  return true
}

property('durations', fc.tuple(fc.nat(20), fc.nat(59), fc.nat(59)).filter((parts) => parts.some((part) => part > 0)),
  ([hours, minutes, seconds]) => reads(duration(1, 100_000), [[hours, 'h'], [minutes, 'm'], [seconds, 's']].filter(([amount]) => amount !== 0).flat().join(''), hours * 3600 + minutes * 60 + seconds))

const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,20}$/)
const listForms: readonly ((entries: readonly string[]) => string)[] = [
  (entries) => entries.join(','), (entries) => entries.join(', '), (entries) => entries.join('\n'), (entries) => entries.join('\r\n'), (entries) => entries.join(' ; '), (entries) => `${entries.join(',\n')},\n`,
  (entries) => JSON.stringify(entries), (entries) => entries.map((entry) => `- ${entry}`).join('\n'), (entries) => `[${entries.map((entry) => `'${entry}'`).join(', ')}]`, (entries) => entries.map((entry) => `"${entry}"`).join(' '),
]
property('lists', fc.tuple(fc.array(word, { minLength: 1, maxLength: 20 }), fc.constantFrom(...listForms)), ([entries, form]) => reads(list, form(entries), entries))

const block = fc.oneof(fc.tuple(fc.ipV4(), fc.nat(32)), fc.tuple(fc.ipV6(), fc.nat(128))).map(([address, prefix]) => `${address}/${prefix}`)
property('CIDR blocks', fc.tuple(fc.array(block, { minLength: 1, maxLength: 20 }), fc.constantFrom(...listForms)), ([blocks, form]) => reads(cidrs, form(blocks), blocks))

property('hosts', fc.tuple(fc.domain(), fc.constantFrom('', '.'), fc.boolean()), ([name, end, loud]) => reads(host, (loud ? name.toUpperCase() : name) + end, name.toLowerCase()))

const mapForms: readonly ((map: Readonly<Record<string, string>>) => string)[] = [
  (map) => JSON.stringify(map), (map) => Object.entries(map).map(([key, value]) => `${key}: '${value}'`).join('\n'), (map) => Object.entries(map).map(([key, value]) => `${key}=${value}`).join(','), (map) => Object.entries(map).map(([key, value]) => `${key}=${value}`).join('\n'),
]
property('maps', fc.tuple(fc.dictionary(word, word, { minKeys: 1, maxKeys: 10 }), fc.constantFrom(...mapForms)), ([map, form]) => reads(stringMap, form(map), map))

const annotationKey = fc.oneof(
  fc.constantFrom('load-balancer-attributes', 'target-group-attributes', 'listener-attributes.HTTPS-443', 'mutual-authentication', 'success-codes', 'group.order', 'constructor', '__proto__', 'actions.x', 'tags', 'wafv2-acl-arn').map((name) => `alb.ingress.kubernetes.io/${name}`),
  fc.constantFrom('constructor', 'toString', '__proto__', 'own'), anyText)
const annotationValue = fc.oneof(anyText, broken(fc.constantFrom('deletion_protection.enabled=true,constructor=x,__proto__=y', '[{"port": 443, "mode": "verify"}]', '0,12-99', 'a=b\\,c=d', 'toString=1')))

property('annotations', fc.dictionary(annotationKey, annotationValue, { maxKeys: 4 }), (annotations) => {
  for (const text of [...refusedAnnotations(annotations), ...refusedTags(annotations), ...unknownAnnotations(annotations).map(({ meant }) => meant ?? '')]) expectReadable(text)
  return isTaken(() => {
    const settings = settingsOf({ ...minimal, annotations: JSON.stringify(annotations) })
    // What was applied is what is there: no name of JavaScript's makes a difference of its own.
    const desired = desiredIngress(settings, { name: 'milvus', service: 'milvus', port: 19530, certificateArn: fixtures.arn }, undefined)
    const live = { ...fixtures.ingress({ ...desired.metadata.annotations }, { owned: Object.keys(desired.metadata.annotations) }), spec: desired.spec }
    expect(differences(desired, live)).toEqual([])
    for (const { before, after } of differences(desired, undefined)) expect([before, typeof after]).toEqual([undefined, 'string'])
  }, namesAnInput)
})
