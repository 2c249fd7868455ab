import { expect, test } from '@jest/globals'
import { readTargets, readWorkflowTarget } from '../../src/fleet/plan/targets.ts'

const parseTargets = (text: string) => readTargets(text)
const listProblems = (text: string): readonly string[] => {
  const parsed = parseTargets(text)
  return 'problems' in parsed ? parsed.problems : []
}

test('scalars are kept as they were written', () => {
  const result = parseTargets(`
targets:
  - name: one
    environment: shared
    cluster: a
    host: one.example.com
    region: us-east-2
    tags: {cost-center: 0042, version: 1.10, commit: 1234e56, backup: True}
    allowed-account-ids: [011122223333, 111122223333]
`)
  expect('targets' in result && result.targets[0]?.inputs).toMatchObject({
    tags: '{"cost-center":"0042","version":"1.10","commit":"1234e56","backup":"True"}',
    'allowed-account-ids': '["011122223333","111122223333"]',
  })
})

test('targets inherit the defaults, and lists and maps become strings', () => {
  expect(
    parseTargets(`
defaults: {region: us-east-2, namespace: milvus, environment: shared, tags: {team: search}}
targets:
  - {name: one, cluster: a, host: one.example.com, inbound-cidrs: [10.0.0.0/8, 192.0.2.0/24], listen-port: 8443, force-conflicts: true}
  - {name: two, cluster: b, host: two.example.com, region: eu-west-1, environment: two, check-environment: two-check, role-to-assume: 'arn:aws:iam::111122223333:role/milvus', runs-on: [self-hosted, vpc]}
`),
  ).toEqual({
    targets: [
      {
        name: 'one',
        environment: 'shared',
        checkEnvironment: 'shared',
        roleToAssume: '',
        checkRoleToAssume: '',
        runsOn: [],
        inputs: {
          region: 'us-east-2',
          namespace: 'milvus',
          tags: '{"team":"search"}',
          cluster: 'a',
          host: 'one.example.com',
          'inbound-cidrs': '["10.0.0.0/8","192.0.2.0/24"]',
          'listen-port': '8443',
          'force-conflicts': 'true',
        },
      },
      {
        name: 'two',
        environment: 'two',
        checkEnvironment: 'two-check',
        roleToAssume: 'arn:aws:iam::111122223333:role/milvus',
        checkRoleToAssume: 'arn:aws:iam::111122223333:role/milvus',
        runsOn: ['self-hosted', 'vpc'],
        inputs: {
          region: 'eu-west-1',
          namespace: 'milvus',
          tags: '{"team":"search"}',
          cluster: 'b',
          host: 'two.example.com',
        },
      },
    ],
  })
})

const validTarget =
  '{name: a, environment: e, region: us-east-2, cluster: c, host: milvus.example.com}'

test('the error for an invalid key truncates a very long one', () => {
  expect(
    listProblems(`targets: [${validTarget.replace('}', ', ' + 'x'.repeat(5_000) + ': y}')}]`),
  ).toEqual([expect.stringMatching(/^targets\[0\] \(a\) contains x{900,1000}\.\.\.$/)])
})

test('inputs that come from secrets are not required', () => {
  expect(
    parseTargets(`targets: [${validTarget.replace('name: a', 'name: a, chart-username: robot')}]`),
  ).toMatchObject({ targets: [{ inputs: { 'chart-username': 'robot' } }] })
})

test.each<{ name: string; text: string; expected: string[] }>([
  {
    name: 'invalid YAML',
    text: 'targets: [',
    expected: [
      'The file is not valid YAML (line 1, column 11): unexpected end of the stream within a flow collection.',
    ],
  },
  {
    name: 'an empty file',
    text: '# nothing\n',
    expected: ['The file is not valid YAML: expected a document, but the input is empty.'],
  },
  { name: 'an empty list', text: 'targets: []', expected: ['targets is empty.'] },
  {
    name: 'an unknown key',
    text: 'clusters: [a]',
    expected: ['The file has no targets.', 'The file contains clusters, which is not a valid key.'],
  },
  { name: 'no name', text: 'targets: [{cluster: c}]', expected: ['targets[0] has no name.'] },
  {
    name: 'an invalid name',
    text: 'targets: [{name: "a b"}]',
    expected: [
      'targets[0] (a b): name is not valid. Use at most 100 letters, digits, dots, dashes and underscores, starting with a letter or digit, and not the word failed, which input only uses.',
    ],
  },
  {
    name: 'an unknown input',
    text: `targets: [{name: a, hosts: x}]`,
    expected: ['targets[0] (a) contains hosts, which is not a valid key.'],
  },
  {
    name: 'a secret',
    text: `targets: [{name: a, private-key: x}]`,
    expected: ['targets[0] (a) contains private-key, which is not a valid key.'],
  },
  {
    name: 'a map instead of a list',
    text: `targets: [{name: a, subnets: {a: b}}]`,
    expected: [
      'targets[0] (a): subnets has the wrong type. Use a text, or a list or map if the input is one.',
    ],
  },
  {
    name: 'an invalid role',
    text: 'defaults: {role-to-assume: milvus}\ntargets: [{name: a}]',
    expected: [
      'defaults.role-to-assume is not the ARN of an IAM role. Example: arn:aws:iam::111122223333:role/milvus-alb.',
    ],
  },
  {
    name: 'a duplicate name',
    text: `targets: [${validTarget}, ${validTarget}]`,
    expected: ['2 targets have the name a. Names must be unique.'],
  },
  {
    name: 'no environment',
    text: `targets: [${validTarget.replace('environment: e, ', '')}]`,
    expected: [
      'a: environment is missing. Set it to the GitHub environment whose secrets contain the certificate and the key, here or in defaults.',
    ],
  },
  {
    name: 'targets with the same Ingress',
    text: `defaults: {release: r}\ntargets: [${validTarget}, ${validTarget.replace('a,', 'b,')}, ${validTarget.replace('a,', 'c, ingress-name: x,')}, ${validTarget.replace('a,', 'd, runs-on: vpc,')}]`,
    expected: [
      'Targets a, b use the same Ingress of the same cluster. Set a different ingress-name for each, or keep only one of them.',
    ],
  },
  {
    name: 'a target that violates the schema, and one with an invalid input',
    text: `targets: [{name: x, hosts: y}, ${validTarget.replace('us-east-2', 'nowhere')}]`,
    expected: [
      'targets[0] (x) contains hosts, which is not a valid key.',
      expect.stringMatching(/^a: Input region is "nowhere"/),
    ] as unknown as string[],
  },
  {
    name: 'every problem that the action would report',
    text: 'defaults: {environment: e}\ntargets: [{name: a, host: x, listen-port: 0}, {name: b, region: nowhere, cluster: c, host: b.example.com, release: r, service: s}]',
    expected: [
      expect.stringMatching(/^a: Input cluster is empty\./),
      expect.stringMatching(/^a: Input region is empty\./),
      expect.stringMatching(/^a: Input host is "x", which contains no dot/),
      expect.stringMatching(/^a: Input listen-port is "0"/),
      expect.stringMatching(/^b: Input region is "nowhere"/),
      expect.stringMatching(/^b: Inputs release and service are both set/),
    ] as unknown as string[],
  },
])('$name', ({ text, expected }) => {
  expect(listProblems(text)).toEqual(expected)
})

test('the inputs of a reusable workflow are one target', () => {
  const inputs = {
    'targets-file': '',
    'planning-runs-on': 'ubuntu-latest',
    issue: true,
    'fail-on-drift': true,
    environment: 'e',
    'runs-on': 'vpc',
    'role-to-assume': 'arn',
    region: 'us-east-2',
    cluster: 'c',
    host: 'milvus.example.com',
    release: null,
    'force-conflicts': false,
  }
  expect(readWorkflowTarget(JSON.stringify(inputs))).toEqual({
    targets: [
      {
        name: 'milvus.example.com',
        environment: 'e',
        checkEnvironment: 'e',
        roleToAssume: 'arn',
        checkRoleToAssume: 'arn',
        runsOn: [],
        inputs: {
          region: 'us-east-2',
          cluster: 'c',
          host: 'milvus.example.com',
          'force-conflicts': 'false',
        },
      },
    ],
  })
  expect(readWorkflowTarget('{"region": "us-east-2", "cluster": "c"}')).toEqual({
    problems: [expect.stringMatching(/^host: Input host is empty/)],
  })
})

test.each(['', '{', 'null', '[]', '7'])('rejects the workflow inputs %j', (text) => {
  expect(readWorkflowTarget(text)).toEqual({
    problems: ['Input target is not a JSON object. Pass toJSON(inputs).'],
  })
})

test('rejects a certificate-arn of another region and leaves the environment unchanged', () => {
  const envBefore = { ...process.env }
  expect(
    listProblems(
      'targets: [{name: a, environment: e, region: us-east-2, cluster: c, host: milvus.example.com, certificate-arn: "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b"}]',
    ),
  ).toEqual([expect.stringContaining('Input certificate-arn is in region eu-west-1')])
  expect(process.env).toEqual(envBefore)
})
