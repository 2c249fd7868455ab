import { describe, expect, test } from '@jest/globals'
import { parseAttributes, truncateForError } from '../../src/controller/annotation-validators.ts'
import {
  findIneffectiveAnnotations,
  findRejectedAnnotations,
  findUnknownAnnotations,
  validateAnnotations,
} from '../../src/controller/annotations.ts'
import { validateTags } from '../../src/controller/tags.ts'
import { invalidValues, invalidValuesOfService } from './invalid-annotations.cases.ts'
import { validValues, validValuesOfService } from './valid-annotations.cases.ts'

const prefix = 'alb.ingress.kubernetes.io/'

describe('validateAnnotations', () => {
  test.each(validValues)('%s: %s is valid', (name, value) => {
    expect(validateAnnotations({ [prefix + name]: value })).toEqual([])
  })

  test.each(invalidValues)('$name: $value is invalid', ({ name, value, expected }) => {
    const [problem = ''] = validateAnnotations({ [prefix + name]: value })
    const shownValue = truncateForError(JSON.stringify(value))
    expect(problem).toContain(`${prefix}${name} is ${shownValue}, which `)
    expect(problem).toContain(expected)
  })

  test.each<{ name: string; annotations: Record<string, string>; expected: string | undefined }>([
    {
      name: 'an interval of 5 seconds: the Service may set a shorter timeout',
      annotations: { 'healthcheck-interval-seconds': '5' },
      expected: undefined,
    },
    {
      name: 'an interval of 5 seconds with a shorter timeout',
      annotations: { 'healthcheck-interval-seconds': '5', 'healthcheck-timeout-seconds': '4' },
      expected: undefined,
    },
    {
      name: 'a timeout that is longer than the default interval: the Service may set another',
      annotations: { 'healthcheck-timeout-seconds': '20' },
      expected: undefined,
    },
    {
      name: 'equal interval and timeout',
      annotations: { 'healthcheck-interval-seconds': '30', 'healthcheck-timeout-seconds': '30' },
      expected:
        `${prefix}healthcheck-timeout-seconds is "30", which is not less than ` +
        'healthcheck-interval-seconds (30)',
    },
    {
      name: 'the interval of the NLB equals its default timeout',
      annotations: { 'frontend-nlb-healthcheck-interval-seconds': '5' },
      expected: undefined,
    },
    {
      name: 'equal interval and timeout of the NLB',
      annotations: {
        'frontend-nlb-healthcheck-interval-seconds': '30',
        'frontend-nlb-healthcheck-timeout-seconds': '30',
      },
      expected: undefined,
    },
    {
      name: 'a timeout of the NLB that is longer than the default interval',
      annotations: { 'frontend-nlb-healthcheck-timeout-seconds': '16' },
      expected:
        `${prefix}frontend-nlb-healthcheck-timeout-seconds is "16", which is greater than ` +
        'frontend-nlb-healthcheck-interval-seconds (15 by default)',
    },
  ])('$name', ({ annotations, expected }) => {
    const keys = Object.entries(annotations).map(([name, value]) => [prefix + name, value])
    const problems = validateAnnotations(Object.fromEntries(keys) as Record<string, string>)
    expect(problems).toEqual(expected === undefined ? [] : [expected])
  })

  test('ignores annotations of other tools', () => {
    expect(validateAnnotations({ 'example.com/success-codes': '200' })).toEqual([])
  })
})

describe('findRejectedAnnotations', () => {
  const listProblems = (name: string, value: string, service: string): string[] =>
    findRejectedAnnotations(
      {
        annotations: { [prefix + name]: value },
        listenPort: 443,
        service,
        servicePort: 19530,
      },
      {},
    ).map(({ problem }) => problem)

  test.each(invalidValuesOfService)('$name: $value is invalid', ({ name, value, expected }) => {
    expect(listProblems(name, value, 'milvus')).toEqual([expect.stringContaining(expected)])
  })

  test.each(invalidValuesOfService)('$name: $value is not of Service attu', ({ name, value }) => {
    expect(listProblems(name, value, 'attu')).toEqual([])
  })

  test.each(validValuesOfService)('%s: %s is valid', (name, value) => {
    expect(listProblems(name, value, 'milvus')).toEqual([])
  })

  test.each(invalidValues)('$name: $value is invalid for every Service', ({ name, value }) => {
    expect(listProblems(name, value, 'attu')).toHaveLength(1)
  })
})

describe('findUnknownAnnotations', () => {
  test.each<[string, string | undefined]>([
    ['healthcheck-intervall-seconds', 'healthcheck-interval-seconds'],
    ['succes-codes', 'success-codes'],
    ['backend-protocol-verison', 'backend-protocol-version'],
    ['something-else-entirely', undefined],
    ['load-balancer-capacity-reservation', 'minimum-load-balancer-capacity'],
    ['frontend-nlb', 'enable-frontend-nlb'],
    ['actions', 'actions.NAME'],
    ['conditions', 'conditions.SERVICE'],
    ['transforms', 'transforms.SERVICE'],
    ['listener-attributes', 'listener-attributes.PROTOCOL-PORT'],
    ['target-control-port', 'target-control-port.SERVICE.PORT'],
    ['condition.milvus-demo', 'conditions.milvus-demo'],
    ['listner-attributes.HTTPS-443', 'listener-attributes.HTTPS-443'],
    ['group.nam', 'group.name'],
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

describe('findIneffectiveAnnotations', () => {
  const findIneffective = (annotations: Record<string, string>) =>
    findIneffectiveAnnotations({
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [prefix + name, value]),
      ),
      listenPort: 443,
      service: 'milvus-demo',
      servicePort: 19530,
    })

  test.each<[string, string, string]>([
    ['actions.milvus-demo', '{}', 'only a path whose port is named use-annotation'],
    ['use-regex-path-match', 'true', 'paths of type ImplementationSpecific'],
    ['target-node-labels', 'a=b', 'are pods, not nodes'],
    ['create-acm-cert', 'true', 'certificate-arn'],
    ['acm-pca-arn', 'arn', 'certificate-arn'],
    ['listener-attributes.HTTPS-8443', 'a=b', 'listener of this Ingress is HTTPS-443'],
    ['listener-attributes.HTTP-443', 'a=b', 'listener of this Ingress is HTTPS-443'],
    ['conditions.attu', '[]', 'the Service of this Ingress is milvus-demo'],
    ['transforms.attu', '[]', 'the Service of this Ingress is milvus-demo'],
    ['target-control-port.attu.19530', '1', 'milvus-demo.19530'],
    ['target-control-port.milvus-demo.9091', '1', 'milvus-demo.19530'],
    ['auth-idp-oidc', '{}', 'auth-type is none'],
    ['auth-session-timeout', '60', 'auth-type is none'],
    ['frontend-nlb-scheme', 'internal', 'only with enable-frontend-nlb'],
    ['frontend-nlb-listener-port-mapping', '80=443', 'only with enable-frontend-nlb'],
    ['manage-backend-security-group-rules', 'true', 'security-groups, which is empty'],
  ])('%s: %s has no effect', (name, value, expected) => {
    expect(findIneffective({ [name]: value })).toEqual([
      { key: prefix + name, reason: expect.stringContaining(expected) as unknown },
    ])
  })

  test('a prefix list has no effect on security groups of the user', () => {
    const annotations = { 'security-groups': 'sg-1', 'security-group-prefix-lists': 'pl-1' }
    expect(findIneffective(annotations)).toEqual([
      expect.objectContaining({ key: `${prefix}security-group-prefix-lists` }),
    ])
  })

  test('a port mapping without the port of the listener leaves the NLB without a listener', () => {
    const annotations = {
      'enable-frontend-nlb': 'true',
      'frontend-nlb-listener-port-mapping': '443=80,80=8443',
    }
    expect(findIneffective(annotations)).toEqual([
      {
        key: `${prefix}frontend-nlb-listener-port-mapping`,
        reason: 'no port in it leads to port 443 of the ALB, so the NLB gets no listener',
      },
    ])
  })

  test('others have one', () => {
    expect(
      findIneffective({
        'listener-attributes.HTTPS-443': 'a=b',
        'conditions.milvus-demo': '[]',
        'target-control-port.milvus-demo.19530': '3000',
        'enable-frontend-nlb': 'true',
        'frontend-nlb-scheme': 'internal',
        'frontend-nlb-listener-port-mapping': '80=80,8443=443',
        'security-groups': 'sg-1',
        'manage-backend-security-group-rules': 'true',
        'group.order': '1',
        'healthcheck-path': '/',
        unknown: 'x',
      }),
    ).toEqual([])
  })
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
