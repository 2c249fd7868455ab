import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createAuthority, encryptPrivateKey, type IssuedCertificate } from '../sandbox/certificates.ts'
import { ActionError } from '../src/core/errors.ts'
import { readSettings } from '../src/settings.ts'
import { inputDefaults, type InputName } from '../src/settings/inputs.ts'
import type { Settings } from '../src/settings/types.ts'
import { everythingIn } from './caught.ts'

type Inputs = Partial<Record<InputName, string>>

const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'
const minimal: Inputs = { cluster: 'production', host: 'milvus.example.com', 'certificate-arn': arn }
const region = { AWS_REGION: 'us-east-2' }
let issued: IssuedCertificate
let saved: NodeJS.ProcessEnv

beforeAll(async () => {
  issued = await (await createAuthority({ key: 'EC_prime256v1' })).issue({ hosts: ['milvus.example.com'], key: 'EC_prime256v1' })
})
beforeEach(() => {
  saved = { ...process.env }
})
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in saved)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, saved)
})

function read(inputs: Inputs, environment: Record<string, string> = region): Settings {
  for (const [name, value] of Object.entries(inputs)) process.env[`INPUT_${name.toUpperCase()}`] = value
  return readSettings(environment)
}

/** The smallest inputs for a region: an ALB takes only certificates of its own. */
const minimalIn = (name: string): Inputs => ({ ...minimal, 'certificate-arn': arn.replace('us-east-2', name) })

test('a certificate of another region is refused', () => {
  expect(problems(refusal({ ...minimalIn('eu-west-1') }, region))).toEqual(['inputs-conflict: Input certificate-arn is of region eu-west-1, and the cluster is in us-east-2.'])
})

function refusal(inputs: Inputs, environment?: Record<string, string>): ActionError {
  try {
    read(inputs, environment)
  } catch (thrown) {
    if (thrown instanceof ActionError) return thrown
    throw thrown
  }
  throw new Error('the inputs were taken')
}

const problems = (error: ActionError): string[] => error.all.map(({ code, message }) => `${code}: ${message}`)

const defaults = {
  mode: 'deploy',
  dryRun: false,
  failOnDrift: true,
  access: { kind: 'eks', cluster: 'production' },
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
  expiryWarning: undefined,
  chart: { name: 'milvus', repository: 'https://zilliztech.github.io/milvus-helm/', version: undefined, credentials: undefined },
  serviceType: 'ClusterIP',
  restoredClass: undefined,
  allowChartChange: false,
  cutover: 'first',
  onFailure: 'keep',
  helmStorage: 'Secret',
  values: {},
  ingress: {
    name: undefined, className: 'alb', scheme: 'internet-facing', listenPort: 443, inboundCidrs: [], subnets: [], securityGroups: [], sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    idleTimeout: 600, loadBalancerName: undefined, groupName: undefined, tags: {}, annotations: {}, forceConflicts: false,
  },
  timeouts: { release: 600, loadBalancer: 1200, probe: 300, lock: 1800 },
  probe: { required: true, ca: undefined, address: undefined, token: undefined, dns: false },
  summary: true,
}

describe('defaults', () => {
  test('of inputs that are absent', () => {
    expect(read(minimal)).toEqual(defaults)
  })

  test('of inputs that a reusable workflow passes empty', () => {
    const empty = Object.fromEntries(Object.keys(inputDefaults).map((name) => [name, '']))
    expect(read({ ...empty, ...minimal })).toEqual(defaults)
  })

  test('of inputs that are blank', () => {
    expect(read({ ...minimal, namespace: '  \n', scheme: ' ', 'milvus-token': '\n' })).toEqual(defaults)
  })

  test('the settings are frozen, to the last list', () => {
    const settings = read({ ...minimal, tags: 'a=b', subnets: 'a,b' })
    const parts = [settings, settings.ingress, settings.ingress.tags, settings.ingress.subnets, settings.timeouts, settings.probe]
    expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true))
  })
})

describe('what each input sets', () => {
  test.each<[Inputs, (settings: Settings) => unknown, unknown]>([
    [{ namespace: 'vectors' }, ({ namespace }) => namespace, 'vectors'],
    [{ mode: 'check', 'fail-on-drift': 'false' }, ({ mode, failOnDrift }) => [mode, failOnDrift], ['check', false]],
    [{ mode: 'check', 'certificate-arn': '' }, ({ certificate }) => certificate, { kind: 'served' }],
    [{ mode: 'check', 'chart-username': 'AWS' }, ({ chart }) => chart.credentials, undefined],
    [{ 'dry-run': 'true' }, ({ dryRun }) => dryRun, true],
    [{ release: 'milvus-demo' }, ({ release }) => release, 'milvus-demo'],
    [{ service: 'milvus-svc', 'service-port': '19531' }, ({ release, service, servicePort }) => [release, service, servicePort], [undefined, 'milvus-svc', 19531]],
    [{ host: 'Milvus.Example.com.' }, ({ host }) => host, 'milvus.example.com'],
    [{ 'chart-username': 'AWS', 'chart-password': 'p w' }, ({ chart }) => chart.credentials, { username: 'AWS', password: 'p w' }],
    [{ 'chart-password': 'for other targets' }, ({ chart }) => chart.credentials, undefined],
    [{ 'allow-chart-change': 'true' }, ({ allowChartChange }) => allowChartChange, true],
    [{ cutover: 'last', 'on-failure': 'rollback' }, ({ cutover, onFailure }) => [cutover, onFailure], ['last', 'rollback']],
    [{ chart: 'oci://registry.example.com/milvus', 'chart-version': '5.0.19' }, ({ chart }) => [chart.name, chart.version], ['oci://registry.example.com/milvus', '5.0.19']],
    [{ chart: 'oci://registry.example.com/milvus:5.0.19_1' }, ({ chart }) => [chart.name, chart.version], ['oci://registry.example.com/milvus:5.0.19_1', '5.0.19+1']],
    [{ chart: 'oci://registry.example.com/milvus:stable' }, ({ chart }) => chart.version, undefined],
    [{ values: 'proxy: {replicas: 2}' }, ({ values }) => values, { proxy: { replicas: 2 } }],
    [{ values: 'service: {type: ClusterIP, annotations: null}' }, ({ values }) => values, { service: { type: 'ClusterIP', annotations: null } }],
    [{ values: 'service:' }, ({ values }) => values, { service: null }],
    [{ 'ingress-name': 'front', 'ingress-class': 'alb.internal' }, ({ ingress }) => [ingress.name, ingress.className], ['front', 'alb.internal']],
    [{ scheme: 'internal', 'listen-port': '19530' }, ({ ingress }) => [ingress.scheme, ingress.listenPort], ['internal', 19530]],
    [{ 'inbound-cidrs': '10.0.0.0/8\n::/0', subnets: '[a, b]', 'security-groups': 'sg-1 sg-2' }, ({ ingress }) => [ingress.inboundCidrs, ingress.subnets, ingress.securityGroups], [['10.0.0.0/8', '::/0'], ['a', 'b'], ['sg-1', 'sg-2']]],
    [{ 'idle-timeout': '4000s' }, ({ ingress }) => ingress.idleTimeout, 4000],
    [{ tags: 'team=search', annotations: 'alb.ingress.kubernetes.io/wafv2-acl-name: edge' }, ({ ingress }) => [ingress.tags, ingress.annotations], [{ team: 'search' }, { 'alb.ingress.kubernetes.io/wafv2-acl-name': 'edge' }]],
    [{ 'force-conflicts': 'True', summary: 'false' }, ({ ingress, summary }) => [ingress.forceConflicts, summary], [true, false]],
    [{ 'release-timeout': '1h', 'load-balancer-timeout': '30m', 'probe-timeout': '90s' }, ({ timeouts }) => timeouts, { release: 3600, loadBalancer: 1800, probe: 90, lock: 5400 }],
    [{ 'lock-timeout': '45m' }, ({ timeouts }) => timeouts.lock, 2700],
    [{ probe: 'off', 'probe-address': '[::1]:8443', 'milvus-token': 'root:Milvus' }, ({ probe }) => probe, { required: false, ca: undefined, address: { host: '::1', port: 8443 }, token: 'root:Milvus', dns: false }],
    [{ region: 'eu-west-1' }, (settings) => settings.region, 'eu-west-1'],
    [{ 'restore-service-type': 'NodePort' }, ({ serviceType }) => serviceType, 'ClusterIP'],
    [{ mode: 'destroy', host: '', 'certificate-arn': '' }, ({ mode, host, serviceType }) => [mode, host, serviceType], ['destroy', '', undefined]],
    [{ mode: 'destroy', host: 'no name', certificate: 'no certificate', 'restore-service-type': 'NodePort' }, ({ serviceType }) => serviceType, 'NodePort'],
    [{ mode: 'destroy', 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'service.k8s.aws/nlb' }, ({ serviceType, restoredClass }) => [serviceType, restoredClass], ['LoadBalancer', 'service.k8s.aws/nlb']],
    [{ 'restore-load-balancer-class': 'none' }, ({ restoredClass }) => restoredClass, undefined],
    [{ 'allowed-account-ids': '111122223333' }, ({ allowedAccounts }) => allowedAccounts, ['111122223333']],
    ...['111122223333,012345678901', '111122223333\n012345678901\n', '- 111122223333\n- "012345678901"', '["111122223333", 012345678901]', '1111-2222-3333 0123-4567-8901']
      .map((ids): [Inputs, (settings: Settings) => unknown, unknown] => [{ 'allowed-account-ids': ids }, ({ allowedAccounts }) => allowedAccounts, ['111122223333', '012345678901']]),
  ])('%j', (inputs, part, value) => {
    expect(part(read({ ...minimalIn(inputs['region'] ?? 'us-east-2'), ...inputs }))).toEqual(value)
  })

  test('certificate, key and chain as base64', () => {
    const [certificate, key, chain] = [issued.certificate, issued.privateKey, issued.chain].map((pem) => Buffer.from(pem).toString('base64'))
    const settings = read({ ...minimal, 'certificate-arn': '', certificate: certificate ?? '', 'private-key': key ?? '', 'certificate-chain': chain ?? '' })
    expect(settings.certificate).toMatchObject({ kind: 'material', material: { strays: [] } })
    expect(settings.certificate.kind === 'material' && settings.certificate.material.chain.map(({ ca }) => ca)).toEqual([true])
  })
})

test('a check takes a certificate without its key', () => {
  const { certificate } = read({ ...minimal, mode: 'check', 'certificate-arn': '', certificate: issued.fullchain })
  expect(certificate).toMatchObject({ kind: 'material', material: { privateKey: '', strays: [] } })
})

describe('the environment', () => {
  test.each<[string, Inputs, Record<string, string>, Partial<Settings>]>([
    ['AWS_DEFAULT_REGION', {}, { AWS_DEFAULT_REGION: 'eu-west-1' }, { region: 'eu-west-1' }],
    ['AWS_REGION before AWS_DEFAULT_REGION', {}, { AWS_REGION: 'us-west-2', AWS_DEFAULT_REGION: 'eu-west-1' }, { region: 'us-west-2' }],
    ['an empty AWS_REGION', {}, { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-1' }, { region: 'eu-west-1' }],
    ['the input before AWS_REGION', { region: 'sa-east-1' }, region, { region: 'sa-east-1' }],
    ['KUBECONFIG with two files', { cluster: '' }, { ...region, KUBECONFIG: '/a:/b:' }, { access: { kind: 'kubeconfig', paths: ['/a', '/b'], context: undefined } }],
    ['cluster before KUBECONFIG', {}, { ...region, KUBECONFIG: '/a' }, { access: { kind: 'eks', cluster: 'production' } }],
    ['kubeconfig before KUBECONFIG', { cluster: '', kubeconfig: '/c', context: 'x' }, { ...region, KUBECONFIG: '/a' }, { access: { kind: 'kubeconfig', paths: ['/c'], context: 'x' } }],
    ['HELM_DRIVER configmap', {}, { ...region, HELM_DRIVER: 'configmap' }, { helmStorage: 'ConfigMap' }],
    ['HELM_DRIVER secret', {}, { ...region, HELM_DRIVER: 'secret' }, { helmStorage: 'Secret' }],
    ['HELM_DRIVER sql, with no release to read', { service: 'milvus' }, { ...region, HELM_DRIVER: 'sql' }, { helmStorage: 'Secret' }],
  ])('%s', (_, inputs, environment, part) => {
    expect(read({ ...minimalIn(part.region ?? 'us-east-2'), ...inputs }, environment)).toMatchObject(part)
  })
})

describe('refusals', () => {
  test.each<[string, Inputs, Record<string, string>, string[]]>([
    ['nothing given', { cluster: '', host: '', 'certificate-arn': '' }, {}, ['input-missing: Input cluster is empty.', 'input-missing: Input region is empty.', 'input-missing: Input host is empty.', 'input-missing: Input certificate is empty.']],
    ['a key without its certificate', { 'certificate-arn': '', 'private-key': '-----BEGIN PRIVATE KEY-----' }, region, ['input-missing: Input certificate is empty.']],
    ['a certificate without its key', { 'certificate-arn': '', certificate: '-----BEGIN CERTIFICATE-----' }, region, ['input-missing: Input private-key is empty.']],
    ['a user name for the chart without its password', { 'chart-username': 'AWS' }, region, ['input-missing: Input chart-password is empty.']],
    ['a chain alone', { 'certificate-arn': '', 'certificate-chain': '-----BEGIN CERTIFICATE-----' }, region, ['input-missing: Input certificate is empty.', 'input-missing: Input private-key is empty.']],
    ['cluster and kubeconfig', { kubeconfig: '/c' }, region, ['inputs-conflict: Inputs cluster and kubeconfig are both given.']],
    ['cluster and context', { context: 'x' }, region, ['inputs-conflict: Input context is given with cluster, which has no contexts.']],
    ['release and service', { release: 'a', service: 'b' }, region, ['inputs-conflict: Inputs release and service are both given.']],
    ['cutover last and no probe', { cutover: 'last', probe: 'off' }, region, ['inputs-conflict: Input cutover is last, and probe is off: nothing would prove the ALB before the old load balancer goes.']],
    ['cutover never and what helm would change', { cutover: 'never', values: 'a: b', 'chart-version': '5.0.19' }, region, ['inputs-conflict: Input cutover is never, which leaves the release alone, and values and chart-version would change it.']],
    ['HELM_DRIVER sql', {}, { ...region, HELM_DRIVER: 'sql' }, ['inputs-conflict: HELM_DRIVER is sql, and this action reads releases only from Secrets and ConfigMaps.']],
    ['a mode that there is not', { mode: 'verify' }, region, ['input-invalid: Input mode is "verify".']],
    ['a wrong region in the environment', {}, { AWS_REGION: 'Ohio' }, ['input-invalid: Input region is "Ohio", which is not an AWS region.']],
    ['a chart repository that is an alias', { 'chart-repository': 'milvus' }, region, ['input-invalid: Input chart-repository is not a URL.']],
    ['a chart repository that is a registry', { 'chart-repository': 'oci://registry.example.com/charts' }, region, ['input-invalid: Input chart-repository is a registry, not the URL of a chart repository.']],
    ['a chart repository that is an archive', { 'chart-repository': 'https://charts.example.com/milvus-5.0.19.tgz' }, region, ['input-invalid: Input chart-repository is the URL of a packaged chart, not of a chart repository.']],
    ['a chart repository with its index', { 'chart-repository': 'https://charts.example.com/index.yaml' }, region, ['input-invalid: Input chart-repository ends in index.yaml, which helm appends itself.']],
    ['a chart that is a repository', { chart: 'https://zilliztech.github.io/milvus-helm/' }, region, ['input-invalid: Input chart is a URL, and not one of a packaged chart (.tgz).']],
    ['a chart that is a registry alone', { chart: 'oci://registry.example.com' }, region, ['input-invalid: Input chart is oci://registry.example.com, which names no chart of the registry.']],
    ['a chart with half a digest', { chart: 'oci://registry.example.com/milvus@sha256:abc' }, region, ['input-invalid: Input chart has the digest sha256:abc, which is not sha256: and 64 hexadecimal digits.']],
    ['a chart repository of files', { 'chart-repository': 'file:///charts' }, region, ['input-invalid: Input chart-repository is not a URL.']],
    ['an idle timeout that ELB does not take', { 'idle-timeout': '2h' }, region, ['input-invalid: Input idle-timeout is "2h", which is out of range.']],
    ['a type for a Service without a release', { mode: 'destroy', service: 'milvus-svc', 'restore-service-type': 'LoadBalancer' }, region, ['inputs-conflict: Inputs restore-service-type and service are both given, and a Service without a helm release is left to whoever manages it.']],
    ['a type that is none to restore', { mode: 'destroy', 'restore-service-type': 'ClusterIP' }, region, ['input-invalid: Input restore-service-type is "ClusterIP".']],
    ['a class without the type that it goes with', { mode: 'destroy', 'restore-service-type': 'NodePort', 'restore-load-balancer-class': 'none' }, region, ['inputs-conflict: Input restore-load-balancer-class is set, and restore-service-type is not LoadBalancer.']],
    ['a class that Kubernetes would refuse', { mode: 'destroy', 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'service.k8s.aws/' }, region, ['input-invalid: Input restore-load-balancer-class is "service.k8s.aws/", which is not the class of a load balancer.']],
    ['an account id that YAML has shortened', { 'allowed-account-ids': '12345678901' }, region, ['input-invalid: Input allowed-account-ids has "12345678901", which is not the id of an AWS account: that has 12 digits.']],
    ['an account by its alias', { 'allowed-account-ids': '111122223333, my-company' }, region, ['input-invalid: Input allowed-account-ids has "my-company", which is not the id of an AWS account: that has 12 digits.']],
    ['a probe by name and none at all', { probe: 'off', 'probe-dns': 'true' }, region, ['inputs-conflict: Input probe-dns is true, and probe is off.']],
    ['a wait of no time', { 'probe-timeout': '0s' }, region, ['input-invalid: Input probe-timeout is "0s", which is out of range.']],
  ])('%s', (_, inputs, environment, wrong) => {
    expect(problems(refusal({ ...minimal, ...inputs }, environment))).toEqual(wrong)
  })

  test('all problems at once, ranked, each with what to do', () => {
    const error = refusal({ cluster: 'c', kubeconfig: '/k', host: 'milvus', 'listen-port': '0', scheme: 'public', namespace: 'A', 'certificate-arn': '', region: 'x', tags: '- a', 'force-conflicts': 'yes' }, {})
    expect(error.code).toBe('input-missing')
    expect(error.all.map(({ code }) => code)).toEqual(['input-missing', ...Array.from({ length: 7 }, () => 'input-invalid'), 'inputs-conflict'])
    for (const name of ['region', 'namespace', 'host', 'listen-port', 'scheme', 'tags', 'force-conflicts']) expect(problems(error).join('\n')).toContain(`Input ${name} `)
    expect(error.all.map(({ remedy }) => remedy)).toEqual(error.all.map(() => expect.stringMatching(/\.$/) as unknown))
  })

  test.each(['certificate-arn', 'scheme', 'listen-ports', 'target-type', 'backend-protocol-version', 'inbound-cidrs', 'subnets', 'security-groups', 'ssl-policy', 'load-balancer-name', 'group.name', 'tags'])('the annotation %s has its own place', (name) => {
    const [problem] = refusal({ ...minimal, annotations: `alb.ingress.kubernetes.io/${name}: x` }).all
    expect(problem?.message).toMatch(new RegExp(`^Input annotations has alb\\.ingress\\.kubernetes\\.io/${name}, which is set by .+\\.$`))
  })

  test.each([['example.com/scheme', 'x'], ['scheme', 'x'], ['alb.ingress.kubernetes.io/group.order', '10'], ['alb.ingress.kubernetes.io/wafv2-acl-name', 'x'], ['constructor', 'x']])('the annotation %s is free', (key, value) => {
    expect(read({ ...minimal, annotations: `${key}: ${value}` }).ingress.annotations).toEqual({ [key]: value })
  })

  test.each(['a b', 'a/b/c', '-a', 'A.example.com/b', 'a.example.com/'])('the annotation %j has no key that Kubernetes takes', (key) => {
    expect(refusal({ ...minimal, annotations: JSON.stringify({ [key]: 'x' }) }).message).toContain('no key of an annotation')
  })

  test.each(['milvus-alb-action/nudge', 'kubernetes.io/ingress.class'])('the annotation %s would undo what this action does', (key) => {
    expect(refusal({ ...minimal, annotations: `${key}: x` }).code).toBe('input-invalid')
  })
})

describe('secrets', () => {
  const canary = 'canary-Zm9vYmFy'
  const certificateInputs = (): Inputs => ({ ...minimal, 'certificate-arn': '', certificate: issued.certificate, 'private-key': issued.privateKey })
  test.each<[string, () => Inputs, string[]]>([
    ['a key that is no PEM', () => ({ ...certificateInputs(), 'private-key': canary }), ['input-invalid']],
    ['a key that is broken', () => ({ ...certificateInputs(), 'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----` }), ['private-key-unreadable']],
    ['a key under a pass phrase', () => ({ ...certificateInputs(), 'private-key': encryptPrivateKey(issued.privateKey, canary) }), ['private-key-unreadable']],
    ['key and certificate in each other\'s place', () => ({ ...certificateInputs(), certificate: issued.privateKey, 'private-key': issued.certificate }), ['certificate-unreadable', 'private-key-unreadable']],
    ['a certificate that is broken, and a key that is', () => ({ ...certificateInputs(), certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----', 'private-key': `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----` }), ['certificate-unreadable', 'private-key-unreadable']],
    ['values that are not YAML', () => ({ ...minimal, values: `password: "${canary}` }), ['input-invalid']],
    ['an archive with credentials', () => ({ ...minimal, chart: `https://user:${canary}@charts.example.com/milvus.tgz` }), ['input-invalid']],
    ['a chart repository with credentials', () => ({ ...minimal, 'chart-repository': `https://user:${canary}@charts.example.com` }), ['input-invalid']],
  ])('%s is not quoted', (_, inputs, codes) => {
    const error = refusal(inputs())
    expect(error.all.map(({ code }) => code)).toEqual(codes)
    const shown = everythingIn(error)
    expect(shown).not.toContain(canary)
    for (const line of issued.privateKey.split('\n').filter((text) => text !== '' && !text.startsWith('-----'))) expect(shown).not.toContain(line)
  })
})
