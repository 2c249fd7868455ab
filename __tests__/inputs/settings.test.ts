/** What the inputs set. */
import { describe, expect, test } from '@jest/globals'
import { inputDefaults } from '../../src/inputs/inputs.ts'
import {
  arn,
  issued,
  minimalInputs,
  minimalInputsFor,
  readEndpointInputs,
  readInputs,
  type Inputs,
} from './read-inputs.ts'

const defaults = {
  mode: 'deploy',
  dryRun: false,
  failOnDrift: true,
  clusterAccess: { kind: 'eks', cluster: 'production' },
  region: 'us-east-2',
  allowedAccounts: [],
  namespace: 'milvus',
  release: undefined,
  service: undefined,
  servicePort: undefined,
  host: 'milvus.example.com',
  certificate: { kind: 'arn', arn },
  replaceCertificate: false,
  requireAuthorization: false,
  expiryWarningDays: undefined,
  chart: {
    name: 'milvus',
    repository: 'https://zilliztech.github.io/milvus-helm/',
    version: undefined,
    credentials: undefined,
  },
  serviceType: 'ClusterIP',
  restoreLoadBalancerClass: undefined,
  allowChartChange: false,
  cutover: 'first',
  onFailure: 'keep',
  helmStorage: 'Secret',
  values: {},
  ingress: {
    name: undefined,
    className: 'alb',
    scheme: 'internet-facing',
    listenPort: 443,
    inboundCidrs: [],
    subnets: [],
    securityGroups: [],
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    isDefaultSslPolicy: true,
    idleTimeout: 600,
    loadBalancerName: undefined,
    groupName: undefined,
    tags: {},
    annotations: {},
    forceConflicts: false,
  },
  timeouts: { release: 600, loadBalancer: 1200, probe: 300, lock: 1800 },
  probe: {
    required: true,
    isLenient: false,
    isDeep: false,
    ca: undefined,
    clientCertificate: undefined,
    address: undefined,
    token: undefined,
    byHostname: false,
  },
  summary: true,
}

describe('defaults', () => {
  test('apply to absent inputs', () => {
    expect(readInputs(minimalInputs)).toMatchObject(defaults)
  })

  test('apply to the empty inputs of a reusable workflow', () => {
    const empty = Object.fromEntries(Object.keys(inputDefaults).map((name) => [name, '']))
    expect(readInputs({ ...empty, ...minimalInputs })).toEqual(readInputs(minimalInputs))
  })

  test('apply to blank inputs', () => {
    expect(
      readInputs({ ...minimalInputs, namespace: '  \n', scheme: ' ', 'milvus-token': '\n' }),
    ).toEqual(readInputs(minimalInputs))
  })

  test('the settings are deeply frozen', () => {
    const settings = readInputs({ ...minimalInputs, tags: 'a=b', subnets: 'a,b' })
    const settingsObjects = [
      settings,
      settings.ingress,
      settings.ingress.tags,
      settings.ingress.subnets,
      settings.timeouts,
      settings.probe,
    ]
    expect(settingsObjects.map((object) => Object.isFrozen(object))).toEqual(
      settingsObjects.map(() => true),
    )
  })
})

describe('settings of each input', () => {
  test.each<{ inputs: Inputs; expected: Record<string, unknown> }>([
    { inputs: { namespace: 'vectors' }, expected: { namespace: 'vectors' } },
    {
      inputs: { mode: 'check', 'fail-on-drift': 'false' },
      expected: { mode: 'check', failOnDrift: false },
    },
    {
      inputs: { mode: 'check', 'certificate-arn': '' },
      expected: { certificate: { kind: 'served' } },
    },
    {
      inputs: { mode: 'check', 'chart-username': 'AWS' },
      expected: { 'chart.credentials': undefined },
    },
    { inputs: { 'dry-run': 'true' }, expected: { dryRun: true } },
    { inputs: { release: 'milvus-demo' }, expected: { release: 'milvus-demo' } },
    {
      inputs: { service: 'milvus-svc', 'service-port': '19531' },
      expected: { release: undefined, service: 'milvus-svc', servicePort: 19531 },
    },
    { inputs: { host: 'Milvus.Example.com.' }, expected: { host: 'milvus.example.com' } },
    {
      inputs: { 'chart-username': 'AWS', 'chart-password': 'p w' },
      expected: { 'chart.credentials': { username: 'AWS', password: 'p w' } },
    },
    {
      inputs: { 'chart-password': 'for other targets' },
      expected: { 'chart.credentials': undefined },
    },
    { inputs: { 'allow-chart-change': 'true' }, expected: { allowChartChange: true } },
    {
      inputs: { cutover: 'last', 'on-failure': 'rollback' },
      expected: { cutover: 'last', onFailure: 'rollback' },
    },
    {
      inputs: { chart: 'oci://registry.example.com/milvus', 'chart-version': '5.0.19' },
      expected: { 'chart.name': 'oci://registry.example.com/milvus', 'chart.version': '5.0.19' },
    },
    {
      inputs: { chart: 'oci://registry.example.com/milvus:5.0.19_1' },
      expected: {
        'chart.name': 'oci://registry.example.com/milvus:5.0.19_1',
        'chart.version': '5.0.19+1',
      },
    },
    {
      inputs: { chart: 'oci://registry.example.com/milvus:stable' },
      expected: { 'chart.version': undefined },
    },
    {
      inputs: { values: 'proxy: {replicas: 2}' },
      expected: { values: { proxy: { replicas: 2 } } },
    },
    {
      inputs: { values: 'service: {type: ClusterIP, annotations: null}' },
      expected: { values: { service: { type: 'ClusterIP', annotations: null } } },
    },
    { inputs: { values: 'service:' }, expected: { values: { service: null } } },
    {
      inputs: { 'ingress-name': 'front', 'ingress-class': 'alb.internal' },
      expected: { 'ingress.name': 'front', 'ingress.className': 'alb.internal' },
    },
    {
      inputs: { scheme: 'internal', 'listen-port': '19530' },
      expected: { 'ingress.scheme': 'internal', 'ingress.listenPort': 19530 },
    },
    {
      inputs: {
        'inbound-cidrs': '10.0.0.0/8\n::/0',
        subnets: '[a, b]',
        'security-groups': 'sg-0a1b2c3d sg-4e5f6a7b',
      },
      expected: {
        'ingress.inboundCidrs': ['10.0.0.0/8', '::/0'],
        'ingress.subnets': ['a', 'b'],
        'ingress.securityGroups': ['sg-0a1b2c3d', 'sg-4e5f6a7b'],
      },
    },
    { inputs: { 'idle-timeout': '4000s' }, expected: { 'ingress.idleTimeout': 4000 } },
    {
      inputs: {
        tags: 'team=search',
        annotations: 'alb.ingress.kubernetes.io/wafv2-acl-name: edge',
      },
      expected: {
        'ingress.tags': { team: 'search' },
        'ingress.annotations': { 'alb.ingress.kubernetes.io/wafv2-acl-name': 'edge' },
      },
    },
    {
      inputs: { 'force-conflicts': 'True', summary: 'false' },
      expected: { 'ingress.forceConflicts': true, summary: false },
    },
    {
      inputs: { 'release-timeout': '1h', 'load-balancer-timeout': '30m', 'probe-timeout': '90s' },
      expected: { timeouts: { release: 3600, loadBalancer: 1800, probe: 90, lock: 5400 } },
    },
    { inputs: { 'lock-timeout': '45m' }, expected: { 'timeouts.lock': 2700 } },
    {
      inputs: { probe: 'off', 'probe-address': '[::1]:8443', 'milvus-token': 'root:Milvus' },
      expected: {
        probe: {
          required: false,
          isLenient: false,
          isDeep: false,
          ca: undefined,
          clientCertificate: undefined,
          address: { host: '::1', port: 8443 },
          token: 'root:Milvus',
          byHostname: false,
        },
      },
    },
    {
      inputs: { probe: 'lenient' },
      expected: { 'probe.required': true, 'probe.isLenient': true },
    },
    {
      inputs: { probe: 'deep' },
      expected: { 'probe.required': true, 'probe.isDeep': true },
    },
    { inputs: { region: 'eu-west-1' }, expected: { region: 'eu-west-1' } },
    { inputs: { 'restore-service-type': 'NodePort' }, expected: { serviceType: 'ClusterIP' } },
    {
      inputs: { mode: 'destroy', host: '', 'certificate-arn': '' },
      expected: { mode: 'destroy', serviceType: undefined },
    },
    {
      inputs: {
        mode: 'destroy',
        host: 'no name',
        certificate: 'no certificate',
        'restore-service-type': 'NodePort',
      },
      expected: { serviceType: 'NodePort' },
    },
    {
      inputs: {
        mode: 'destroy',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/nlb',
      },
      expected: { serviceType: 'LoadBalancer', restoreLoadBalancerClass: 'service.k8s.aws/nlb' },
    },
    {
      inputs: { 'restore-load-balancer-class': 'none' },
      expected: { restoreLoadBalancerClass: undefined },
    },
    {
      inputs: { 'allowed-account-ids': '111122223333' },
      expected: { allowedAccounts: ['111122223333'] },
    },
  ])('$inputs', ({ inputs, expected }) => {
    const settings = readInputs({ ...minimalInputsFor(inputs['region'] ?? 'us-east-2'), ...inputs })
    for (const [path, value] of Object.entries(expected))
      expect(settings).toHaveProperty(path, value)
  })

  test.each([
    '111122223333,012345678901',
    '111122223333\n012345678901\n',
    '- 111122223333\n- "012345678901"',
    '["111122223333", 012345678901]',
    '1111-2222-3333 0123-4567-8901',
  ])('accepts allowed-account-ids %j', (ids) => {
    expect(readInputs({ ...minimalInputs, 'allowed-account-ids': ids }).allowedAccounts).toEqual([
      '111122223333',
      '012345678901',
    ])
  })

  test('accepts the certificate, the key and the chain in base64', () => {
    const [certificate, key, chain] = [issued.certificate, issued.privateKey, issued.chain].map(
      (pem) => Buffer.from(pem).toString('base64'),
    )
    const { certificate: source } = readEndpointInputs({
      ...minimalInputs,
      'certificate-arn': '',
      certificate: certificate ?? '',
      'private-key': key ?? '',
      'certificate-chain': chain ?? '',
    })
    expect(source).toMatchObject({ kind: 'material', material: { unrelatedCertificates: [] } })
    expect(source.kind === 'material' && source.material.chain.map(({ ca }) => ca)).toEqual([true])
  })
})
