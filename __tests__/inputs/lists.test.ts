/** The parsers of lists, maps and PEM. */
import { describe, expect, test } from '@jest/globals'
import * as lists from '../../src/inputs/lists.ts'
import * as yaml from '../../src/inputs/yaml.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const canary = 'canary-Zm9vYmFy'

describe('list', () => {
  test.each([
    ['commas', 'subnet-1,subnet-2'],
    ['commas and spaces', ' subnet-1 ,  subnet-2 '],
    ['lines', 'subnet-1\nsubnet-2\n'],
    ['lines with CRLF', 'subnet-1\r\nsubnet-2\r\n'],
    ['lines that end in commas', 'subnet-1,\nsubnet-2,\n'],
    ['spaces', 'subnet-1 subnet-2'],
    ['semicolons', 'subnet-1;subnet-2'],
    ['entries in quotes', '"subnet-1", \'subnet-2\''],
    ['a YAML list', '- subnet-1\n- subnet-2\n'],
    ['a YAML list that is indented', '  - subnet-1\n  - subnet-2\n'],
    ['a JSON list', '["subnet-1", "subnet-2"]'],
    ['a flow list', '[subnet-1, subnet-2]'],
  ])('%s', (_, raw) => {
    expect(lists.list(raw)).toEqual(['subnet-1', 'subnet-2'])
  })

  test.each<[string, string, string[]]>([
    ['an empty JSON list', '[]', []],
    ['only commas', ' , ,\n', []],
    [
      'names with spaces, in a YAML list',
      '- subnet one\n- subnet two',
      ['subnet one', 'subnet two'],
    ],
    ['a name of digits keeps its zeros', '- "0012"\n- 0013', ['0012', '0013']],
  ])('%s', (_, raw, value) => {
    expect(lists.list(raw)).toEqual(value)
  })

  test.each([
    [
      'a list that is not closed',
      '[subnet-1, subnet-2',
      /is not valid YAML: syntax error in line 1, column \d+\./,
    ],
    ['maps in a list', '- id: subnet-1\n- id: subnet-2', /./],
    ['lists in a list', '[[subnet-1], [subnet-2]]', /./],
    ['an entry that is empty', '- subnet-1\n-\n', /./],
  ])('%s is refused', (_, raw, expected) => {
    expect(captureInvalidInput(lists.list, raw).message).toMatch(expected)
  })
})

describe('cidrs', () => {
  test.each([
    ['203.0.113.0/24', ['203.0.113.0/24']],
    ['0.0.0.0/0, ::/0', ['0.0.0.0/0', '::/0']],
    ['- 10.0.0.0/8\n- 2001:db8::/32', ['10.0.0.0/8', '2001:db8::/32']],
    ['203.0.113.7/32\n2001:db8::1/128', ['203.0.113.7/32', '2001:db8::1/128']],
  ])('%s', (raw, blocks) => {
    expect(lists.cidrs(raw)).toEqual(blocks)
  })
  test.each([
    ['10.0.0.0/33', '10.0.0.0/33'],
    ['10.0.0.0/', '10.0.0.0/'],
    ['10.0.0.0/8/8', '10.0.0.0/8/8'],
    ['10.0.0/8', '10.0.0/8'],
    ['2001:db8::/129', '2001:db8::/129'],
    ['10.0.0.0/-1', '10.0.0.0/-1'],
    ['example.com/24', 'example.com/24'],
    ['10.0.0.0/8, 300.0.0.0/8', '300.0.0.0/8'],
  ])('%s is refused by the block that is wrong', (raw, block) => {
    expect(captureInvalidInput(lists.cidrs, raw).message).toBe(
      `contains ${JSON.stringify(block)}, which is not a CIDR block.`,
    )
  })
  test.each([
    ['203.0.113.7', 'For one address, use 203.0.113.7/32.'],
    ['10.0.0.0/8, 2001:db8::1', 'For one address, use 2001:db8::1/128.'],
  ])('%s has no prefix length', (raw, remedy) => {
    const error = captureInvalidInput(lists.cidrs, raw)
    expect(error.message).toMatch(/^contains "[^"]+", which has no prefix length\.$/)
    expect(error.remedy).toBe(remedy)
  })
})

describe('stringMap', () => {
  test.each<[string, string, Record<string, string>]>([
    ['a YAML map', 'team: search\nstage: prod', { team: 'search', stage: 'prod' }],
    ['a flow map', '{team: search, stage: prod}', { team: 'search', stage: 'prod' }],
    ['JSON', '{"team":"search","stage":"prod"}', { team: 'search', stage: 'prod' }],
    ['pairs with commas', 'team=search,stage=prod', { team: 'search', stage: 'prod' }],
    ['pairs by line', 'team=search\r\nstage=prod\n', { team: 'search', stage: 'prod' }],
    ['a value with an equals sign', 'query=a=b', { query: 'a=b' }],
    ['a value that is a URL', 'docs=https://example.com/x', { docs: 'https://example.com/x' }],
    [
      'YAML whose values have equals signs',
      'alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=true,stickiness.type=lb_cookie',
      {
        'alb.ingress.kubernetes.io/target-group-attributes':
          'stickiness.enabled=true,stickiness.type=lb_cookie',
      },
    ],
    ['numbers and booleans', 'order: 10\nmanaged: true', { order: '10', managed: 'true' }],
    ['an empty value of a pair', 'team=,stage=prod', { team: '', stage: 'prod' }],
    ['an empty text in YAML', "team: ''", { team: '' }],
    ['only a comment', '# nothing', {}],
    ['a block scalar', 'policy: |\n  one\n  two\n', { policy: 'one\ntwo\n' }],
    ['an account id with a zero first', 'account: 012345678901', { account: '012345678901' }],
    ['a version that ends in a zero', 'version: 1.10', { version: '1.10' }],
    ['a commit that looks like a number', 'commit: 12e4', { commit: '12e4' }],
    [
      'pairs whose values have spaces',
      'Name=my alb,team=search',
      { Name: 'my alb', team: 'search' },
    ],
  ])('%s', (_, raw, value) => {
    expect(yaml.stringMap(raw)).toEqual(value)
  })

  test.each<[string, string, RegExp]>([
    ['a list', '- team: search', /^is a YAML list\.$/],
    ['one word', 'team', /is not a YAML map/],
    [
      'a map in a map',
      'team: {name: search}',
      /^contains a value of "team" that is not a string\.$/,
    ],
    ['a list in a map', 'team: [a]', /^contains a value of "team" that is not a string\.$/],
    ['a key twice', 'team: a\nteam: b', /^is not valid YAML: duplicate key in line 2\.$/],
    ['a pair without its equals sign', 'team=search,stage', /./],
  ])('%s is refused', (_, raw, expected) => {
    expect(captureInvalidInput(yaml.stringMap, raw).message).toMatch(expected)
  })
})

describe('helmValues', () => {
  test.each<[string, string, Record<string, unknown>]>([
    [
      'nested',
      'proxy: {replicas: 2}\nminio:\n  enabled: false',
      { proxy: { replicas: 2 }, minio: { enabled: false } },
    ],
    [
      'a null takes a value away',
      'service: {annotations: null}',
      { service: { annotations: null } },
    ],
    ['only a comment', '# nothing here', {}],
    ['null', 'null', {}],
    ['words and modes as in YAML 1.1', 'a: no\nb: on\nc: 0644', { a: false, b: true, c: 420 }],
    ['a date stays a text, as helm keeps it', 'until: 2027-01-01', { until: '2027-01-01' }],
    [
      'a key that is a name of JavaScript',
      '__proto__: {polluted: true}',
      JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>,
    ],
  ])('%s', (_, raw, value) => {
    expect(yaml.helmValues(raw)).toEqual(value)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test.each([
    ['a list', `- ${canary}`, 'is a YAML list.'],
    ['a text', canary, 'is not a YAML map.'],
    ['a tab', `password: ${canary}\n\tkey: x`, /^is not valid YAML: tab in line 2\.$/],
    [
      'a quote that does not end',
      `password: "${canary}`,
      /^is not valid YAML: syntax error in line 1, column \d+\.$/,
    ],
    ['a map in itself', `a: &a {password: ${canary}, b: *a}`, /aliases that refer to themselves/],
    [
      'a billion laughs',
      [
        `a0: &a0 [${canary}]`,
        ...Array.from(
          { length: 9 },
          (_, level) =>
            `a${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`,
        ),
      ].join('\n'),
      /^is longer than a million characters/,
    ],
    [
      'a hundred thousand empty lines',
      `x: "${canary}${'\n'.repeat(100_000)}#`,
      /^is not valid YAML/,
    ],
    [
      'a number that JSON has not',
      `password: ${canary}\na: [1, .inf]`,
      /^contains a number that is not finite/,
    ],
    ['two documents', `password: ${canary}\n---\na: b`, /^is not valid YAML/],
    [
      'an alias to nothing',
      `password: *${canary}`,
      /^is not valid YAML: syntax error in line 1, column \d+\.$/,
    ],
  ])('%s is refused without its text', (_, raw, expected) => {
    const { message, remedy, cause } = captureInvalidInput(yaml.helmValues, raw)
    expect(message).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    )
    expect(`${message}${remedy}${String(cause)}`).not.toContain(canary)
  })
})
