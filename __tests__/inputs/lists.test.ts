/** Parsers of lists, maps and Helm values. */
import { describe, expect, test } from '@jest/globals'
import * as lists from '../../src/inputs/lists.ts'
import * as yaml from '../../src/inputs/yaml.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const canary = 'canary-Zm9vYmFy'

describe('list', () => {
  test.each([
    ['a comma-separated list', 'subnet-1,subnet-2'],
    ['commas and spaces', ' subnet-1 ,  subnet-2 '],
    ['one entry per line', 'subnet-1\nsubnet-2\n'],
    ['one entry per line with CRLF', 'subnet-1\r\nsubnet-2\r\n'],
    ['lines with trailing commas', 'subnet-1,\nsubnet-2,\n'],
    ['spaces', 'subnet-1 subnet-2'],
    ['semicolons', 'subnet-1;subnet-2'],
    ['entries in quotes', '"subnet-1", \'subnet-2\''],
    ['a YAML list', '- subnet-1\n- subnet-2\n'],
    ['an indented YAML list', '  - subnet-1\n  - subnet-2\n'],
    ['a JSON list', '["subnet-1", "subnet-2"]'],
    ['a flow list', '[subnet-1, subnet-2]'],
  ])('%s', (_, raw) => {
    expect(lists.parseList(raw)).toEqual(['subnet-1', 'subnet-2'])
  })

  test.each<{ name: string; raw: string; value: string[] }>([
    { name: 'an empty JSON list', raw: '[]', value: [] },
    { name: 'only commas', raw: ' , ,\n', value: [] },
    {
      name: 'names with spaces, in a YAML list',
      raw: '- subnet one\n- subnet two',
      value: ['subnet one', 'subnet two'],
    },
    { name: 'a numeric name with leading zeros', raw: '- "0012"\n- 0013', value: ['0012', '0013'] },
  ])('$name', ({ raw, value }) => {
    expect(lists.parseList(raw)).toEqual(value)
  })

  test.each([
    {
      name: 'an unclosed list',
      raw: '[subnet-1, subnet-2',
      expected: /is not valid YAML: syntax error in line 1, column \d+\./,
    },
    { name: 'maps in a list', raw: '- id: subnet-1\n- id: subnet-2', expected: /./ },
    { name: 'lists in a list', raw: '[[subnet-1], [subnet-2]]', expected: /./ },
    { name: 'an empty entry', raw: '- subnet-1\n-\n', expected: /./ },
  ])('rejects $name', ({ raw, expected }) => {
    expect(captureInvalidInput(lists.parseList, raw).message).toMatch(expected)
  })
})

describe('stringMap', () => {
  test.each<{ name: string; raw: string; value: Record<string, string> }>([
    {
      name: 'a YAML map',
      raw: 'team: search\nstage: prod',
      value: { team: 'search', stage: 'prod' },
    },
    {
      name: 'a flow map',
      raw: '{team: search, stage: prod}',
      value: { team: 'search', stage: 'prod' },
    },
    {
      name: 'JSON',
      raw: '{"team":"search","stage":"prod"}',
      value: { team: 'search', stage: 'prod' },
    },
    {
      name: 'pairs with commas',
      raw: 'team=search,stage=prod',
      value: { team: 'search', stage: 'prod' },
    },
    {
      name: 'pairs by line',
      raw: 'team=search\r\nstage=prod\n',
      value: { team: 'search', stage: 'prod' },
    },
    { name: 'a value with an equals sign', raw: 'query=a=b', value: { query: 'a=b' } },
    {
      name: 'a value that is a URL',
      raw: 'docs=https://example.com/x',
      value: { docs: 'https://example.com/x' },
    },
    {
      name: 'YAML whose values have equals signs',
      raw: 'alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=true,stickiness.type=lb_cookie',
      value: {
        'alb.ingress.kubernetes.io/target-group-attributes':
          'stickiness.enabled=true,stickiness.type=lb_cookie',
      },
    },
    {
      name: 'numbers and booleans',
      raw: 'order: 10\nmanaged: true',
      value: { order: '10', managed: 'true' },
    },
    {
      name: 'an empty value of a pair',
      raw: 'team=,stage=prod',
      value: { team: '', stage: 'prod' },
    },
    { name: 'an empty string in YAML', raw: "team: ''", value: { team: '' } },
    { name: 'only a comment', raw: '# nothing', value: {} },
    { name: 'a block scalar', raw: 'policy: |\n  one\n  two\n', value: { policy: 'one\ntwo\n' } },
    {
      name: 'an account ID with a leading zero',
      raw: 'account: 012345678901',
      value: { account: '012345678901' },
    },
    { name: 'a version with a trailing zero', raw: 'version: 1.10', value: { version: '1.10' } },
    { name: 'a commit that looks like a number', raw: 'commit: 12e4', value: { commit: '12e4' } },
    {
      name: 'pairs whose values have spaces',
      raw: 'Name=my alb,team=search',
      value: { Name: 'my alb', team: 'search' },
    },
  ])('$name', ({ raw, value }) => {
    expect(yaml.parseTextMap(raw)).toEqual(value)
  })

  test.each<{ name: string; raw: string; expected: RegExp }>([
    { name: 'a list', raw: '- team: search', expected: /^is a YAML list\.$/ },
    { name: 'a single string', raw: 'team', expected: /is not a YAML map/ },
    {
      name: 'a map in a map',
      raw: 'team: {name: search}',
      expected: /^contains a value of "team" that is not a string\.$/,
    },
    {
      name: 'a list in a map',
      raw: 'team: [a]',
      expected: /^contains a value of "team" that is not a string\.$/,
    },
    {
      name: 'a duplicate key',
      raw: 'team: a\nteam: b',
      expected: /^is not valid YAML: duplicate key in line 2\.$/,
    },
    { name: 'a pair without an equals sign', raw: 'team=search,stage', expected: /./ },
  ])('$name is invalid', ({ raw, expected }) => {
    expect(captureInvalidInput(yaml.parseTextMap, raw).message).toMatch(expected)
  })
})

describe('helmValues', () => {
  test.each<{ name: string; raw: string; value: Record<string, unknown> }>([
    {
      name: 'nested maps',
      raw: 'proxy: {replicas: 2}\nminio:\n  enabled: false',
      value: { proxy: { replicas: 2 }, minio: { enabled: false } },
    },
    {
      name: 'a null value',
      raw: 'service: {annotations: null}',
      value: { service: { annotations: null } },
    },
    { name: 'only a comment', raw: '# nothing here', value: {} },
    { name: 'null', raw: 'null', value: {} },
    {
      name: 'YAML 1.1 booleans and octal numbers',
      raw: 'a: no\nb: on\nc: 0644',
      value: { a: false, b: true, c: 420 },
    },
    {
      name: 'a time, which is a text, and an exponent',
      raw: 'window: 22:30\nlimit: 1e3',
      value: { window: '22:30', limit: 1000 },
    },
    {
      name: 'a date, which stays a string as in Helm',
      raw: 'until: 2027-01-01',
      value: { until: '2027-01-01' },
    },
    {
      name: 'a key with the name of a JavaScript property',
      raw: '__proto__: {polluted: true}',
      value: JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>,
    },
  ])('$name', ({ raw, value }) => {
    expect(yaml.parseHelmValues(raw)).toEqual(value)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test.each([
    { name: 'a list', raw: `- ${canary}`, expected: 'is a YAML list.' },
    { name: 'a plain string', raw: canary, expected: 'is not a YAML map.' },
    {
      name: 'a tab',
      raw: `password: ${canary}\n\tkey: x`,
      expected: /^is not valid YAML: tab in line 2\.$/,
    },
    {
      name: 'an unclosed quote',
      raw: `password: "${canary}`,
      expected: /^is not valid YAML: syntax error in line 1, column \d+\.$/,
    },
    {
      name: 'a recursive map',
      raw: `a: &a {password: ${canary}, b: *a}`,
      expected: /aliases that refer to themselves/,
    },
    {
      name: 'nested aliases (billion laughs)',
      raw: [
        `a0: &a0 [${canary}]`,
        ...Array.from(
          { length: 9 },
          (_, level) =>
            `a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`,
        ),
      ].join('\n'),
      expected: /^is longer than a million characters/,
    },
    {
      name: 'a hundred thousand empty lines',
      raw: `x: "${canary}${'\n'.repeat(100_000)}#`,
      expected: /^is not valid YAML/,
    },
    {
      name: 'an infinite number',
      raw: `password: ${canary}\na: [1, .inf]`,
      expected: /^contains a number that is not finite/,
    },
    {
      name: 'two documents',
      raw: `password: ${canary}\n---\na: b`,
      expected: /^is not valid YAML/,
    },
    {
      name: 'an alias without an anchor',
      raw: `password: *${canary}`,
      expected: /^is not valid YAML: syntax error in line 1, column \d+\.$/,
    },
  ])('rejects $name without quoting it', ({ raw, expected }) => {
    const { message, remedy, cause } = captureInvalidInput(yaml.parseHelmValues, raw)
    expect(message).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    )
    expect(`${message}${remedy}${String(cause)}`).not.toContain(canary)
  })
})
