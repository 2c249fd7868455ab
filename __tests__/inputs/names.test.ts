import { describe, expect, test } from '@jest/globals'
import * as names from '../../src/inputs/names.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'
const label63 = 'a'.repeat(63)

describe('valid values that remain unchanged', () => {
  test.each<{ name: string; parse: (raw: string) => string; raw: string }>([
    { name: 'kubernetesName', parse: names.parseKubernetesName, raw: 'milvus-demo' },
    { name: 'kubernetesName of one digit', parse: names.parseKubernetesName, raw: '7' },
    { name: 'kubernetesName of 63 characters', parse: names.parseKubernetesName, raw: label63 },
    {
      name: 'kubernetesSubdomain with dots',
      parse: names.parseKubernetesSubdomain,
      raw: 'alb.internal-1.x',
    },
    {
      name: 'kubernetesSubdomain of 253 characters',
      parse: names.parseKubernetesSubdomain,
      raw: `${`${label63}.`.repeat(3)}${'b'.repeat(61)}`,
    },
    {
      name: 'ingressName of 63 characters, with dots',
      parse: names.parseIngressName,
      raw: `a.${'b'.repeat(61)}`,
    },
    { name: 'clusterName', parse: names.parseClusterName, raw: 'Production_1-a' },
    { name: 'region', parse: names.parseRegion, raw: 'us-east-2' },
    { name: 'region of GovCloud', parse: names.parseRegion, raw: 'us-gov-west-1' },
    { name: 'region of China', parse: names.parseRegion, raw: 'cn-northwest-1' },
    { name: 'region of an isolated partition', parse: names.parseRegion, raw: 'us-isob-east-1' },
    {
      name: 'region of the European Sovereign Cloud',
      parse: names.parseRegion,
      raw: 'eusc-de-east-1',
    },
    { name: 'certificateArn', parse: names.parseCertificateArn, raw: arn },
    {
      name: 'certificateArn of China',
      parse: names.parseCertificateArn,
      raw: arn.replace('arn:aws:', 'arn:aws-cn:').replace('us-east-2', 'cn-north-1'),
    },
    {
      name: 'loadBalancerName of 32 characters',
      parse: names.parseLoadBalancerName,
      raw: `M${'-'.repeat(30)}9`,
    },
    {
      name: 'loadBalancerName that only contains internal-',
      parse: names.parseLoadBalancerName,
      raw: 'my-internal-alb',
    },
    { name: 'groupName', parse: names.parseGroupName, raw: 'shared.alb-1' },
    { name: 'groupName of 63 characters', parse: names.parseGroupName, raw: label63 },
    {
      name: 'sslPolicy',
      parse: names.parseSslPolicy,
      raw: 'ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04',
    },
  ])('$name', ({ parse, raw }) => {
    expect(parse(raw)).toBe(raw)
  })
})

describe('invalid values', () => {
  test.each<{ name: string; parse: (raw: string) => unknown; raw: string; expected: RegExp }>([
    {
      name: 'kubernetesName in uppercase',
      parse: names.parseKubernetesName,
      raw: 'Milvus',
      expected: /is "Milvus", which is not a Kubernetes name/,
    },
    {
      name: 'kubernetesName of 64 characters',
      parse: names.parseKubernetesName,
      raw: `${label63}a`,
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName with a dot',
      parse: names.parseKubernetesName,
      raw: 'a.b',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName with a path traversal',
      parse: names.parseKubernetesName,
      raw: '../secrets',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName that is an option of Helm',
      parse: names.parseKubernetesName,
      raw: '-n',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesName with a line break',
      parse: names.parseKubernetesName,
      raw: 'milvus\nx',
      expected: /is "milvus\\nx"/,
    },
    {
      name: 'kubernetesSubdomain with an empty label',
      parse: names.parseKubernetesSubdomain,
      raw: 'a..b',
      expected: /not a Kubernetes name/,
    },
    {
      name: 'kubernetesSubdomain of 254 characters',
      parse: names.parseKubernetesSubdomain,
      raw: 'a'.repeat(254),
      expected: /not a Kubernetes name/,
    },
    {
      name: 'ingressName of 64 characters',
      parse: names.parseIngressName,
      raw: 'a'.repeat(64),
      expected: /not an Ingress name that the controller accepts/,
    },
    {
      name: 'region that is an Availability Zone',
      parse: names.parseRegion,
      raw: 'us-east-2a',
      expected: /is "us-east-2a", which is an Availability Zone\.$/,
    },
    {
      name: 'region that is a Local Zone',
      parse: names.parseRegion,
      raw: 'us-west-2-lax-1a',
      expected: /which is an Availability Zone/,
    },
    {
      name: 'region with a space',
      parse: names.parseRegion,
      raw: 'US East',
      expected: /is "US East", which is not an AWS region/,
    },
    {
      name: 'clusterName that is an eksctl context',
      parse: names.parseClusterName,
      raw: 'me@production.us-east-2.eksctl.io',
      expected: /not the name of an EKS cluster/,
    },
    {
      name: 'clusterName that is its ARN',
      parse: names.parseClusterName,
      raw: 'arn:aws:eks:us-east-2:111122223333:cluster/production',
      expected: /which is the ARN of a cluster\.$/,
    },
    {
      name: 'region that is a display name',
      parse: names.parseRegion,
      raw: 'Ohio',
      expected: /not an AWS region/,
    },
    {
      name: 'certificateArn of IAM',
      parse: names.parseCertificateArn,
      raw: 'arn:aws:iam::111122223333:server-certificate/x',
      expected: /not the ARN of an ACM certificate/,
    },
    {
      name: 'certificateArn that is only the ID',
      parse: names.parseCertificateArn,
      raw: '0a1b2c3d',
      expected: /is "0a1b2c3d", which is not the ARN/,
    },
    {
      name: 'two certificate ARNs',
      parse: names.parseCertificateArn,
      raw: `${arn},${arn}`,
      expected: /not the ARN of an ACM certificate/,
    },
    {
      name: 'loadBalancerName of 33 characters',
      parse: names.parseLoadBalancerName,
      raw: 'a'.repeat(33),
      expected: /not a load balancer name/,
    },
    {
      name: 'loadBalancerName with a trailing hyphen',
      parse: names.parseLoadBalancerName,
      raw: 'milvus-',
      expected: /not a load balancer name/,
    },
    {
      name: 'loadBalancerName that begins with internal-',
      parse: names.parseLoadBalancerName,
      raw: 'internal-milvus',
      expected: /not a load balancer name/,
    },
    {
      name: 'groupName with a trailing hyphen',
      parse: names.parseGroupName,
      raw: 'shared-',
      expected: /not an IngressGroup name/,
    },
    {
      name: 'groupName of 64 characters',
      parse: names.parseGroupName,
      raw: `${label63}a`,
      expected: /not an IngressGroup name/,
    },
    {
      name: 'sslPolicy of another service',
      parse: names.parseSslPolicy,
      raw: 'TLSv1.2_2021',
      expected: /not the name of an ELB security policy/,
    },
    {
      name: 'a clusterName that is a very long ARN',
      parse: names.parseClusterName,
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
    expect(names.parseHost(raw)).toBe(name)
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
    const { message } = captureInvalidInput(names.parseHost, raw)
    expect(message).toMatch(expected)
    expect(message).toContain(
      raw.length > 80 ? `a text of ${raw.length} characters` : JSON.stringify(raw),
    )
  })
})

test.each<{ parse: (raw: string) => unknown; raw: string; remedy: string }>([
  { parse: names.parseRegion, raw: 'us-east-2a', remedy: 'Use its region: us-east-2.' },
  { parse: names.parseRegion, raw: 'us-west-2-lax-1a', remedy: 'Use its region: us-west-2.' },
  {
    parse: names.parseClusterName,
    raw: 'arn:aws:eks:us-east-2:111122223333:cluster/production',
    remedy: 'Use the name of the cluster: production.',
  },
  {
    parse: names.parseHost,
    raw: 'münchen.example',
    remedy: 'Use the name as DNS and certificates contain it: xn--mnchen-3ya.example.',
  },
])('the remedy contains the corrected value: %#', ({ parse, raw, remedy }) => {
  expect(captureInvalidInput(parse, raw).remedy).toBe(remedy)
})
