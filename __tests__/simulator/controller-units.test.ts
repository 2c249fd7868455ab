import { describe, expect, test } from '@jest/globals'
import { parseListenPorts, parseStringMap } from '../../simulator/alb-controller/annotations.ts'
import { formatGoError } from '../../simulator/alb-controller/aws-clients.ts'
import {
  resolveGroup,
  getFinalizerGroups,
  isRelevantChange,
  applyClassParams,
} from '../../simulator/alb-controller/ingress-classes.ts'
import { EventCorrelator } from '../../simulator/alb-controller/event-correlator.ts'
import { buildModel } from '../../simulator/alb-controller/model.ts'
import type { BuildInput } from '../../simulator/alb-controller/model-types.ts'
import { buildLoadBalancerName } from '../../simulator/alb-controller/naming.ts'
import type { Ingress, Service } from '../../simulator/alb-controller/objects.ts'
import { computeBackoff, WorkQueue } from '../../simulator/alb-controller/work-queue.ts'

const PREFIX = 'alb.ingress.kubernetes.io/'
const service: Service = {
  metadata: { name: 'svc', namespace: 'ns', uid: 'u' },
  spec: {
    type: 'NodePort',
    ports: [{ name: 'milvus', port: 19530, targetPort: 19531, nodePort: 31000 }],
  },
}

function ingress(annotations: Record<string, string>, path = '/', pathType = 'Prefix'): Ingress {
  return {
    metadata: {
      name: 'ing',
      namespace: 'ns',
      uid: 'i',
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]),
      ),
    },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host: 'a.example.com',
          http: {
            paths: [
              { path, pathType, backend: { service: { name: 'svc', port: { number: 19530 } } } },
            ],
          },
        },
      ],
    },
  }
}

function buildInput(member: Ingress, changes: Partial<BuildInput> = {}): BuildInput {
  return {
    cluster: 'demo',
    group: { namespace: 'ns', name: 'ing' },
    members: [member],
    findService: () => service,
    certificates: [],
    ...changes,
  }
}

describe('the model', () => {
  test.each([
    { path: '/', type: 'Prefix', paths: ['/*'] },
    { path: '/v2', type: 'Prefix', paths: ['/v2', '/v2/*'] },
    { path: '/', type: 'Exact', paths: ['/'] },
    { path: '/', type: 'ImplementationSpecific', paths: ['/'] },
  ])('converts path $path of type $type', ({ path, type, paths }) => {
    expect(
      buildModel(buildInput(ingress({ 'target-type': 'ip' }, path, type))).listeners[0]?.rules[0]
        ?.paths,
    ).toEqual(paths)
  })

  test('defaults to HTTP on port 80, an internal scheme, instance targets and HTTP1', () => {
    const model = buildModel(buildInput(ingress({})))
    expect(model.listeners).toMatchObject([{ port: 80, protocol: 'HTTP', certificateArns: [] }])
    expect(model.loadBalancer).toMatchObject({ scheme: 'internal' })
    expect(model.targetGroups).toMatchObject([
      {
        resource: 'ns/ing-svc:19530',
        port: 31000,
        protocolVersion: 'HTTP1',
        targetType: 'instance',
        matcher: '200',
      },
    ])
  })

  test('annotations of the Service take precedence', () => {
    const annotatedService = {
      ...service,
      metadata: {
        ...service.metadata,
        annotations: { [`${PREFIX}backend-protocol-version`]: 'HTTP2' },
      },
    }
    expect(
      buildModel(
        buildInput(ingress({ 'backend-protocol-version': 'GRPC' }), {
          findService: () => annotatedService,
        }),
      ).targetGroups,
    ).toMatchObject([{ protocolVersion: 'HTTP2' }])
  })

  test.each([
    { port: '443', action: { kind: 'redirect', port: '443' }, problem: undefined },
    {
      port: '444',
      action: undefined,
      problem: 'listener does not exist for SSLRedirect port: 444',
    },
    {
      port: '80',
      action: undefined,
      problem: 'listener protocol non-SSL for SSLRedirect port: 80',
    },
  ])('resolves ssl-redirect to port $port', ({ port, action, problem }) => {
    const build = (): unknown =>
      buildModel(
        buildInput(
          ingress({
            'ssl-redirect': port,
            'listen-ports': '[{"HTTP":80},{"HTTPS":443}]',
            'certificate-arn': 'arn:1,arn:2',
            'target-type': 'ip',
          }),
        ),
      )
    if (problem !== undefined) expect(build).toThrow(problem)
    else
      expect(build()).toMatchObject({
        listeners: [
          { port: 80, rules: [], defaultAction: action },
          { port: 443, certificateArns: ['arn:1', 'arn:2'], rules: [{ hosts: ['a.example.com'] }] },
        ],
      })
  })

  test('discovery selects every certificate that covers the host by name or one-label wildcard', () => {
    const certificates = [
      { arn: '1', names: ['*.example.com'] },
      { arn: '2', names: ['a.example.com'] },
      { arn: '3', names: ['*.a.example.com'] },
    ]
    const model = buildModel(
      buildInput(ingress({ 'listen-ports': '[{"HTTPS":443}]' }), { certificates }),
    )
    expect(model.listeners[0]?.certificateArns).toEqual(['1', '2'])
  })
})

test.each([
  { raw: '[{"HTTPS":443}]', ports: [{ protocol: 'HTTPS', port: 443 }], problem: undefined },
  {
    raw: '[{"HTTP":80},{"HTTPS":443}]',
    ports: [
      { protocol: 'HTTP', port: 80 },
      { protocol: 'HTTPS', port: 443 },
    ],
    problem: undefined,
  },
  { raw: '[]', ports: undefined, problem: 'empty listen-ports configuration: `[]`' },
  {
    raw: '"x"',
    ports: undefined,
    problem: 'json: cannot unmarshal string into Go value of type []map[string]int32',
  },
  {
    raw: '{"HTTPS":443}',
    ports: undefined,
    problem: 'json: cannot unmarshal object into Go value of type []map[string]int32',
  },
  {
    raw: 'HTTPS',
    ports: undefined,
    problem: "invalid character 'H' looking for beginning of value",
  },
])('parses listen-ports $raw', ({ raw, ports, problem }) => {
  const parse = (): unknown => parseListenPorts({ [`${PREFIX}listen-ports`]: raw })
  if (problem === undefined) expect(parse()).toEqual(ports)
  else expect(parse).toThrow(problem)
})

test('accepts an escaped comma in a map value', () => {
  expect(parseStringMap({ [`${PREFIX}tags`]: 'a=1\\,2, b=3' }, 'tags')).toEqual({
    a: '1,2',
    b: '3',
  })
})

test('generates the load balancer name of the real controller', () => {
  expect(
    buildLoadBalancerName('demo', { namespace: 'milvus', name: 'milvus-demo' }, 'internet-facing'),
  ).toBe('k8s-milvus-milvusde-17e2427710')
})

describe('events', () => {
  const createEvent = (
    message: string,
  ): { uid: string; type: 'Warning'; reason: string; message: string } => ({
    uid: 'u',
    type: 'Warning',
    reason: 'FailedDeployModel',
    message,
  })

  test('a repeated message increments the count of its event', () => {
    const correlator = new EventCorrelator()
    expect([1, 2, 3].map(() => correlator.correlate(createEvent('x'), 0)?.count)).toEqual([1, 2, 3])
  })

  test('ten different messages are combined into one event, which continues after a success', () => {
    const correlator = new EventCorrelator()
    const updates = Array.from({ length: 12 }, (_, index) =>
      correlator.correlate(createEvent(`id ${index}`), 0),
    )
    expect(updates.slice(0, 9).map((each) => each?.count)).toEqual(Array(9).fill(1))
    expect(updates.slice(9).map((each) => [each?.message, each?.count])).toEqual(
      [9, 10, 11].map((id) => [`(combined from similar events): id ${id}`, id - 8]),
    )
    expect(
      correlator.correlate(
        {
          uid: 'u',
          type: 'Normal',
          reason: 'SuccessfullyReconciled',
          message: 'Successfully reconciled',
        },
        0,
      )?.count,
    ).toBe(1)
    expect(correlator.correlate(createEvent('later'), 1000)).toMatchObject({
      message: '(combined from similar events): later',
      count: 4,
    })
    expect(correlator.correlate(createEvent('much later'), 700_000)).toMatchObject({
      message: 'much later',
      count: 1,
    })
  })

  test('drops the events of an object after 25, except one every five minutes', () => {
    const correlator = new EventCorrelator()
    const updates = Array.from({ length: 26 }, () => correlator.correlate(createEvent('x'), 0))
    expect(updates.map((each) => each !== undefined)).toEqual([
      ...Array<boolean>(25).fill(true),
      false,
    ])
    expect(correlator.correlate(createEvent('x'), 300_000)?.count).toBe(27)
  })
})

describe('the work queue', () => {
  test('backs off 5 ms × 2^n, up to 1000 s', () => {
    expect([0, 1, 2, 10, 17, 18, 40].map(computeBackoff)).toEqual([
      5, 10, 20, 5120, 655_360, 1_000_000, 1_000_000,
    ])
  })

  test('deduplicates keys, processes them sequentially, and retries failures', async () => {
    const handled: string[] = []
    let done: () => void = () => undefined
    const finished = new Promise<void>((resolve) => (done = resolve))
    const queue = new WorkQueue((key) => {
      handled.push(key)
      if (handled.length === 4) done()
      return handled.length < 3 ? Promise.reject(new Error('no')) : Promise.resolve(undefined)
    })
    queue.add('a')
    queue.add('a')
    queue.add('b')
    await finished
    await queue.stop()
    expect(handled).toEqual(['a', 'b', 'a', 'b'])
  })
})

describe('classes and groups', () => {
  const findClass = (
    name: string,
  ): { metadata: { name: string }; spec: { controller: string } } | undefined =>
    ({ alb: 'ingress.k8s.aws/alb', auto: 'eks.amazonaws.com/alb' })[name] === undefined
      ? undefined
      : {
          metadata: { name },
          spec: { controller: name === 'alb' ? 'ingress.k8s.aws/alb' : 'eks.amazonaws.com/alb' },
        }
  const createIngress = (className: string, annotations: Record<string, string> = {}): Ingress => ({
    metadata: { name: 'ing', namespace: 'ns', annotations },
    spec: { ingressClassName: className },
  })

  test.each<{ name: string; member: Ingress; group: unknown }>([
    {
      name: 'an IngressClass of the controller',
      member: createIngress('alb'),
      group: { namespace: 'ns', name: 'ing' },
    },
    {
      name: 'an IngressClass of another controller',
      member: createIngress('auto'),
      group: undefined,
    },
    {
      name: 'the legacy annotation, which takes precedence',
      member: createIngress('auto', { 'kubernetes.io/ingress.class': 'alb' }),
      group: { namespace: 'ns', name: 'ing' },
    },
    {
      name: 'an explicit group',
      member: createIngress('alb', { [`${PREFIX}group.name`]: 'shared' }),
      group: { namespace: '', name: 'shared' },
    },
  ])('$name', ({ member, group }) => {
    expect(resolveGroup(member, findClass, 'alb')).toEqual(group)
  })

  test('rejects a missing IngressClass and an invalid group name', () => {
    expect(() => resolveGroup(createIngress('nope'), findClass, 'alb')).toThrow(
      'invalid ingress class: IngressClass.networking.k8s.io "nope" not found',
    )
    expect(() =>
      resolveGroup(createIngress('alb', { [`${PREFIX}group.name`]: 'No' }), findClass, 'alb'),
    ).toThrow('invalid ingress group: groupName must consist of')
  })

  test('finalizers identify the groups of an Ingress', () => {
    const ingressWithFinalizers: Ingress = {
      metadata: {
        name: 'ing',
        namespace: 'ns',
        finalizers: ['ingress.k8s.aws/resources', 'group.ingress.k8s.aws/shared', 'other'],
      },
    }
    expect(getFinalizerGroups(ingressWithFinalizers)).toEqual([
      { namespace: 'ns', name: 'ing' },
      { namespace: '', name: 'shared' },
    ])
  })

  test('IngressClassParams take precedence, and attributes are merged', () => {
    const params = {
      metadata: { name: 'p' },
      spec: { scheme: 'internal', loadBalancerAttributes: [{ key: 'b', value: '2' }] },
    }
    const { annotations } = applyClassParams(
      ingress({ scheme: 'internet-facing', 'load-balancer-attributes': 'a=1' }),
      params,
    ).metadata
    expect(annotations).toEqual({
      [`${PREFIX}scheme`]: 'internal',
      [`${PREFIX}load-balancer-attributes`]: 'a=1,b=2',
    })
  })

  test('only a change of annotations is relevant, not one of the status', () => {
    const before = ingress({})
    const written: Ingress = { ...before, status: { loadBalancer: {} } }
    expect(isRelevantChange(written, before)).toBe(false)
    expect(isRelevantChange(ingress({ scheme: 'internal' }), before)).toBe(true)
  })
})

test('formats errors as the AWS SDK for Go does', () => {
  class CertificateNotFoundException extends Error {
    override name = 'CertificateNotFoundException'
    $metadata = { httpStatusCode: 400, requestId: 'r', attempts: 1 }
  }
  expect(
    formatGoError(
      'Elastic Load Balancing v2',
      'CreateListener',
      new CertificateNotFoundException('not found'),
    ),
  ).toBe(
    'operation error Elastic Load Balancing v2: CreateListener, https response error StatusCode: 400, RequestID: r, CertificateNotFound: not found',
  )
})
