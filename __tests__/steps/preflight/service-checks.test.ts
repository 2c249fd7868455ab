/** Annotations of the Service together with those of the inputs. */
import { describe, expect, test } from '@jest/globals'
import { checkService } from '../../../src/steps/preflight/service-checks.ts'
import type { Context } from '../../../src/steps/step.ts'
import { captureActionError } from '../../capture-error.ts'
import { createSettings } from '../fixtures.ts'

type Annotations = Readonly<Record<string, string>>

const prefix = 'alb.ingress.kubernetes.io/'
const interval = 'healthcheck-interval-seconds'
const timeout = 'healthcheck-timeout-seconds'

const withPrefix = (annotations: Annotations): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [prefix + name, value]))

/** @returns the warnings */
function check(inputs: Annotations, onService: Annotations, values = {}): string[] {
  const warnings: string[] = []
  const context = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Context
  const service = {
    metadata: {
      name: 'milvus-demo',
      uid: 'u',
      resourceVersion: '1',
      annotations: withPrefix(onService),
    },
    spec: {
      ports: [
        { name: 'milvus', port: 19530, targetPort: 'milvus' },
        { name: 'metrics', port: 9091, targetPort: 9091 },
      ],
    },
  }
  const settings = createSettings({ ingress: { annotations: withPrefix(inputs) }, values })
  checkService(context, settings, { service, port: 19530, release: undefined })
  return warnings
}

interface Case {
  readonly name: string
  readonly inputs?: Annotations
  readonly onService?: Annotations
}

describe('checkService accepts', () => {
  test.each<Case>([
    { name: 'nothing' },
    {
      name: 'a timeout of the inputs below the interval of the Service',
      inputs: { [timeout]: '20' },
      onService: { [interval]: '60' },
    },
    {
      name: 'an interval of the inputs above the timeout of the Service',
      inputs: { [interval]: '5' },
      onService: { [timeout]: '4' },
    },
    {
      name: 'a pair of the Service, which overrides that of the inputs',
      inputs: { [interval]: '10', [timeout]: '5' },
      onService: { [interval]: '60', [timeout]: '30' },
    },
    {
      name: 'invalid values of another Service or port, which have no effect',
      inputs: {
        'actions.milvus-demo': 'forward',
        'conditions.attu': 'source-ip',
        'transforms.attu': '[{',
        'target-control-port.milvus-demo.9091': 'api',
      },
    },
    {
      name: 'a port of the health check by the name of one with a number',
      inputs: { 'healthcheck-port': 'metrics' },
    },
    {
      name: 'a port of the health check that the Service overrides',
      inputs: { 'healthcheck-port': 'metricz' },
      onService: { 'healthcheck-port': 'traffic-port' },
    },
    {
      name: 'annotations of an NLB on the Service, where the controller does not read them',
      onService: { [`frontend-nlb-${timeout}`]: '100' },
    },
  ])('$name', ({ inputs = {}, onService = {} }) => {
    expect(() => check(inputs, onService)).not.toThrow()
  })
})

/** Source: AWS Load Balancer Controller, enhanced_backend_builder.go and model_build_*.go. */
const overridingAnnotations: Annotations = {
  'auth-idp-cognito': '{}',
  'auth-idp-oidc': '{}',
  'auth-on-unauthenticated-request': 'deny',
  'auth-scope': 'openid',
  'auth-session-cookie': 'session',
  'auth-session-timeout': '60',
  'auth-type': 'none',
  'backend-protocol': 'HTTPS',
  'backend-protocol-version': 'GRPC',
  'healthcheck-interval-seconds': '60',
  'healthcheck-path': '/health',
  'healthcheck-port': '9091',
  'healthcheck-protocol': 'HTTPS',
  'healthcheck-timeout-seconds': '4',
  'healthy-threshold-count': '3',
  'multi-cluster-target-group': 'true',
  'success-codes': '12',
  tags: 'team=search',
  'target-control-port.milvus-demo.19530': '3000',
  'target-group-attributes': 'slow_start.duration_seconds=30',
  'target-node-labels': 'a=b',
  'target-type': 'ip',
  'unhealthy-threshold-count': '3',
}

test.each(Object.entries(overridingAnnotations))(
  'checkService warns of %s on the Service',
  (name, value) => {
    expect(check({}, { [name]: value })).toEqual([
      `Service milvus-demo sets ${prefix}${name}: ${value}, which overrides the Ingress for its target group.`,
    ])
  },
)

test('checkService does not warn of annotations that the controller reads only from an Ingress', () => {
  expect(check({}, { scheme: 'internal', 'jwt-validation': '{}', 'group.order': '1' })).toEqual([])
})

test.each([
  { name: 'one', annotations: { [`${prefix}target-type`]: null } },
  { name: 'all', annotations: null },
])('checkService ignores annotations that input values removes: $name', ({ annotations }) => {
  expect(check({}, { 'target-type': 'instance' }, { service: { annotations } })).toEqual([])
})

describe('checkService rejects', () => {
  test.each<Case & { readonly code: string; readonly expected: string }>([
    {
      name: 'an interval of the Service that is not above the timeout of the inputs',
      inputs: { [timeout]: '10' },
      onService: { [interval]: '10' },
      code: 'service-annotations-conflict',
      expected: `${interval}: 10 (which is not greater than ${timeout} (10)).`,
    },
    {
      name: 'a timeout of the Service that is not below the interval of the inputs',
      inputs: { [interval]: '10' },
      onService: { [timeout]: '12' },
      code: 'service-annotations-conflict',
      expected: `${timeout}: 12 (which is not less than ${interval} (10)).`,
    },
    {
      name: 'a pair of the Service, once',
      onService: { [interval]: '10', [timeout]: '12' },
      code: 'service-annotations-conflict',
      expected: `its target group: ${prefix}${timeout}: 12 (which is not less than ${interval} (10)).`,
    },
    {
      name: 'a timeout of the inputs above the default interval',
      inputs: { [timeout]: '20' },
      code: 'input-invalid',
      expected:
        'Input annotations contains values that the controller or ELB would reject: ' +
        `${prefix}${timeout} is "20", which is not less than ${interval} (15 by default).`,
    },
    {
      name: 'invalid conditions of the inputs',
      inputs: { 'conditions.milvus-demo': 'source-ip' },
      code: 'input-invalid',
      expected: `${prefix}conditions.milvus-demo is "source-ip", which is not a JSON list of objects.`,
    },
    {
      name: 'a kind of target that the Ingress cannot have',
      onService: { 'target-type': 'instance' },
      code: 'service-annotations-conflict',
      expected: `${prefix}target-type: instance (the Ingress requires ip)`,
    },
    {
      name: 'a protocol version that the Ingress cannot have',
      onService: { 'backend-protocol-version': 'HTTP1' },
      code: 'service-annotations-conflict',
      expected: `${prefix}backend-protocol-version: HTTP1 (the Ingress requires GRPC)`,
    },
    {
      name: 'an invalid port of the Service',
      onService: { 'target-control-port.milvus-demo.19530': 'api' },
      code: 'service-annotations-conflict',
      expected:
        'target-control-port.milvus-demo.19530: api (which is not an integer from 1 to 65535)',
    },
    {
      name: 'a port of the health check that the Service does not have',
      inputs: { 'healthcheck-port': 'metricz' },
      code: 'input-invalid',
      expected: `${prefix}healthcheck-port is "metricz", which is not the name of a port of Service milvus-demo.`,
    },
    {
      name: 'a port of the health check whose target port is a name',
      inputs: { 'healthcheck-port': 'milvus' },
      code: 'input-invalid',
      expected: `${prefix}healthcheck-port is "milvus", which is a port whose targetPort is a name (milvus): use traffic-port or a number.`,
    },
    {
      name: 'a port of the health check on the Service, whose target port is a name',
      onService: { 'healthcheck-port': 'milvus' },
      code: 'service-annotations-conflict',
      expected:
        'healthcheck-port: milvus (which is a port whose targetPort is a name (milvus): use',
    },
    {
      name: 'an invalid port of the health check on the Service',
      onService: { 'healthcheck-port': '70000' },
      code: 'service-annotations-conflict',
      expected: 'healthcheck-port: 70000 (which is neither traffic-port, nor an integer',
    },
    {
      name: 'an interval of the inputs that equals the default timeout',
      inputs: { [interval]: '5' },
      code: 'input-invalid',
      expected: `${prefix}${interval} is "5", which is not greater than ${timeout} (5 by default).`,
    },
  ])('$name', async ({ inputs = {}, onService = {}, code, expected }) => {
    const failure = await captureActionError(() => check(inputs, onService))
    expect(failure.code).toBe(code)
    expect(failure.message).toContain(expected)
    expect(failure.otherErrors).toEqual([])
  })
})
