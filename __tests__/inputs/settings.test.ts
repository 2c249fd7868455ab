import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  encryptPrivateKey,
  type IssuedCertificate,
} from '../../testing/certificates.ts'
import { ActionError } from '../../src/failures/action-error.ts'
import { readSettings } from '../../src/inputs/settings.ts'
import { inputDefaults, type InputName } from '../../src/inputs/inputs.ts'
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
let issued: IssuedCertificate
let savedEnv: NodeJS.ProcessEnv

beforeAll(async () => {
  issued = await (
    await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  ).issue({ hosts: ['milvus.example.com'], keyAlgorithm: 'EC_prime256v1' })
})
beforeEach(() => {
  savedEnv = { ...process.env }
})
afterEach(() => {
  for (const name of Object.keys(process.env))
    if (!(name in savedEnv)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, savedEnv)
})

function readInputs(inputs: Inputs, env: Record<string, string> = regionEnv): Settings {
  for (const [name, value] of Object.entries(inputs))
    process.env[`INPUT_${name.toUpperCase()}`] = value
  return readSettings(env)
}

/** The smallest inputs for a region: an ALB takes only certificates of its own. */
const minimalInputsFor = (name: string): Inputs => ({
  ...minimalInputs,
  'certificate-arn': arn.replace('us-east-2', name),
})

test('a certificate of another region is refused', () => {
  expect(
    formatProblems(captureInputError({ ...minimalInputsFor('eu-west-1') }, regionEnv)),
  ).toEqual([
    'inputs-conflict: Input certificate-arn is of region eu-west-1, and the cluster is in us-east-2.',
  ])
})

function captureInputError(inputs: Inputs, env?: Record<string, string>): ActionError {
  try {
    readInputs(inputs, env)
  } catch (thrown) {
    if (thrown instanceof ActionError) return thrown
    throw thrown
  }
  throw new Error('the inputs were taken')
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
    expect(readInputs(minimalInputs)).toEqual(defaults)
  })

  test('of inputs that a reusable workflow passes empty', () => {
    const empty = Object.fromEntries(Object.keys(inputDefaults).map((name) => [name, '']))
    expect(readInputs({ ...empty, ...minimalInputs })).toEqual(defaults)
  })

  test('of inputs that are blank', () => {
    expect(
      readInputs({ ...minimalInputs, namespace: '  \n', scheme: ' ', 'milvus-token': '\n' }),
    ).toEqual(defaults)
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
  test.each<[Inputs, (settings: Settings) => unknown, unknown]>([
    [{ namespace: 'vectors' }, ({ namespace }) => namespace, 'vectors'],
    [
      { mode: 'check', 'fail-on-drift': 'false' },
      ({ mode, failOnDrift }) => [mode, failOnDrift],
      ['check', false],
    ],
    [
      { mode: 'check', 'certificate-arn': '' },
      ({ certificate }) => certificate,
      { kind: 'served' },
    ],
    [{ mode: 'check', 'chart-username': 'AWS' }, ({ chart }) => chart.credentials, undefined],
    [{ 'dry-run': 'true' }, ({ dryRun }) => dryRun, true],
    [{ release: 'milvus-demo' }, ({ release }) => release, 'milvus-demo'],
    [
      { service: 'milvus-svc', 'service-port': '19531' },
      ({ release, service, servicePort }) => [release, service, servicePort],
      [undefined, 'milvus-svc', 19531],
    ],
    [{ host: 'Milvus.Example.com.' }, ({ host }) => host, 'milvus.example.com'],
    [
      { 'chart-username': 'AWS', 'chart-password': 'p w' },
      ({ chart }) => chart.credentials,
      { username: 'AWS', password: 'p w' },
    ],
    [{ 'chart-password': 'for other targets' }, ({ chart }) => chart.credentials, undefined],
    [{ 'allow-chart-change': 'true' }, ({ allowChartChange }) => allowChartChange, true],
    [
      { cutover: 'last', 'on-failure': 'rollback' },
      ({ cutover, onFailure }) => [cutover, onFailure],
      ['last', 'rollback'],
    ],
    [
      { chart: 'oci://registry.example.com/milvus', 'chart-version': '5.0.19' },
      ({ chart }) => [chart.name, chart.version],
      ['oci://registry.example.com/milvus', '5.0.19'],
    ],
    [
      { chart: 'oci://registry.example.com/milvus:5.0.19_1' },
      ({ chart }) => [chart.name, chart.version],
      ['oci://registry.example.com/milvus:5.0.19_1', '5.0.19+1'],
    ],
    [
      { chart: 'oci://registry.example.com/milvus:stable' },
      ({ chart }) => chart.version,
      undefined,
    ],
    [{ values: 'proxy: {replicas: 2}' }, ({ values }) => values, { proxy: { replicas: 2 } }],
    [
      { values: 'service: {type: ClusterIP, annotations: null}' },
      ({ values }) => values,
      { service: { type: 'ClusterIP', annotations: null } },
    ],
    [{ values: 'service:' }, ({ values }) => values, { service: null }],
    [
      { 'ingress-name': 'front', 'ingress-class': 'alb.internal' },
      ({ ingress }) => [ingress.name, ingress.className],
      ['front', 'alb.internal'],
    ],
    [
      { scheme: 'internal', 'listen-port': '19530' },
      ({ ingress }) => [ingress.scheme, ingress.listenPort],
      ['internal', 19530],
    ],
    [
      { 'inbound-cidrs': '10.0.0.0/8\n::/0', subnets: '[a, b]', 'security-groups': 'sg-1 sg-2' },
      ({ ingress }) => [ingress.inboundCidrs, ingress.subnets, ingress.securityGroups],
      [
        ['10.0.0.0/8', '::/0'],
        ['a', 'b'],
        ['sg-1', 'sg-2'],
      ],
    ],
    [{ 'idle-timeout': '4000s' }, ({ ingress }) => ingress.idleTimeout, 4000],
    [
      { tags: 'team=search', annotations: 'alb.ingress.kubernetes.io/wafv2-acl-name: edge' },
      ({ ingress }) => [ingress.tags, ingress.annotations],
      [{ team: 'search' }, { 'alb.ingress.kubernetes.io/wafv2-acl-name': 'edge' }],
    ],
    [
      { 'force-conflicts': 'True', summary: 'false' },
      ({ ingress, summary }) => [ingress.forceConflicts, summary],
      [true, false],
    ],
    [
      { 'release-timeout': '1h', 'load-balancer-timeout': '30m', 'probe-timeout': '90s' },
      ({ timeouts }) => timeouts,
      { release: 3600, loadBalancer: 1800, probe: 90, lock: 5400 },
    ],
    [{ 'lock-timeout': '45m' }, ({ timeouts }) => timeouts.lock, 2700],
    [
      { probe: 'off', 'probe-address': '[::1]:8443', 'milvus-token': 'root:Milvus' },
      ({ probe }) => probe,
      {
        required: false,
        ca: undefined,
        address: { host: '::1', port: 8443 },
        token: 'root:Milvus',
        byHostname: false,
      },
    ],
    [{ region: 'eu-west-1' }, (settings) => settings.region, 'eu-west-1'],
    [{ 'restore-service-type': 'NodePort' }, ({ serviceType }) => serviceType, 'ClusterIP'],
    [
      { mode: 'destroy', host: '', 'certificate-arn': '' },
      ({ mode, host, serviceType }) => [mode, host, serviceType],
      ['destroy', '', undefined],
    ],
    [
      {
        mode: 'destroy',
        host: 'no name',
        certificate: 'no certificate',
        'restore-service-type': 'NodePort',
      },
      ({ serviceType }) => serviceType,
      'NodePort',
    ],
    [
      {
        mode: 'destroy',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/nlb',
      },
      ({ serviceType, restoreLoadBalancerClass: restoredClass }) => [serviceType, restoredClass],
      ['LoadBalancer', 'service.k8s.aws/nlb'],
    ],
    [
      { 'restore-load-balancer-class': 'none' },
      ({ restoreLoadBalancerClass: restoredClass }) => restoredClass,
      undefined,
    ],
    [
      { 'allowed-account-ids': '111122223333' },
      ({ allowedAccounts }) => allowedAccounts,
      ['111122223333'],
    ],
    ...[
      '111122223333,012345678901',
      '111122223333\n012345678901\n',
      '- 111122223333\n- "012345678901"',
      '["111122223333", 012345678901]',
      '1111-2222-3333 0123-4567-8901',
    ].map((ids): [Inputs, (settings: Settings) => unknown, unknown] => [
      { 'allowed-account-ids': ids },
      ({ allowedAccounts }) => allowedAccounts,
      ['111122223333', '012345678901'],
    ]),
  ])('%j', (inputs, part, value) => {
    expect(
      part(readInputs({ ...minimalInputsFor(inputs['region'] ?? 'us-east-2'), ...inputs })),
    ).toEqual(value)
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
  test.each<[string, Inputs, Record<string, string>, Partial<Settings>]>([
    ['AWS_DEFAULT_REGION', {}, { AWS_DEFAULT_REGION: 'eu-west-1' }, { region: 'eu-west-1' }],
    [
      'AWS_REGION before AWS_DEFAULT_REGION',
      {},
      { AWS_REGION: 'us-west-2', AWS_DEFAULT_REGION: 'eu-west-1' },
      { region: 'us-west-2' },
    ],
    [
      'an empty AWS_REGION',
      {},
      { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' },
      { region: 'eu-west-1' },
    ],
    ['the input before AWS_REGION', { region: 'sa-east-1' }, regionEnv, { region: 'sa-east-1' }],
    [
      'KUBECONFIG with two files',
      { cluster: '' },
      { ...regionEnv, KUBECONFIG: '/a:/b:' },
      { clusterAccess: { kind: 'kubeconfig', paths: ['/a', '/b'], context: undefined } },
    ],
    [
      'cluster before KUBECONFIG',
      {},
      { ...regionEnv, KUBECONFIG: '/a' },
      { clusterAccess: { kind: 'eks', cluster: 'production' } },
    ],
    [
      'kubeconfig before KUBECONFIG',
      { cluster: '', kubeconfig: '/c', context: 'x' },
      { ...regionEnv, KUBECONFIG: '/a' },
      { clusterAccess: { kind: 'kubeconfig', paths: ['/c'], context: 'x' } },
    ],
    [
      'HELM_DRIVER configmap',
      {},
      { ...regionEnv, HELM_DRIVER: 'configmap' },
      { helmStorage: 'ConfigMap' },
    ],
    ['HELM_DRIVER secret', {}, { ...regionEnv, HELM_DRIVER: 'secret' }, { helmStorage: 'Secret' }],
    [
      'HELM_DRIVER sql, with no release to read',
      { service: 'milvus' },
      { ...regionEnv, HELM_DRIVER: 'sql' },
      { helmStorage: 'Secret' },
    ],
  ])('%s', (_, inputs, env, part) => {
    expect(
      readInputs({ ...minimalInputsFor(part.region ?? 'us-east-2'), ...inputs }, env),
    ).toMatchObject(part)
  })
})

describe('refusals', () => {
  test.each<[string, Inputs, Record<string, string>, string[]]>([
    [
      'nothing given',
      { cluster: '', host: '', 'certificate-arn': '' },
      {},
      [
        'input-missing: Input cluster is empty.',
        'input-missing: Input region is empty.',
        'input-missing: Input host is empty.',
        'input-missing: Input certificate is empty.',
      ],
    ],
    [
      'a key without its certificate',
      { 'certificate-arn': '', 'private-key': '-----BEGIN PRIVATE KEY-----' },
      regionEnv,
      ['input-missing: Input certificate is empty.'],
    ],
    [
      'a certificate without its key',
      { 'certificate-arn': '', certificate: '-----BEGIN CERTIFICATE-----' },
      regionEnv,
      ['input-missing: Input private-key is empty.'],
    ],
    [
      'a user name for the chart without its password',
      { 'chart-username': 'AWS' },
      regionEnv,
      ['input-missing: Input chart-password is empty.'],
    ],
    [
      'a chain alone',
      { 'certificate-arn': '', 'certificate-chain': '-----BEGIN CERTIFICATE-----' },
      regionEnv,
      ['input-missing: Input certificate is empty.', 'input-missing: Input private-key is empty.'],
    ],
    [
      'cluster and kubeconfig',
      { kubeconfig: '/c' },
      regionEnv,
      ['inputs-conflict: Inputs cluster and kubeconfig are both given.'],
    ],
    [
      'cluster and context',
      { context: 'x' },
      regionEnv,
      ['inputs-conflict: Input context is given with cluster, which has no contexts.'],
    ],
    [
      'release and service',
      { release: 'a', service: 'b' },
      regionEnv,
      ['inputs-conflict: Inputs release and service are both given.'],
    ],
    [
      'cutover last and no probe',
      { cutover: 'last', probe: 'off' },
      regionEnv,
      [
        'inputs-conflict: Input cutover is last, and probe is off: nothing would prove the ALB before the old load balancer goes.',
      ],
    ],
    [
      'cutover never and what helm would change',
      { cutover: 'never', values: 'a: b', 'chart-version': '5.0.19' },
      regionEnv,
      [
        'inputs-conflict: Input cutover is never, which leaves the release alone, and values and chart-version would change it.',
      ],
    ],
    [
      'HELM_DRIVER sql',
      {},
      { ...regionEnv, HELM_DRIVER: 'sql' },
      [
        'inputs-conflict: HELM_DRIVER is sql, and this action reads releases only from Secrets and ConfigMaps.',
      ],
    ],
    [
      'a mode that there is not',
      { mode: 'verify' },
      regionEnv,
      ['input-invalid: Input mode is "verify".'],
    ],
    [
      'a wrong region in the environment',
      {},
      { AWS_REGION: 'Ohio' },
      ['input-invalid: Input region is "Ohio", which is not an AWS region.'],
    ],
    [
      'a chart repository that is an alias',
      { 'chart-repository': 'milvus' },
      regionEnv,
      ['input-invalid: Input chart-repository is not a URL.'],
    ],
    [
      'a chart repository that is a registry',
      { 'chart-repository': 'oci://registry.example.com/charts' },
      regionEnv,
      ['input-invalid: Input chart-repository is a registry, not the URL of a chart repository.'],
    ],
    [
      'a chart repository that is an archive',
      { 'chart-repository': 'https://charts.example.com/milvus-5.0.19.tgz' },
      regionEnv,
      [
        'input-invalid: Input chart-repository is the URL of a packaged chart, not of a chart repository.',
      ],
    ],
    [
      'a chart repository with its index',
      { 'chart-repository': 'https://charts.example.com/index.yaml' },
      regionEnv,
      ['input-invalid: Input chart-repository ends in index.yaml, which helm appends itself.'],
    ],
    [
      'a chart that is a repository',
      { chart: 'https://zilliztech.github.io/milvus-helm/' },
      regionEnv,
      ['input-invalid: Input chart is a URL, and not one of a packaged chart (.tgz).'],
    ],
    [
      'a chart that is a registry alone',
      { chart: 'oci://registry.example.com' },
      regionEnv,
      [
        'input-invalid: Input chart is oci://registry.example.com, which names no chart of the registry.',
      ],
    ],
    [
      'a chart with half a digest',
      { chart: 'oci://registry.example.com/milvus@sha256:abc' },
      regionEnv,
      [
        'input-invalid: Input chart has the digest sha256:abc, which is not sha256: and 64 hexadecimal digits.',
      ],
    ],
    [
      'a chart repository of files',
      { 'chart-repository': 'file:///charts' },
      regionEnv,
      ['input-invalid: Input chart-repository is not a URL.'],
    ],
    [
      'an idle timeout that ELB does not take',
      { 'idle-timeout': '2h' },
      regionEnv,
      ['input-invalid: Input idle-timeout is "2h", which is out of range.'],
    ],
    [
      'a type for a Service without a release',
      { mode: 'destroy', service: 'milvus-svc', 'restore-service-type': 'LoadBalancer' },
      regionEnv,
      [
        'inputs-conflict: Inputs restore-service-type and service are both given, and a Service without a helm release is left to whoever manages it.',
      ],
    ],
    [
      'a type that is none to restore',
      { mode: 'destroy', 'restore-service-type': 'ClusterIP' },
      regionEnv,
      ['input-invalid: Input restore-service-type is "ClusterIP".'],
    ],
    [
      'a class without the type that it goes with',
      {
        mode: 'destroy',
        'restore-service-type': 'NodePort',
        'restore-load-balancer-class': 'none',
      },
      regionEnv,
      [
        'inputs-conflict: Input restore-load-balancer-class is set, and restore-service-type is not LoadBalancer.',
      ],
    ],
    [
      'a class that Kubernetes would refuse',
      {
        mode: 'destroy',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/',
      },
      regionEnv,
      [
        'input-invalid: Input restore-load-balancer-class is "service.k8s.aws/", which is not the class of a load balancer.',
      ],
    ],
    [
      'an account id that YAML has shortened',
      { 'allowed-account-ids': '12345678901' },
      regionEnv,
      [
        'input-invalid: Input allowed-account-ids has "12345678901", which is not the id of an AWS account: that has 12 digits.',
      ],
    ],
    [
      'an account by its alias',
      { 'allowed-account-ids': '111122223333, my-company' },
      regionEnv,
      [
        'input-invalid: Input allowed-account-ids has "my-company", which is not the id of an AWS account: that has 12 digits.',
      ],
    ],
    [
      'a probe by name and none at all',
      { probe: 'off', 'probe-dns': 'true' },
      regionEnv,
      ['inputs-conflict: Input probe-dns is true, and probe is off.'],
    ],
    [
      'a wait of no time',
      { 'probe-timeout': '0s' },
      regionEnv,
      ['input-invalid: Input probe-timeout is "0s", which is out of range.'],
    ],
  ])('%s', (_, inputs, env, expected) => {
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
        `^Input annotations has alb\\.ingress\\.kubernetes\\.io/${name}, which is set by .+\\.$`,
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
      ).toContain('no key of an annotation')
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

describe('secrets', () => {
  const canary = 'canary-Zm9vYmFy'
  const certificateInputs = (): Inputs => ({
    ...minimalInputs,
    'certificate-arn': '',
    certificate: issued.certificate,
    'private-key': issued.privateKey,
  })
  test.each<[string, () => Inputs, string[]]>([
    [
      'a key that is no PEM',
      () => ({ ...certificateInputs(), 'private-key': canary }),
      ['input-invalid'],
    ],
    [
      'a key that is broken',
      () => ({
        ...certificateInputs(),
        'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      }),
      ['private-key-unreadable'],
    ],
    [
      'a key under a pass phrase',
      () => ({
        ...certificateInputs(),
        'private-key': encryptPrivateKey(issued.privateKey, canary),
      }),
      ['private-key-unreadable'],
    ],
    [
      "key and certificate in each other's place",
      () => ({
        ...certificateInputs(),
        certificate: issued.privateKey,
        'private-key': issued.certificate,
      }),
      ['certificate-unreadable'],
    ],
    [
      'a certificate that is broken, and a key that is',
      () => ({
        ...certificateInputs(),
        certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
        'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
      }),
      ['certificate-unreadable', 'private-key-unreadable'],
    ],
    [
      'values that are not YAML',
      () => ({ ...minimalInputs, values: `password: "${canary}` }),
      ['input-invalid'],
    ],
    [
      'an archive with credentials',
      () => ({ ...minimalInputs, chart: `https://user:${canary}@charts.example.com/milvus.tgz` }),
      ['input-invalid'],
    ],
    [
      'a chart repository with credentials',
      () => ({ ...minimalInputs, 'chart-repository': `https://user:${canary}@charts.example.com` }),
      ['input-invalid'],
    ],
  ])('%s is not quoted', (_, inputs, codes) => {
    const error = captureInputError(inputs())
    expect(error.allErrors.map(({ code }) => code)).toEqual(codes)
    const errorText = collectErrorText(error)
    expect(errorText).not.toContain(canary)
    for (const line of issued.privateKey
      .split('\n')
      .filter((text) => text !== '' && !text.startsWith('-----')))
      expect(errorText).not.toContain(line)
  })
})
