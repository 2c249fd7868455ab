import { beforeAll, describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  encryptPrivateKey,
  type IssuedCertificate,
} from '../../testing/certificates.ts'
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import { inputDefaults, type InputName } from '../../src/inputs/inputs.ts'
import { parseSettings, readSettings } from '../../src/inputs/settings.ts'
import type { Settings } from '../../src/inputs/types.ts'
import { collectErrorText } from '../capture-error.ts'

type Inputs = Partial<Record<InputName, string>>

const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'
const minimalInputs: Inputs = {
  cluster: 'production',
  host: 'milvus.example.com',
  'certificate-arn': arn,
}
const regionEnv = { AWS_REGION: 'us-east-2' }

const authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
const issued = await authority.issue({
  hosts: ['milvus.example.com'],
  keyAlgorithm: 'EC_prime256v1',
})

/** @throws ActionError of everything that is wrong */
function readInputs(inputs: Inputs, env: Record<string, string> = regionEnv): Settings {
  const result = parseSettings(inputs, env)
  if ('errors' in result) throw combineErrors(result.errors)
  return result.settings
}

test('the inputs of a process are read from its environment', () => {
  const variables = Object.entries({ ...minimalInputs, namespace: ' vectors\n' }).map(
    ([name, value]) => [`INPUT_${name.toUpperCase()}`, value] as const,
  )
  try {
    Object.assign(process.env, Object.fromEntries(variables))
    expect(readSettings(regionEnv)).toMatchObject({
      namespace: 'vectors',
      host: 'milvus.example.com',
    })
    process.env['INPUT_NAMESPACE'] = 'A'
    expect(() => readSettings(regionEnv)).toThrow('Input namespace is "A"')
  } finally {
    for (const [name] of variables) Reflect.deleteProperty(process.env, name)
  }
})

/** The smallest inputs for a region: an ALB takes only certificates of its own. */
const minimalInputsFor = (name: string): Inputs => ({
  ...minimalInputs,
  'certificate-arn': arn.replace('us-east-2', name),
})

test('a certificate of another region is refused', () => {
  expect(
    formatProblems(captureInputError({ ...minimalInputsFor('eu-west-1') }, regionEnv)),
  ).toEqual([
    'inputs-conflict: Input certificate-arn is in region eu-west-1, but the cluster is in us-east-2.',
  ])
})

function captureInputError(inputs: Inputs, env?: Record<string, string>): ActionError {
  try {
    readInputs(inputs, env)
  } catch (thrown) {
    if (thrown instanceof ActionError) return thrown
    throw thrown
  }
  throw new Error('the inputs are valid')
}

const formatProblems = (error: ActionError): string[] =>
  error.allErrors.map(({ code, message }) => `${code}: ${message}`)

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
    idleTimeout: 600,
    loadBalancerName: undefined,
    groupName: undefined,
    tags: {},
    annotations: {},
    forceConflicts: false,
  },
  timeouts: { release: 600, loadBalancer: 1200, probe: 300, lock: 1800 },
  probe: { required: true, ca: undefined, address: undefined, token: undefined, byHostname: false },
  summary: true,
}

describe('defaults', () => {
  test('of inputs that are absent', () => {
    expect(readInputs(minimalInputs)).toMatchObject(defaults)
  })

  test('of inputs that a reusable workflow passes empty', () => {
    const empty = Object.fromEntries(Object.keys(inputDefaults).map((name) => [name, '']))
    expect(readInputs({ ...empty, ...minimalInputs })).toEqual(readInputs(minimalInputs))
  })

  test('of inputs that are blank', () => {
    expect(
      readInputs({ ...minimalInputs, namespace: '  \n', scheme: ' ', 'milvus-token': '\n' }),
    ).toEqual(readInputs(minimalInputs))
  })

  test('the settings are frozen, to the last list', () => {
    const settings = readInputs({ ...minimalInputs, tags: 'a=b', subnets: 'a,b' })
    const settingsObjects = [
      settings,
      settings.ingress,
      settings.ingress.tags,
      settings.ingress.subnets,
      settings.timeouts,
      settings.probe,
    ]
    expect(settingsObjects.map((part) => Object.isFrozen(part))).toEqual(
      settingsObjects.map(() => true),
    )
  })
})

describe('what each input sets', () => {
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
        'security-groups': 'sg-1 sg-2',
      },
      expected: {
        'ingress.inboundCidrs': ['10.0.0.0/8', '::/0'],
        'ingress.subnets': ['a', 'b'],
        'ingress.securityGroups': ['sg-1', 'sg-2'],
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
          ca: undefined,
          address: { host: '::1', port: 8443 },
          token: 'root:Milvus',
          byHostname: false,
        },
      },
    },
    { inputs: { region: 'eu-west-1' }, expected: { region: 'eu-west-1' } },
    { inputs: { 'restore-service-type': 'NodePort' }, expected: { serviceType: 'ClusterIP' } },
    {
      inputs: { mode: 'destroy', host: '', 'certificate-arn': '' },
      expected: { mode: 'destroy', host: '', serviceType: undefined },
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
  ])('allowed-account-ids %j', (ids) => {
    expect(readInputs({ ...minimalInputs, 'allowed-account-ids': ids }).allowedAccounts).toEqual([
      '111122223333',
      '012345678901',
    ])
  })

  test('certificate, key and chain as base64', () => {
    const [certificate, key, chain] = [issued.certificate, issued.privateKey, issued.chain].map(
      (pem) => Buffer.from(pem).toString('base64'),
    )
    const settings = readInputs({
      ...minimalInputs,
      'certificate-arn': '',
      certificate: certificate ?? '',
      'private-key': key ?? '',
      'certificate-chain': chain ?? '',
    })
    expect(settings.certificate).toMatchObject({
      kind: 'material',
      material: { unrelatedCertificates: [] },
    })
    expect(
      settings.certificate.kind === 'material' &&
        settings.certificate.material.chain.map(({ ca }) => ca),
    ).toEqual([true])
  })
})

test('a check takes a certificate without its key', () => {
  const { certificate } = readInputs({
    ...minimalInputs,
    mode: 'check',
    'certificate-arn': '',
    certificate: issued.fullchain,
  })
  expect(certificate).toMatchObject({
    kind: 'material',
    material: { privateKey: '', unrelatedCertificates: [] },
  })
})

describe('the environment', () => {
  test.each<{ name: string; inputs: Inputs; env: Record<string, string>; part: Partial<Settings> }>(
    [
      {
        name: 'AWS_DEFAULT_REGION',
        inputs: {},
        env: { AWS_DEFAULT_REGION: 'eu-west-1' },
        part: { region: 'eu-west-1' },
      },
      {
        name: 'AWS_REGION before AWS_DEFAULT_REGION',
        inputs: {},
        env: { AWS_REGION: 'us-west-2', AWS_DEFAULT_REGION: 'eu-west-1' },
        part: { region: 'us-west-2' },
      },
      {
        name: 'an empty AWS_REGION',
        inputs: {},
        env: { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' },
        part: { region: 'eu-west-1' },
      },
      {
        name: 'the input before AWS_REGION',
        inputs: { region: 'sa-east-1' },
        env: regionEnv,
        part: { region: 'sa-east-1' },
      },
      {
        name: 'KUBECONFIG with two files',
        inputs: { cluster: '' },
        env: { ...regionEnv, KUBECONFIG: '/a:/b:' },
        part: { clusterAccess: { kind: 'kubeconfig', paths: ['/a', '/b'], context: undefined } },
      },
      {
        name: 'cluster before KUBECONFIG',
        inputs: {},
        env: { ...regionEnv, KUBECONFIG: '/a' },
        part: { clusterAccess: { kind: 'eks', cluster: 'production' } },
      },
      {
        name: 'kubeconfig before KUBECONFIG',
        inputs: { cluster: '', kubeconfig: '/c', context: 'x' },
        env: { ...regionEnv, KUBECONFIG: '/a' },
        part: { clusterAccess: { kind: 'kubeconfig', paths: ['/c'], context: 'x' } },
      },
      {
        name: 'HELM_DRIVER configmap',
        inputs: {},
        env: { ...regionEnv, HELM_DRIVER: 'configmap' },
        part: { helmStorage: 'ConfigMap' },
      },
      {
        name: 'HELM_DRIVER secret',
        inputs: {},
        env: { ...regionEnv, HELM_DRIVER: 'secret' },
        part: { helmStorage: 'Secret' },
      },
      {
        name: 'HELM_DRIVER sql, with no release to read',
        inputs: { service: 'milvus' },
        env: { ...regionEnv, HELM_DRIVER: 'sql' },
        part: { helmStorage: 'Secret' },
      },
    ],
  )('$name', ({ inputs, env, part }) => {
    expect(
      readInputs({ ...minimalInputsFor(part.region ?? 'us-east-2'), ...inputs }, env),
    ).toMatchObject(part)
  })
})

describe('invalid inputs', () => {
  test.each<{ name: string; inputs: Inputs; env: Record<string, string>; expected: string[] }>([
    {
      name: 'nothing given',
      inputs: { cluster: '', host: '', 'certificate-arn': '' },
      env: {},
      expected: [
        'input-missing: Input cluster is empty.',
        'input-missing: Input region is empty.',
        'input-missing: Input host is empty.',
        'input-missing: Input certificate is empty.',
      ],
    },
    {
      name: 'a key without its certificate',
      inputs: { 'certificate-arn': '', 'private-key': '-----BEGIN PRIVATE KEY-----' },
      env: regionEnv,
      expected: ['input-missing: Input certificate is empty.'],
    },
    {
      name: 'a certificate without its key',
      inputs: { 'certificate-arn': '', certificate: '-----BEGIN CERTIFICATE-----' },
      env: regionEnv,
      expected: ['input-missing: Input private-key is empty.'],
    },
    {
      name: 'a user name for the chart without its password',
      inputs: { 'chart-username': 'AWS' },
      env: regionEnv,
      expected: ['input-missing: Input chart-password is empty.'],
    },
    {
      name: 'a chain alone',
      inputs: { 'certificate-arn': '', 'certificate-chain': '-----BEGIN CERTIFICATE-----' },
      env: regionEnv,
      expected: [
        'input-missing: Input certificate is empty.',
        'input-missing: Input private-key is empty.',
      ],
    },
    {
      name: 'cluster and kubeconfig',
      inputs: { kubeconfig: '/c' },
      env: regionEnv,
      expected: ['inputs-conflict: Inputs cluster and kubeconfig are both set.'],
    },
    {
      name: 'cluster and context',
      inputs: { context: 'x' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input context is set together with cluster, which has no contexts.',
      ],
    },
    {
      name: 'release and service',
      inputs: { release: 'a', service: 'b' },
      env: regionEnv,
      expected: ['inputs-conflict: Inputs release and service are both set.'],
    },
    {
      name: 'cutover last and no probe',
      inputs: { cutover: 'last', probe: 'off' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input cutover is last, but probe is off: nothing would prove the ALB before the old load balancer is deleted.',
      ],
    },
    {
      name: 'cutover never and what helm would change',
      inputs: { cutover: 'never', values: 'a: b', 'chart-version': '5.0.19' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input cutover is never, which leaves the release unchanged, but values and chart-version would change it.',
      ],
    },
    {
      name: 'HELM_DRIVER sql',
      inputs: {},
      env: { ...regionEnv, HELM_DRIVER: 'sql' },
      expected: [
        'inputs-conflict: HELM_DRIVER is sql, but the action reads releases only from Secrets and ConfigMaps.',
      ],
    },
    {
      name: 'a mode that there is not',
      inputs: { mode: 'verify' },
      env: regionEnv,
      expected: ['input-invalid: Input mode is "verify", which is not a valid value.'],
    },
    {
      name: 'a wrong region in the environment',
      inputs: {},
      env: { AWS_REGION: 'Ohio' },
      expected: [
        'input-invalid: Input region is empty, and its default AWS_REGION is "Ohio", which is not an AWS region.',
      ],
    },
    {
      name: 'a chart repository that is an alias',
      inputs: { 'chart-repository': 'milvus' },
      env: regionEnv,
      expected: ['input-invalid: Input chart-repository is not an http or https URL.'],
    },
    {
      name: 'a chart repository that is a registry',
      inputs: { 'chart-repository': 'oci://registry.example.com/charts' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart-repository is an OCI registry, not the URL of a chart repository.',
      ],
    },
    {
      name: 'a chart repository that is an archive',
      inputs: { 'chart-repository': 'https://charts.example.com/milvus-5.0.19.tgz' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart-repository is the URL of a packaged chart, not of a chart repository.',
      ],
    },
    {
      name: 'a chart repository with its index',
      inputs: { 'chart-repository': 'https://charts.example.com/index.yaml' },
      env: regionEnv,
      expected: ['input-invalid: Input chart-repository ends in index.yaml, which helm appends.'],
    },
    {
      name: 'a chart that is a repository',
      inputs: { chart: 'https://zilliztech.github.io/milvus-helm/' },
      env: regionEnv,
      expected: ['input-invalid: Input chart is a URL, but not of a packaged chart (.tgz).'],
    },
    {
      name: 'a chart that is a registry alone',
      inputs: { chart: 'oci://registry.example.com' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart is oci://registry.example.com, which does not name a chart in the registry.',
      ],
    },
    {
      name: 'a chart with half a digest',
      inputs: { chart: 'oci://registry.example.com/milvus@sha256:abc' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart contains the digest sha256:abc, which is not sha256: with 64 hexadecimal digits.',
      ],
    },
    {
      name: 'a chart repository of files',
      inputs: { 'chart-repository': 'file:///charts' },
      env: regionEnv,
      expected: ['input-invalid: Input chart-repository is not an http or https URL.'],
    },
    {
      name: 'an idle timeout that ELB does not take',
      inputs: { 'idle-timeout': '2h' },
      env: regionEnv,
      expected: ['input-invalid: Input idle-timeout is "2h", which is out of range.'],
    },
    {
      name: 'a type for a Service without a release',
      inputs: { mode: 'destroy', service: 'milvus-svc', 'restore-service-type': 'LoadBalancer' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Inputs restore-service-type and service are both set, but the action does not change a Service without a Helm release.',
      ],
    },
    {
      name: 'a type that is none to restore',
      inputs: { mode: 'destroy', 'restore-service-type': 'ClusterIP' },
      env: regionEnv,
      expected: [
        'input-invalid: Input restore-service-type is "ClusterIP", which is not a valid value.',
      ],
    },
    {
      name: 'a class without the type that it goes with',
      inputs: {
        mode: 'destroy',
        'restore-service-type': 'NodePort',
        'restore-load-balancer-class': 'none',
      },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input restore-load-balancer-class is set, but restore-service-type is not LoadBalancer.',
      ],
    },
    {
      name: 'a class that Kubernetes would refuse',
      inputs: {
        mode: 'destroy',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/',
      },
      env: regionEnv,
      expected: [
        'input-invalid: Input restore-load-balancer-class is "service.k8s.aws/", which is not a load balancer class.',
      ],
    },
    {
      name: 'an account id that YAML has shortened',
      inputs: { 'allowed-account-ids': '12345678901' },
      env: regionEnv,
      expected: [
        'input-invalid: Input allowed-account-ids contains "12345678901", which is not an AWS account ID: those have 12 digits.',
      ],
    },
    {
      name: 'an account by its alias',
      inputs: { 'allowed-account-ids': '111122223333, my-company' },
      env: regionEnv,
      expected: [
        'input-invalid: Input allowed-account-ids contains "my-company", which is not an AWS account ID: those have 12 digits.',
      ],
    },
    {
      name: 'a probe by name and none at all',
      inputs: { probe: 'off', 'probe-dns': 'true' },
      env: regionEnv,
      expected: ['inputs-conflict: Input probe-dns is true, but probe is off.'],
    },
    {
      name: 'a wait of no time',
      inputs: { 'probe-timeout': '0s' },
      env: regionEnv,
      expected: ['input-invalid: Input probe-timeout is "0s", which is out of range.'],
    },
  ])('$name', ({ inputs, env, expected }) => {
    expect(formatProblems(captureInputError({ ...minimalInputs, ...inputs }, env))).toEqual(
      expected,
    )
  })

  test('all problems at once, ranked, each with what to do', () => {
    const error = captureInputError(
      {
        cluster: 'c',
        kubeconfig: '/k',
        host: 'milvus',
        'listen-port': '0',
        scheme: 'public',
        namespace: 'A',
        'certificate-arn': '',
        region: 'x',
        tags: '- a',
        'force-conflicts': 'yes',
      },
      {},
    )
    expect(error.code).toBe('input-missing')
    expect(error.allErrors.map(({ code }) => code)).toEqual([
      'input-missing',
      ...Array.from({ length: 7 }, () => 'input-invalid'),
      'inputs-conflict',
    ])
    for (const name of [
      'region',
      'namespace',
      'host',
      'listen-port',
      'scheme',
      'tags',
      'force-conflicts',
    ])
      expect(formatProblems(error).join('\n')).toContain(`Input ${name} `)
    expect(error.allErrors.map(({ remedy }) => remedy)).toEqual(
      error.allErrors.map(() => expect.stringMatching(/\.$/) as unknown),
    )
  })

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
  ])('the annotation %s has its own place', (name) => {
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
  ])('the annotation %s is free', (key, value) => {
    expect(
      readInputs({ ...minimalInputs, annotations: `${key}: ${value}` }).ingress.annotations,
    ).toEqual({ [key]: value })
  })

  test.each(['a b', 'a/b/c', '-a', 'A.example.com/b', 'a.example.com/'])(
    'the annotation %j has no key that Kubernetes takes',
    (key) => {
      expect(
        captureInputError({ ...minimalInputs, annotations: JSON.stringify({ [key]: 'x' }) })
          .message,
      ).toContain('not a valid annotation key')
    },
  )

  test.each(['milvus-alb-action/nudge', 'kubernetes.io/ingress.class'])(
    'the annotation %s would undo what this action does',
    (key) => {
      expect(captureInputError({ ...minimalInputs, annotations: `${key}: x` }).code).toBe(
        'input-invalid',
      )
    },
  )
})

describe('messages of frequent mistakes', () => {
  const emptySecret =
    'A secret that does not exist in this environment, or under another name, reads as empty.'
  const noArn: Inputs = { ...minimalInputs, 'certificate-arn': '' }
  test.each<{ name: string; inputs: Inputs; expected: string[] }>([
    {
      name: 'only a key',
      inputs: { ...noArn, 'private-key': issued.privateKey },
      expected: [
        `Input certificate is empty. Set certificate together with private-key, or set certificate-arn. ${emptySecret}`,
      ],
    },
    {
      name: 'certificate and key swapped',
      inputs: {
        ...noArn,
        certificate: issued.privateKey,
        'private-key': issued.certificate,
      },
      expected: ['Inputs certificate and private-key are swapped. Exchange the two values.'],
    },
    {
      name: 'a scheme of another cloud',
      inputs: { ...minimalInputs, scheme: 'public' },
      expected: [
        'Input scheme is "public", which is not a valid value. Use internet-facing or internal.',
      ],
    },
    {
      name: 'an address instead of a CIDR block',
      inputs: { ...minimalInputs, 'inbound-cidrs': '203.0.113.7' },
      expected: [
        'Input inbound-cidrs contains "203.0.113.7", which has no prefix length. For one address, use 203.0.113.7/32.',
      ],
    },
    {
      name: 'a list instead of a map',
      inputs: { ...minimalInputs, tags: '- team: search' },
      expected: [
        'Input tags is a YAML list. Write one "key: value" per line, without the leading "- ".',
      ],
    },
    {
      name: 'a tab',
      inputs: { ...minimalInputs, values: 'proxy:\n\treplicas: 2' },
      expected: ['Input values is not valid YAML: tab in line 2. Indent with spaces.'],
    },
    {
      name: 'an OCI registry as chart repository',
      inputs: {
        ...minimalInputs,
        'chart-repository': 'oci://registry.example.com/charts/',
      },
      expected: [
        'Input chart-repository is an OCI registry, not the URL of a chart repository. For an OCI registry, put the oci:// reference in chart, for example oci://registry.example.com/charts/milvus, and leave chart-repository empty.',
      ],
    },
    {
      name: 'one of three words',
      inputs: { ...minimalInputs, cutover: 'later' },
      expected: ['Input cutover is "later", which is not a valid value. Use first, last or never.'],
    },
  ])('$name', ({ inputs, expected }) => {
    const { allErrors } = captureInputError(inputs)
    expect(allErrors.map(({ message, remedy }) => `${message} ${remedy}`)).toEqual(expected)
  })
})

describe('secrets', () => {
  const canary = 'canary-Zm9vYmFy'
  const certificateInputs: Inputs = {
    ...minimalInputs,
    'certificate-arn': '',
    certificate: issued.certificate,
    'private-key': issued.privateKey,
  }
  test.each<{ name: string; inputs: Inputs; codes: string[] }>([
    {
      name: 'a key that is no PEM',
      inputs: { ...certificateInputs, 'private-key': canary },
      codes: ['input-invalid'],
    },
    {
      name: 'a key that is broken',
      inputs: {
        ...certificateInputs,
        'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      },
      codes: ['private-key-unreadable'],
    },
    {
      name: 'a key under a pass phrase',
      inputs: {
        ...certificateInputs,
        'private-key': encryptPrivateKey(issued.privateKey, canary),
      },
      codes: ['private-key-unreadable'],
    },
    {
      name: "key and certificate in each other's place",
      inputs: {
        ...certificateInputs,
        certificate: issued.privateKey,
        'private-key': issued.certificate,
      },
      codes: ['certificate-unreadable'],
    },
    {
      name: 'a certificate that is broken, and a key that is',
      inputs: {
        ...certificateInputs,
        certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
        'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      },
      codes: ['certificate-unreadable', 'private-key-unreadable'],
    },
    {
      name: 'values that are not YAML',
      inputs: { ...minimalInputs, values: `password: "${canary}` },
      codes: ['input-invalid'],
    },
    {
      name: 'an archive with credentials',
      inputs: {
        ...minimalInputs,
        chart: `https://user:${canary}@charts.example.com/milvus.tgz`,
      },
      codes: ['input-invalid'],
    },
    {
      name: 'a chart repository with credentials',
      inputs: {
        ...minimalInputs,
        'chart-repository': `https://user:${canary}@charts.example.com`,
      },
      codes: ['input-invalid'],
    },
  ])('$name is not quoted', ({ inputs, codes }) => {
    const error = captureInputError(inputs)
    expect(error.allErrors.map(({ code }) => code)).toEqual(codes)
    const errorText = collectErrorText(error)
    expect(errorText).not.toContain(canary)
    for (const line of issued.privateKey
      .split('\n')
      .filter((text) => text !== '' && !text.startsWith('-----')))
      expect(errorText).not.toContain(line)
  })
})
