import { describe, expect, test } from '@jest/globals'
import { captureInputError, minimalInputs, readInputs } from './read-inputs.ts'

describe('invalid inputs', () => {
  test.each([
    'certificate-arn',
    'scheme',
    'listen-ports',
    'target-type',
    'backend-protocol-version',
    'inbound-cidrs',
    'subnets',
    'security-groups',
    'ssl-policy',
    'load-balancer-name',
    'group.name',
    'tags',
  ])('rejects the annotation %s, which another input sets', (name) => {
    const [problem] = captureInputError({
      ...minimalInputs,
      annotations: `alb.ingress.kubernetes.io/${name}: x`,
    }).allErrors
    expect(problem?.message).toMatch(
      new RegExp(
        `^Input annotations contains alb\\.ingress\\.kubernetes\\.io/${name}, which is set by .+\\.$`,
      ),
    )
  })

  test.each([
    ['example.com/scheme', 'x'],
    ['scheme', 'x'],
    ['alb.ingress.kubernetes.io/group.order', '10'],
    ['alb.ingress.kubernetes.io/wafv2-acl-name', 'x'],
    ['constructor', 'x'],
  ])('accepts the annotation %s', (key, value) => {
    expect(
      readInputs({ ...minimalInputs, annotations: `${key}: ${value}` }).ingress.annotations,
    ).toEqual({ [key]: value })
  })

  test.each(['a b', 'a/b/c', '-a', 'A.example.com/b', 'a.example.com/'])(
    'rejects the invalid annotation key %j',
    (key) => {
      expect(
        captureInputError({ ...minimalInputs, annotations: JSON.stringify({ [key]: 'x' }) })
          .message,
      ).toContain('not a valid annotation key')
    },
  )

  test.each([
    ['routing.http2.enabled=false', 'Remove it: gRPC requires HTTP/2.'],
    ['routing.http2.enabled = false', 'Remove it: gRPC requires HTTP/2.'],
    ['access_logs.s3.enabled=false, routing.http2.enabled=False', 'Remove it: gRPC'],
    ['idle_timeout.timeout_seconds = 60', 'Set input idle-timeout instead.'],
  ])('rejects the load balancer attributes %s', (value, remedy) => {
    const key = 'alb.ingress.kubernetes.io/load-balancer-attributes'
    const problem = captureInputError({
      ...minimalInputs,
      annotations: JSON.stringify({ [key]: value }),
    })
    expect(problem.code).toBe('input-invalid')
    expect(problem.message).toContain('contains the load balancer attribute ')
    expect(problem.remedy).toContain(remedy)
  })

  test.each(['milvus-alb-action/reconcile-requested-at', 'kubernetes.io/ingress.class'])(
    'rejects the annotation %s, which the action manages',
    (key) => {
      expect(captureInputError({ ...minimalInputs, annotations: `${key}: x` }).code).toBe(
        'input-invalid',
      )
    },
  )
})
