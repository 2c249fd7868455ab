import { describe, expect, test } from '@jest/globals'
import * as misplaced from '../../src/inputs/misplaced-values.ts'
import * as names from '../../src/inputs/names.ts'
import * as parsers from '../../src/inputs/parsers.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'
const label63 = 'a'.repeat(63)

describe('valid values that remain unchanged', () => {
  test.each<{ name: string; parse: (raw: string) => string; raw: string }>([
    { name: 'kubernetesName', parse: names.kubernetesName, raw: 'milvus-demo' },
    { name: 'kubernetesName of one digit', parse: names.kubernetesName, raw: '7' },
    { name: 'kubernetesName of 63 characters', parse: names.kubernetesName, raw: label63 },
    {
      name: 'kubernetesSubdomain with dots',
      parse: names.kubernetesSubdomain,
      raw: 'alb.internal-1.x',
    },
    {
      name: 'kubernetesSubdomain of 253 characters',
      parse: names.kubernetesSubdomain,
      raw: `${`${label63}.`.repeat(3)}${'b'.repeat(61)}`,
    },
    { name: 'clusterName', parse: names.clusterName, raw: 'Production_1-a' },
    { name: 'region', parse: names.region, raw: 'us-east-2' },
    { name: 'region of GovCloud', parse: names.region, raw: 'us-gov-west-1' },
    { name: 'region of China', parse: names.region, raw: 'cn-northwest-1' },
    { name: 'region of an isolated partition', parse: names.region, raw: 'us-isob-east-1' },
    { name: 'region of the European Sovereign Cloud', parse: names.region, raw: 'eusc-de-east-1' },
    { name: 'certificateArn', parse: names.certificateArn, raw: arn },
    {
      name: 'certificateArn of China',
      parse: names.certificateArn,
      raw: arn.replace('arn:aws:', 'arn:aws-cn:').replace('us-east-2', 'cn-north-1'),
    },
    {
      name: 'loadBalancerName of 32 characters',
      parse: names.loadBalancerName,
      raw: `M${'-'.repeat(30)}9`,
    },
    {
      name: 'loadBalancerName that only contains internal-',
      parse: names.loadBalancerName,
      raw: 'my-internal-alb',
    },
    { name: 'groupName', parse: names.groupName, raw: 'shared.alb-1' },
    { name: 'groupName of 63 characters', parse: names.groupName, raw: label63 },
    {
      name: 'sslPolicy',
      parse: names.sslPolicy,
      raw: 'ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04',
    },
    { name: 'text', parse: parsers.text, raw: ' as: it = is ' },
    { name: 'oneOf', parse: parsers.oneOf('required', 'off'), raw: 'off' },
  ])('$name', ({ parse, raw }) => {
    expect(parse(raw)).toBe(raw)
  })
})

describe('invalid values', () => {
  test.each<{ name: string; parse: (raw: string) => unknown; raw: string; expected: RegExp }>([
    {
      name: 'kubernetesName in uppercase',
      parse: names.kubernetesName,
      raw: 'Milvus',
      expected: /is "Milvus", which is not a Kubernetes name/,
    },
    {
      name: 'kubernetesName of 64 characters',
      parse: names.kubernetesName,
      raw: `${label63}a`,
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName with a dot',
      parse: names.kubernetesName,
      raw: 'a.b',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName with a path traversal',
      parse: names.kubernetesName,
      raw: '../secrets',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName that is a helm option',
      parse: names.kubernetesName,
      raw: '-n',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName with a line break',
      parse: names.kubernetesName,
      raw: 'milvus\nx',
      expected: /is "milvus\\nx"/,
    },
    {
      name: 'kubernetesSubdomain with an empty label',
      parse: names.kubernetesSubdomain,
      raw: 'a..b',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesSubdomain of 254 characters',
      parse: names.kubernetesSubdomain,
      raw: 'a'.repeat(254),
      expected: /not a Kubernetes name/,
    },
    {
      name: 'region that is an Availability Zone',
      parse: names.region,
      raw: 'us-east-2a',
      expected: /is "us-east-2a", which is an Availability Zone\.$/,
    },
    {
      name: 'region that is a Local Zone',
      parse: names.region,
      raw: 'us-west-2-lax-1a',
      expected: /which is an Availability Zone/,
    },
    {
      name: 'region with a space',
      parse: names.region,
      raw: 'US East',
      expected: /is "US East", which is not an AWS region/,
    },
    {
      name: 'clusterName that is an eksctl context',
      parse: names.clusterName,
      raw: 'me@production.us-east-2.eksctl.io',
      expected: /not the name of an EKS cluster/,
    },
    {
      name: 'clusterName that is its ARN',
      parse: names.clusterName,
      raw: 'arn:aws:eks:us-east-2:111122223333:cluster/production',
      expected: /which is the ARN of a cluster\.$/,
    },
    {
      name: 'region that is a display name',
      parse: names.region,
      raw: 'Ohio',
      expected: /not an AWS region/,
    },
    {
      name: 'certificateArn of IAM',
      parse: names.certificateArn,
      raw: 'arn:aws:iam::111122223333:server-certificate/x',
      expected: /not the ARN of an ACM certificate/,
    },
    {
      name: 'certificateArn that is only the ID',
      parse: names.certificateArn,
      raw: '0a1b2c3d',
      expected: /is "0a1b2c3d", which is not the ARN/,
    },
    {
      name: 'two certificate ARNs',
      parse: names.certificateArn,
      raw: `${arn},${arn}`,
      expected: /not the ARN of an ACM certificate/,
    },
    {
      name: 'loadBalancerName of 33 characters',
      parse: names.loadBalancerName,
      raw: 'a'.repeat(33),
      expected: /not a load balancer name/,
    },
    {
      name: 'loadBalancerName with a trailing hyphen',
      parse: names.loadBalancerName,
      raw: 'milvus-',
      expected: /not a load balancer name/,
    },
    {
      name: 'loadBalancerName that begins with internal-',
      parse: names.loadBalancerName,
      raw: 'internal-milvus',
      expected: /not a load balancer name/,
    },
    {
      name: 'groupName with a trailing hyphen',
      parse: names.groupName,
      raw: 'shared-',
      expected: /not an IngressGroup name/,
    },
    {
      name: 'groupName of 64 characters',
      parse: names.groupName,
      raw: `${label63}a`,
      expected: /not an IngressGroup name/,
    },
    {
      name: 'sslPolicy of another service',
      parse: names.sslPolicy,
      raw: 'TLSv1.2_2021',
      expected: /not the name of an ELB security policy/,
    },
    {
      name: 'oneOf in uppercase',
      parse: parsers.oneOf('required', 'off'),
      raw: 'Off',
      expected: /is "Off", which is not a valid value\./,
    },
    {
      name: 'boolean yes',
      parse: parsers.boolean,
      raw: 'yes',
      expected: /is "yes", which is neither true nor false/,
    },
    { name: 'boolean 1', parse: parsers.boolean, raw: '1', expected: /neither true nor false/ },
    {
      name: 'boolean in mixed case',
      parse: parsers.boolean,
      raw: 'tRUE',
      expected: /neither true nor false/,
    },
    {
      name: 'a long value, which is not quoted',
      parse: parsers.port,
      raw: 'x'.repeat(200),
      expected: /^is a text of 200 characters, which is not a port number\.$/,
    },
    {
      name: 'a number of a hundred thousand digits',
      parse: parsers.duration(1, 2),
      raw: '0'.repeat(100_000),
      expected: /^is a text of 100000 characters, which is not a duration\.$/,
    },
    {
      name: 'a clusterName that is a very long ARN',
      parse: names.clusterName,
      raw: `arn:aws:eks:us-east-2:111122223333:cluster/${'x'.repeat(200)}`,
      expected: /not the name of an EKS cluster/,
    },
  ])('$name', ({ parse, raw, expected }) => {
    const { message, remedy } = captureInvalidInput(parse, raw)
    expect(message).toMatch(expected)
    expect(remedy).toMatch(/^Use .+\.$/)
  })
})

describe('host', () => {
  test.each([
    ['milvus.example.com', 'milvus.example.com'],
    ['Milvus.Example.COM', 'milvus.example.com'],
    ['milvus.example.com.', 'milvus.example.com'],
    ['1.milvus.example.com', '1.milvus.example.com'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    [`${label63}.example.com`, `${label63}.example.com`],
  ])('accepts %s', (raw, name) => {
    expect(names.host(raw)).toBe(name)
  })

  test.each([
    ['https://milvus.example.com', /contains a scheme/],
    ['grpc://milvus.example.com:443', /contains a scheme/],
    ['milvus.example.com:443', /contains a port/],
    ['milvus.example.com/v1', /contains a path/],
    ['milvus_demo.example.com', /contains an underscore/],
    ['*.example.com', /is a wildcard/],
    ['milvus', /contains no dot/],
    ['localhost:19530', /contains a port/],
    ['10.0.3.7', /not a DNS name/],
    ['::1', /not a DNS name|contains no dot/],
    ['milvus..example.com', /not a DNS name/],
    ['-milvus.example.com', /not a DNS name/],
    ['milvus.example.com, other.example.com', /contains more than one name/],
    ['milvus.example.com other.example.com', /contains more than one name/],
    ['bücher.example', /contains letters that are not ASCII/],
    [`${label63}a.example.com`, /not a DNS name/],
    [`${`${label63}.`.repeat(4)}com`, /not a DNS name/],
  ])('rejects %s', (raw, expected) => {
    const { message } = captureInvalidInput(names.host, raw)
    expect(message).toMatch(expected)
    expect(message).toContain(
      raw.length > 80 ? `a text of ${raw.length} characters` : JSON.stringify(raw),
    )
  })
})

test.each<{ parse: (raw: string) => unknown; raw: string; remedy: string }>([
  { parse: names.region, raw: 'us-east-2a', remedy: 'Use its region: us-east-2.' },
  { parse: names.region, raw: 'us-west-2-lax-1a', remedy: 'Use its region: us-west-2.' },
  {
    parse: names.clusterName,
    raw: 'arn:aws:eks:us-east-2:111122223333:cluster/production',
    remedy: 'Use the name of the cluster: production.',
  },
  {
    parse: names.host,
    raw: 'münchen.example',
    remedy: 'Use the name as DNS and certificates contain it: xn--mnchen-3ya.example.',
  },
])('the remedy contains the corrected value: %#', ({ parse, raw, remedy }) => {
  expect(captureInvalidInput(parse, raw).remedy).toBe(remedy)
})

describe('rejectPlaceholder', () => {
  test.each<{ raw: string; expected: RegExp }>([
    { raw: '***', expected: /which GitHub shows in place of a secret/ },
    { raw: '${{ secrets.TLS_KEY }}', expected: /an expression .* that was not evaluated/ },
    { raw: '$TLS_KEY', expected: /a shell variable/ },
    { raw: '${TLS_KEY}', expected: /a shell variable/ },
    { raw: '$env:TLS_KEY', expected: /a shell variable/ },
    { raw: '%TLS_KEY%', expected: /a shell variable/ },
    { raw: '~/.kube/config', expected: /only a shell can expand/ },
    { raw: '$HOME/.kube/config', expected: /only a shell can expand/ },
  ])('rejects $raw', ({ raw, expected }) => {
    const { message, remedy } = captureInvalidInput(misplaced.rejectPlaceholder, raw)
    expect([message, remedy]).toEqual([
      expect.stringMatching(expected),
      expect.stringMatching(/^(Use|Write) .+\.$/),
    ])
  })
  test.each([
    'milvus.example.com',
    'root:$ecret',
    'a$b',
    '/home/runner/.kube/config',
    'price: $5',
    '**',
    '${{ a }} and more',
  ])('accepts %s', (raw) => {
    expect(() => misplaced.rejectPlaceholder(raw)).not.toThrow()
  })
})

describe('numbers', () => {
  test.each([
    ['1', 1],
    ['443', 443],
    ['65535', 65535],
    ['00443', 443],
  ])('accepts port %s', (raw, value) => {
    expect(parsers.port(raw)).toBe(value)
  })
  test.each(['0', '65536', '-1', '4.5', '443/tcp', '0x1bb', '1e3', ' 443', '999999'])(
    'rejects port %s',
    (raw) => {
      expect(captureInvalidInput(parsers.port, raw).message).toMatch(/which is not a port/)
    },
  )

  const duration = parsers.duration(1, 4000)
  test.each([
    ['90s', 90],
    ['10m', 600],
    ['1h', 3600],
    ['1h6m40s', 4000],
    ['1s', 1],
    ['0m1s', 1],
  ])('accepts duration %s', (raw, seconds) => {
    expect(duration(raw)).toBe(seconds)
  })
  test.each([
    ['90', /not a duration/],
    ['10 m', /not a duration/],
    ['10min', /not a duration/],
    ['1.5h', /not a duration/],
    ['-5m', /not a duration/],
    ['m', /not a duration/],
    ['10m!', /not a duration/],
    ['500ms', /not a duration/],
    ['PT10M', /not a duration/],
    ['0s', /out of range/],
    ['4001s', /out of range/],
    ['99999999999999h', /out of range/],
  ])('rejects duration %s', (raw, expected) => {
    const { message, remedy } = captureInvalidInput(duration, raw)
    expect(message).toMatch(expected)
    expect(remedy).toMatch(/out of range/.test(message) ? /from 1s to 4000s/ : /90s, 10m or 1h30m/)
  })

  test.each([
    ['true', true],
    ['True', true],
    ['TRUE', true],
    ['false', false],
    ['False', false],
    ['FALSE', false],
  ])('accepts boolean %s', (raw, value) => {
    expect(parsers.boolean(raw)).toBe(value)
  })
})

describe('hostPort', () => {
  test.each([
    ['10.0.3.7:443', { host: '10.0.3.7', port: 443 }],
    ['alb.example.com:8443', { host: 'alb.example.com', port: 8443 }],
    ['localhost:19530', { host: 'localhost', port: 19530 }],
    ['[2001:db8::1]:443', { host: '2001:db8::1', port: 443 }],
    ['[::ffff:10.0.3.7]:443', { host: '::ffff:10.0.3.7', port: 443 }],
  ])('accepts %s', (raw, value) => {
    expect(parsers.hostPort(raw)).toEqual(value)
  })
  test.each([
    ['10.0.3.7', /not host:port/],
    ['2001:db8::1:443', /not host:port/],
    ['https://alb.example.com:443', /not host:port/],
    [':443', /not host:port/],
    ['alb.example.com:', /not host:port/],
    ['alb example:443', /not host:port/],
    ['alb.example.com:0', /not a port/],
    ['alb.example.com:70000', /not a port/],
  ])('rejects %s', (raw, expected) => {
    expect(captureInvalidInput(parsers.hostPort, raw).message).toMatch(expected)
  })
})
