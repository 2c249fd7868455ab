import { describe, expect, test } from '@jest/globals'
import { parseListenPorts, parseStringMap } from '../../simulator/alb-controller/annotations.ts'
import { buildModel } from '../../simulator/alb-controller/model.ts'
import type { BuildInput } from '../../simulator/alb-controller/model-types.ts'
import { buildLoadBalancerName } from '../../simulator/alb-controller/naming.ts'
import type { Ingress, Service } from '../../simulator/alb-controller/objects.ts'
import { PREFIX, ingress } from './controller-objects.ts'

const service: Service = {
  metadata: { name: 'svc', namespace: 'ns', uid: 'u' },
  spec: {
    type: 'NodePort',
    ports: [{ name: 'milvus', port: 19530, targetPort: 19531, nodePort: 31000 }],
  },
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
