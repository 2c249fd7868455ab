/** Helm values in a targets file. */
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { readTargets } from '../../src/fleet/plan/targets.ts'
import { billionLaughs } from '../resilience/yaml-attacks.ts'

const target =
  '{name: a, environment: e, region: us-east-2, cluster: c, host: milvus.example.com<values>}'
const readFile = (defaults: string, own: string): ReturnType<typeof readTargets> =>
  readTargets(
    `defaults: {${defaults && `values: ${defaults}`}}\ntargets: [${target.replace('<values>', own && `, values: ${own}`)}]`,
  )

test.each<{ name: string; defaults: string; own: string; merged: object | undefined }>([
  { name: 'none', defaults: '', own: '', merged: undefined },
  {
    name: 'only defaults',
    defaults: '{a: {b: [1, {c: 2}]}}',
    own: '',
    merged: { a: { b: [1, { c: 2 }] } },
  },
  { name: 'only its own', defaults: '', own: '{a: 1}', merged: { a: 1 } },
  {
    name: 'maps by key, lists as a whole, and null',
    defaults: '{a: {b: 1, c: [1, 2], d: 3}}',
    own: '{a: {c: [], d: null}}',
    merged: { a: { b: 1, c: [], d: null } },
  },
  {
    name: 'a text over a map',
    defaults: '{a: {b: 1}}',
    own: '"a: {c: 2}"',
    merged: { a: { b: 1, c: 2 } },
  },
  {
    name: 'a map over a text',
    defaults: '"a: {b: 1}"',
    own: '{a: {b: 2}}',
    merged: { a: { b: 2 } },
  },
  {
    name: 'values as Helm reads YAML',
    defaults: '{no: no, octal: 0644, text: "0644", date: 2026-01-01, time: 22:30}',
    own: '"on: off\\nlimit: 1e3"',
    merged: {
      false: false,
      octal: 420,
      text: '0644',
      date: '2026-01-01',
      time: '22:30',
      true: false,
      limit: 1000,
    },
  },
])('$name', ({ defaults, own, merged }) => {
  const result = readFile(defaults, own)
  if ('problems' in result) throw new Error(result.problems.join('\n'))
  const values = result.targets[0]?.inputs['values']
  expect(values === undefined ? undefined : load(values)).toEqual(merged)
})

test.each<{ name: string; defaults: string; own: string; problem: string }>([
  {
    name: 'a text that is not YAML',
    defaults: '{a: 1}',
    own: '"canary: ["',
    problem:
      'a: Input values is not valid YAML: syntax error in line 1, column 10. Write one "key: value" per line.',
  },
  {
    name: 'a list',
    defaults: '"- canary"',
    own: '',
    problem:
      'a: Input values is a YAML list. Write one "key: value" per line, without the leading "- ".',
  },
  {
    name: 'an expression',
    defaults: '',
    own: '"${{ secrets.HELM_VALUES }}"',
    problem:
      'a: Input values is an expression (${{ ... }}) that was not evaluated. Write the expression under "with:" in the workflow. GitHub does not evaluate it inside a secret, a variable or a file.',
  },
  {
    name: 'aliases that multiply',
    defaults: '',
    own: JSON.stringify(billionLaughs(9)),
    problem:
      'a: Input values is longer than a million characters with its aliases (*NAME) expanded, or contains aliases that refer to themselves. Replace the aliases with their values.',
  },
  {
    name: 'a map that contains itself',
    defaults: '&v {a: *v}',
    own: '',
    problem:
      'a: Input values is longer than a million characters with its aliases (*NAME) expanded, or contains aliases that refer to themselves. Replace the aliases with their values.',
  },
  {
    name: 'a number',
    defaults: '',
    own: '7',
    problem: 'a: Input values is not a YAML map. Write one "key: value" per line.',
  },
])('rejects $name', ({ defaults, own, problem }) => {
  expect(readFile(defaults, own)).toEqual({ problems: [problem] })
})
