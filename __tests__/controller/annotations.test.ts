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

  test.each<[string, string, string]>([
    ['success-codes', '200', 'contains 200'],
    ['success-codes', '0-200', 'contains 200'],
    ['success-codes', 'ok', 'is not a list of codes'],
    ['group.order', '2000', '-1000 to 1000'],
    ['group.order', '1.5', 'is not an integer'],
    ['healthcheck-path', 'healthz', 'does not begin with a slash'],
    ['healthcheck-interval-seconds', '15s', '5 to 300'],
    ['healthcheck-timeout-seconds', '1', '2 to 120'],
    ['healthy-threshold-count', '1', '2 to 10'],
    ['healthcheck-protocol', 'GRPC', 'HTTP, HTTPS'],
    ['backend-protocol', 'GRPC', 'HTTP, HTTPS'],
    ['ip-address-type', 'ipv6', 'ipv4, dualstack'],
    ['auth-type', 'oidc', 'does not work with gRPC'],
    ['mutual-authentication', 'verify', 'is not a JSON list'],
    ['mutual-authentication', '{"port":443}', 'is not a JSON list'],
    ['mutual-authentication', '[{"port":443,"mode":"on"}]', 'contains mode "on"'],
    [
      'mutual-authentication',
      '[{"mode":"verify"}]',
      'without a port, and contains mode verify without a trustStore',
    ],
    [
      'target-group-attributes',
      'slow_start.duration_seconds=5',
      'neither 0 nor an integer from 30 to 900',
    ],
    ['target-group-attributes', 'stickiness.enabled=yes', 'true, false'],
    [
      'target-group-attributes',
      'deregistration_delay.timeout_seconds',
      'is not a list of key=value',
    ],
    ['load-balancer-attributes', 'idle_timeout', 'is not a list of key=value'],
    ['load-balancer-attributes', 'client_keep_alive.seconds=5', '60 to 604800'],
    ['shield-advanced-protection', 'yes', 'true, false'],
    ['wafv2-acl-arn', 'my-acl', 'nor the ARN'],
    ['wafv2-acl-arn', 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/y', 'regional'],
    ['ssl-redirect', 'true', '1 to 65535'],
    ['minimum-load-balancer-capacity', '100', 'CapacityUnits'],
    ['security-group-prefix-lists', ' , ', 'empty list'],
  ])('%s: %s is invalid', (name, value, expected) => {
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
  test.each<[string, Record<string, string>, RegExp]>([
    ['a reserved prefix', { 'aws:team': 'x' }, /prefix aws: is reserved/],
    ['a key that is too long', { ['k'.repeat(129)]: 'x' }, /key of 129/],
    ['a value that is too long', { team: 'x'.repeat(257) }, /value of 257/],
    ['characters that AWS does not allow', { team: 'a;b' }, /letters, digits/],
    [
      'too many tags',
      Object.fromEntries(Array.from({ length: 47 }, (_, index) => [`k${index}`, 'v'])),
      /contains 47 tags/,
    ],
  ])('%s', (_, tags, expected) => {
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
