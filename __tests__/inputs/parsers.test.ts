import { describe, expect, test } from '@jest/globals'
import * as misplaced from '../../src/inputs/misplaced-values.ts'
import * as names from '../../src/inputs/names.ts'
import * as parsers from '../../src/inputs/parsers.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'
const label63 = 'a'.repeat(63)

describe('texts that stay as they are', () => {
  test.each<[string, (raw: string) => string, string]>([
    ['kubernetesName', names.kubernetesName, 'milvus-demo'],
    ['kubernetesName of one digit', names.kubernetesName, '7'],
    ['kubernetesName of 63 characters', names.kubernetesName, label63],
    ['kubernetesSubdomain with dots', names.kubernetesSubdomain, 'alb.internal-1.x'],
    [
      'kubernetesSubdomain of 253 characters',
      names.kubernetesSubdomain,
      `${`${label63}.`.repeat(3)}${'b'.repeat(61)}`,
    ],
    ['clusterName', names.clusterName, 'Production_1-a'],
    ['region', names.region, 'us-east-2'],
    ['region of GovCloud', names.region, 'us-gov-west-1'],
    ['region of China', names.region, 'cn-northwest-1'],
    ['region of an isolated partition', names.region, 'us-isob-east-1'],
    ['region of the European Sovereign Cloud', names.region, 'eusc-de-east-1'],
    ['certificateArn', names.certificateArn, arn],
    [
      'certificateArn of China',
      names.certificateArn,
      arn.replace('arn:aws:', 'arn:aws-cn:').replace('us-east-2', 'cn-north-1'),
    ],
    ['loadBalancerName of 32 characters', names.loadBalancerName, `M${'-'.repeat(30)}9`],
    ['loadBalancerName that only contains internal-', names.loadBalancerName, 'my-internal-alb'],
    ['groupName', names.groupName, 'shared.alb-1'],
    ['groupName of 63 characters', names.groupName, label63],
    ['sslPolicy', names.sslPolicy, 'ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04'],
    ['text', parsers.text, ' as: it = is '],
    ['oneOf', parsers.oneOf('required', 'off'), 'off'],
  ])('%s', (_, parse, raw) => {
    expect(parse(raw)).toBe(raw)
  })
})

describe('invalid texts', () => {
  test.each<[string, (raw: string) => unknown, string, RegExp]>([
    [
      'kubernetesName in capitals',
      names.kubernetesName,
      'Milvus',
      /is "Milvus", which is not a Kubernetes name/,
    ],
    [
      'kubernetesName of 64 characters',
      names.kubernetesName,
      `${label63}a`,
      /not a Kubernetes name/,
    ],
    ['kubernetesName with a dot', names.kubernetesName, 'a.b', /not a Kubernetes name/],
    [
      'kubernetesName that could leave the path of a URL',
      names.kubernetesName,
      '../secrets',
      /not a Kubernetes name/,
    ],
    [
      'kubernetesName that helm could take for an option',
      names.kubernetesName,
      '-n',
      /not a Kubernetes name/,
    ],
    ['kubernetesName with a second line', names.kubernetesName, 'milvus\nx', /is "milvus\\nx"/],
    [
      'kubernetesSubdomain with an empty label',
      names.kubernetesSubdomain,
      'a..b',
      /not a Kubernetes name/,
    ],
    [
      'kubernetesSubdomain of 254 characters',
      names.kubernetesSubdomain,
      'a'.repeat(254),
      /not a Kubernetes name/,
    ],
    [
      'region that is a zone',
      names.region,
      'us-east-2a',
      /is "us-east-2a", which is an Availability Zone\.$/,
    ],
    [
      'region that is a local zone',
      names.region,
      'us-west-2-lax-1a',
      /which is an Availability Zone/,
    ],
    ['region with a space', names.region, 'US East', /is "US East", which is not an AWS region/],
    [
      'clusterName that is a context of eksctl',
      names.clusterName,
      'me@production.us-east-2.eksctl.io',
      /not the name of an EKS cluster/,
    ],
    [
      'clusterName that is its ARN',
      names.clusterName,
      'arn:aws:eks:us-east-2:111122223333:cluster/production',
      /which is the ARN of a cluster\.$/,
    ],
    ['region that is a name', names.region, 'Ohio', /not an AWS region/],
    [
      'certificateArn of IAM',
      names.certificateArn,
      'arn:aws:iam::111122223333:server-certificate/x',
      /not the ARN of an ACM certificate/,
    ],
    [
      'certificateArn that is the id alone',
      names.certificateArn,
      '0a1b2c3d',
      /is "0a1b2c3d", which is not the ARN/,
    ],
    [
      'two certificateArns',
      names.certificateArn,
      `${arn},${arn}`,
      /not the ARN of an ACM certificate/,
    ],
    [
      'loadBalancerName of 33 characters',
      names.loadBalancerName,
      'a'.repeat(33),
      /not a load balancer name/,
    ],
    [
      'loadBalancerName with a hyphen at its end',
      names.loadBalancerName,
      'milvus-',
      /not a load balancer name/,
    ],
    [
      'loadBalancerName that begins with internal-',
      names.loadBalancerName,
      'internal-milvus',
      /not a load balancer name/,
    ],
    ['groupName with a hyphen at its end', names.groupName, 'shared-', /not an IngressGroup name/],
    ['groupName of 64 characters', names.groupName, `${label63}a`, /not an IngressGroup name/],
    [
      'sslPolicy of another service',
      names.sslPolicy,
      'TLSv1.2_2021',
      /not the name of an ELB security policy/,
    ],
    [
      'oneOf in capitals',
      parsers.oneOf('required', 'off'),
      'Off',
      /is "Off", which is not a valid value\./,
    ],
    ['boolean yes', parsers.boolean, 'yes', /is "yes", which is neither true nor false/],
    ['boolean 1', parsers.boolean, '1', /neither true nor false/],
    ['boolean in mixed case', parsers.boolean, 'tRUE', /neither true nor false/],
    [
      'a long text, of which no piece is shown',
      parsers.port,
      'x'.repeat(200),
      /^is a text of 200 characters, which is not a port number\.$/,
    ],
    [
      'a hundred thousand digits',
      parsers.duration(1, 2),
      '0'.repeat(100_000),
      /^is a text of 100000 characters, which is not a duration\.$/,
    ],
    [
      'a clusterName that is the ARN of something long',
      names.clusterName,
      `arn:aws:eks:us-east-2:111122223333:cluster/${'x'.repeat(200)}`,
      /not the name of an EKS cluster/,
    ],
  ])('%s', (_, parse, raw, expected) => {
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
  ])('%s', (raw, name) => {
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
  ])('%s is refused', (raw, expected) => {
    const { message } = captureInvalidInput(names.host, raw)
    expect(message).toMatch(expected)
    expect(message).toContain(
      raw.length > 80 ? `a text of ${raw.length} characters` : JSON.stringify(raw),
    )
  })
})

test.each<[(raw: string) => unknown, string, string]>([
  [names.region, 'us-east-2a', 'Use its region: us-east-2.'],
  [names.region, 'us-west-2-lax-1a', 'Use its region: us-west-2.'],
  [
    names.clusterName,
    'arn:aws:eks:us-east-2:111122223333:cluster/production',
    'Use the name of the cluster: production.',
  ],
  [
    names.host,
    'münchen.example',
    'Use the name as DNS and certificates contain it: xn--mnchen-3ya.example.',
  ],
])('the remedy contains the corrected value: %#', (parse, raw, remedy) => {
  expect(captureInvalidInput(parse, raw).remedy).toBe(remedy)
})

describe('rejectPlaceholder', () => {
  test.each<[string, RegExp]>([
    ['***', /which GitHub shows in place of a secret/],
    ['${{ secrets.TLS_KEY }}', /an expression .* that was not evaluated/],
    ['$TLS_KEY', /a shell variable/],
    ['${TLS_KEY}', /a shell variable/],
    ['$env:TLS_KEY', /a shell variable/],
    ['%TLS_KEY%', /a shell variable/],
    ['~/.kube/config', /only a shell can expand/],
    ['$HOME/.kube/config', /only a shell can expand/],
  ])('%s', (raw, expected) => {
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
  ])('%s may be a value', (raw) => {
    expect(() => misplaced.rejectPlaceholder(raw)).not.toThrow()
  })
})

describe('numbers', () => {
  test.each([
    ['1', 1],
    ['443', 443],
    ['65535', 65535],
    ['00443', 443],
  ])('port %s', (raw, value) => {
    expect(parsers.port(raw)).toBe(value)
  })
  test.each(['0', '65536', '-1', '4.5', '443/tcp', '0x1bb', '1e3', ' 443', '999999'])(
    'port %s is refused',
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
  ])('duration %s', (raw, seconds) => {
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
  ])('duration %s is refused', (raw, expected) => {
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
  ])('boolean %s', (raw, value) => {
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
  ])('%s', (raw, value) => {
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
  ])('%s is refused', (raw, expected) => {
    expect(captureInvalidInput(parsers.hostPort, raw).message).toMatch(expected)
  })
})
