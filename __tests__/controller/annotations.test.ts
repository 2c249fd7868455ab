import { describe, expect, test } from '@jest/globals'
import { parseAttributes } from '../../src/controller/annotation-validators.ts'
import { findUnknownAnnotations, validateAnnotations } from '../../src/controller/annotations.ts'
import { validateTags } from '../../src/controller/tags.ts'

const prefix = 'alb.ingress.kubernetes.io/'

describe('validateAnnotations', () => {
  test.each<[string, string]>([
    ['success-codes', '12'],
    ['success-codes', '0,12'],
    ['success-codes', '0-99'],
    ['group.order', '-1000'],
    ['group.order', '1000'],
    ['healthcheck-path', '/grpc.health.v1.Health/Check'],
    ['healthcheck-interval-seconds', '5'],
    ['unhealthy-threshold-count', '10'],
    ['ip-address-type', 'dualstack'],
    ['auth-type', 'none'],
    ['mutual-authentication', '[{"port":443,"mode":"off"}]'],
    [
      'target-group-attributes',
      'deregistration_delay.timeout_seconds=30,load_balancing.algorithm.type=least_outstanding_requests',
    ],
    ['target-group-attributes', 'slow_start.duration_seconds=0'],
    [
      'load-balancer-attributes',
      'access_logs.s3.enabled=true,access_logs.s3.bucket=logs,access_logs.s3.prefix=a\\,b',
    ],
    ['load-balancer-attributes', 'an.attribute.of.tomorrow=1'],
    ['wafv2-acl-arn', 'arn:aws:wafv2:us-east-2:111122223333:regional/webacl/x/y'],
    ['wafv2-acl-arn', 'none'],
    ['minimum-load-balancer-capacity', 'CapacityUnits=100'],
    ['listener-attributes.HTTPS-443', 'routing.http.response.server.enabled=false'],
    ['actions.blue', '{"type":"forward"}'],
    ['backend-protocol', 'HTTPS'],
    ['something-of-tomorrow', 'x'],
  ])('%s: %s is valid', (name, value) => {
    expect(validateAnnotations({ [prefix + name]: value })).toEqual([])
  })

  test.each<{ name: string; value: string; expected: string }>([
    { name: 'success-codes', value: '200', expected: 'contains 200' },
    { name: 'success-codes', value: '0-200', expected: 'contains 200' },
    { name: 'success-codes', value: 'ok', expected: 'is not a list of codes' },
    { name: 'group.order', value: '2000', expected: '-1000 to 1000' },
    { name: 'group.order', value: '1.5', expected: 'is not an integer' },
    { name: 'healthcheck-path', value: 'healthz', expected: 'does not begin with a slash' },
    { name: 'healthcheck-interval-seconds', value: '15s', expected: '5 to 300' },
    { name: 'healthcheck-timeout-seconds', value: '1', expected: '2 to 120' },
    { name: 'healthy-threshold-count', value: '1', expected: '2 to 10' },
    { name: 'healthcheck-protocol', value: 'GRPC', expected: 'HTTP, HTTPS' },
    { name: 'backend-protocol', value: 'GRPC', expected: 'HTTP, HTTPS' },
    { name: 'ip-address-type', value: 'ipv6', expected: 'ipv4, dualstack' },
    { name: 'auth-type', value: 'oidc', expected: 'does not work with gRPC' },
    { name: 'mutual-authentication', value: 'verify', expected: 'is not a JSON list' },
    { name: 'mutual-authentication', value: '{"port":443}', expected: 'is not a JSON list' },
    {
      name: 'mutual-authentication',
      value: '[{"port":443,"mode":"on"}]',
      expected: 'contains mode "on"',
    },
    {
      name: 'mutual-authentication',
      value: '[{"mode":"verify"}]',
      expected: 'without a port, and contains mode verify without a trustStore',
    },
    {
      name: 'target-group-attributes',
      value: 'slow_start.duration_seconds=5',
      expected: 'neither 0 nor an integer from 30 to 900',
    },
    { name: 'target-group-attributes', value: 'stickiness.enabled=yes', expected: 'true, false' },
    {
      name: 'target-group-attributes',
      value: 'deregistration_delay.timeout_seconds',
      expected: 'is not a list of key=value',
    },
    {
      name: 'load-balancer-attributes',
      value: 'idle_timeout',
      expected: 'is not a list of key=value',
    },
    {
      name: 'load-balancer-attributes',
      value: 'client_keep_alive.seconds=5',
      expected: '60 to 604800',
    },
    { name: 'shield-advanced-protection', value: 'yes', expected: 'true, false' },
    { name: 'wafv2-acl-arn', value: 'my-acl', expected: 'nor the ARN' },
    {
      name: 'wafv2-acl-arn',
      value: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/y',
      expected: 'regional',
    },
    { name: 'ssl-redirect', value: 'true', expected: '1 to 65535' },
    { name: 'minimum-load-balancer-capacity', value: '100', expected: 'CapacityUnits' },
    { name: 'security-group-prefix-lists', value: ' , ', expected: 'empty list' },
  ])('$name: $value is invalid', ({ name, value, expected }) => {
    const [problem = ''] = validateAnnotations({ [prefix + name]: value })
    expect(problem).toContain(`${prefix}${name} is ${JSON.stringify(value)}, which `)
    expect(problem).toContain(expected)
  })

  test('ignores annotations of other tools', () => {
    expect(validateAnnotations({ 'example.com/success-codes': '200' })).toEqual([])
  })
})

describe('findUnknownAnnotations', () => {
  test.each<[string, string | undefined]>([
    ['healthcheck-intervall-seconds', 'healthcheck-interval-seconds'],
    ['succes-codes', 'success-codes'],
    ['backend-protocol-verison', 'backend-protocol-version'],
    ['something-else-entirely', undefined],
  ])('suggests a known annotation: %s, %s', (name, suggestion) => {
    expect(findUnknownAnnotations({ [prefix + name]: 'x' })).toEqual([
      { key: prefix + name, suggestion: suggestion && prefix + suggestion },
    ])
  })

  test.each(['success-codes', 'actions.blue', 'conditions.blue', 'listener-attributes.HTTPS-443'])(
    '%s is known',
    (name) => {
      expect(findUnknownAnnotations({ [prefix + name]: 'x', 'example.com/other': 'x' })).toEqual([])
    },
  )
})

test('accepts attributes named like properties of Object.prototype', () => {
  expect(
    validateAnnotations({
      [`${prefix}load-balancer-attributes`]: '__proto__=x,constructor=y,toString=z',
    }),
  ).toEqual([])
})

test('does not show any part of a long value', () => {
  expect(validateAnnotations({ [`${prefix}group.order`]: 'x'.repeat(200) })).toEqual([
    `${prefix}group.order is (202 characters), which is not an integer from -1000 to 1000`,
  ])
})

describe('parseAttributes', () => {
  test.each<[string, [string, string][] | undefined]>([
    [
      'a=1,b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [' a = 1 , ', [['a', '1']]],
    ['a=b=c', [['a', 'b=c']]],
    ['a=x\\,y', [['a', 'x\\,y']]],
    ['a=', [['a', '']]],
    ['a', undefined],
    ['a=1,b', undefined],
    ['=1', undefined],
    ['', []],
  ])('%s', (value, expected) => {
    expect(parseAttributes(value)).toEqual(expected)
  })
})

describe('validateTags', () => {
  test.each<{ name: string; tags: Record<string, string>; expected: RegExp }>([
    { name: 'a reserved prefix', tags: { 'aws:team': 'x' }, expected: /prefix aws: is reserved/ },
    { name: 'a key that is too long', tags: { ['k'.repeat(129)]: 'x' }, expected: /key of 129/ },
    { name: 'a value that is too long', tags: { team: 'x'.repeat(257) }, expected: /value of 257/ },
    {
      name: 'characters that AWS does not allow',
      tags: { team: 'a;b' },
      expected: /letters, digits/,
    },
    {
      name: 'too many tags',
      tags: Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`k${index}`, 'v'])),
      expected: /contains 47 tags/,
    },
  ])('$name', ({ tags, expected }) => {
    expect(validateTags(tags)).toEqual([expect.stringMatching(expected)])
  })
  test('accepts tags that AWS allows', () => {
    expect(
      validateTags({
        'cost-center': '42 / EU+US',
        größe: 'riesig',
        'a:b': '',
        mail: 'x@example.com',
      }),
    ).toEqual([])
  })
})
