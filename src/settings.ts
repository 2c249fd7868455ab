/** Inputs to one frozen, typed Settings. Every problem found is reported, not only the first. */
import { getInput } from '@actions/core'
import { delimiter } from 'node:path'
import { ActionError, combine, asActionError } from './core/errors.ts'
import { accountIds } from './settings/accounts.ts'
import { isAnnotationKey, refusedAnnotations, refusedTags, reservedAnnotations } from './settings/annotations.ts'
import { chartName, chartRepository, versionInName } from './settings/chart.ts'
import { inputDefaults, type InputName } from './settings/inputs.ts'
import * as form from './settings/parsers.ts'
import { pem } from './settings/pem.ts'
import { readRestoration } from './settings/restoration.ts'
import type { CertificateSource, ClusterAccess, IngressSettings, ProbeSettings, Settings } from './settings/types.ts'
import { readMaterial } from './x509/certificate.ts'
import { parseCertificates } from './x509/reading.ts'

/** An input's text, or the default that an empty one means. Keys keep their line breaks: @actions/core trims only the ends. */
export function inputText(name: InputName): string {
  return getInput(name) || inputDefaults[name]
}

/** helm's values may have certificates in them. */
const mayHoldPem: readonly InputName[] = ['certificate', 'private-key', 'certificate-chain', 'probe-ca', 'values']

/** Collects what the parsers throw, so that one run shows every problem. */
class Reader {
  readonly problems: ActionError[] = []

  /** The parsed input; undefined when it is empty or wrong. */
  optional<T>(name: InputName, parse: (raw: string) => T): T | undefined {
    const raw = inputText(name)
    return raw === '' ? undefined : this.attempt(name, () => {
      form.refusePlaceholder(raw)
      if (!mayHoldPem.includes(name)) form.refusePem(raw)
      return parse(raw)
    })
  }

  /** An input that is never empty, because it has a default or because it must be given. */
  required<T>(name: InputName, parse: (raw: string) => T, missing: string): T | undefined {
    if (inputText(name) === '') this.missing(name, missing)
    return this.optional(name, parse)
  }

  missing(name: InputName | 'region', remedy: string): void {
    this.problems.push(new ActionError({ code: 'input-missing', problem: `Input ${name} is empty.`, remedy }))
  }

  conflict(problem: string, remedy: string): void {
    this.problems.push(new ActionError({ code: 'inputs-conflict', problem, remedy }))
  }

  attempt<T>(name: InputName, work: () => T): T | undefined {
    try {
      return work()
    } catch (thrown) {
      this.problems.push(
        thrown instanceof form.InvalidInput
          ? new ActionError({ code: 'input-invalid', problem: `Input ${name} ${thrown.message}`, remedy: thrown.give, cause: thrown.cause })
          : asActionError(thrown),
      )
      return undefined
    }
  }
}

/**
 * Reads all inputs.
 * @param environment for AWS_REGION, AWS_DEFAULT_REGION and KUBECONFIG
 * @throws ActionError of every problem found
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const read = new Reader()
  const probe = readProbe(read)
  const mode = read.optional('mode', form.oneOf('deploy', 'check', 'destroy'))
  // Each part says undefined for what it could not read; it then has left a problem, and Settings is never built.
  const settings = {
    mode,
    dryRun: read.optional('dry-run', form.boolean),
    failOnDrift: read.optional('fail-on-drift', form.boolean),
    access: readAccess(read, environment),
    region: readRegion(read, environment),
    allowedAccounts: read.optional('allowed-account-ids', accountIds) ?? [],
    namespace: read.optional('namespace', form.kubernetesName),
    ...readMilvus(read),
    ...(mode === 'destroy' ? endpointOfNone : readEndpoint(read, environment, probe.ca, mode)),
    replaceCertificate: read.optional('replace-certificate', form.boolean),
    expiryWarning: read.optional('expiry-warning', form.days),
    chart: readChart(read, mode),
    helmStorage: readHelmStorage(read, environment['HELM_DRIVER'] ?? ''),
    values: read.optional('values', form.helmValues) ?? {},
    ...(mode === 'destroy' ? readRestoration(read, inputText('service')) : { serviceType: 'ClusterIP', restoredClass: undefined }),
    allowChartChange: read.optional('allow-chart-change', form.boolean),
    cutover: readCutover(read, mode),
    onFailure: read.optional('on-failure', form.oneOf('keep', 'rollback')),
    ingress: readIngress(read),
    timeouts: readTimeouts(read),
    requireAuthorization: read.optional('require-authorization', form.boolean),
    probe,
    summary: read.optional('summary', form.boolean),
  }
  if (read.problems.length > 0) throw combine(read.problems)
  return deepFreeze(settings as Settings)
}

/** Plain objects and lists only: certificates and keys are not ours to freeze. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

function readAccess(read: Reader, environment: NodeJS.ProcessEnv): ClusterAccess | undefined {
  const cluster = read.optional('cluster', form.clusterName)
  const given = read.optional('kubeconfig', form.text)
  const context = read.optional('context', form.text)
  if (inputText('cluster') !== '' && given !== undefined) read.conflict('Inputs cluster and kubeconfig are both given.', 'Give cluster for EKS, or kubeconfig for a file that says how to reach the cluster.')
  if (inputText('cluster') !== '' && context !== undefined) read.conflict('Input context is given with cluster, which has no contexts.', 'Leave context empty, or give kubeconfig in place of cluster.')
  if (inputText('cluster') !== '') return cluster === undefined ? undefined : { kind: 'eks', cluster }
  if (inputText('kubeconfig') !== '' && given === undefined) return undefined
  const paths = (given ?? environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  if (paths.length === 0) read.missing('cluster', 'Give the name of the EKS cluster, or kubeconfig (or KUBECONFIG) for a file that says how to reach it.')
  return { kind: 'kubeconfig', paths, context }
}

const regionText = (environment: NodeJS.ProcessEnv): string | undefined => inputText('region') || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION']

function readRegion(read: Reader, environment: NodeJS.ProcessEnv): string | undefined {
  const raw = regionText(environment)
  if (!raw) read.missing('region', 'Give the AWS region of the cluster, or set AWS_REGION (aws-actions/configure-aws-credentials does).')
  return raw ? read.attempt('region', () => form.region(raw)) : undefined
}

function readTimeouts(read: Reader): { [K in keyof Settings['timeouts']]: number | undefined } {
  const seconds = form.duration(1, 86_400)
  const [release, loadBalancer, probe] = [read.optional('release-timeout', seconds), read.optional('load-balancer-timeout', seconds), read.optional('probe-timeout', seconds)]
  return { release, loadBalancer, probe, lock: read.optional('lock-timeout', seconds) ?? (release ?? 0) + (loadBalancer ?? 0) }
}

function readMilvus(read: Reader): Pick<Settings, 'release' | 'service' | 'servicePort'> {
  const release = read.optional('release', form.kubernetesName)
  const service = read.optional('service', form.kubernetesName)
  if (release !== undefined && service !== undefined) {
    read.conflict('Inputs release and service are both given.', 'Give release for a Milvus that helm installed; give service only for one without a helm release.')
  }
  return { release, service, servicePort: read.optional('service-port', form.port) }
}

const readEndpoint = (read: Reader, environment: NodeJS.ProcessEnv, authorities: string | undefined, mode: Settings['mode'] | undefined): { [K in 'host' | 'certificate']: Settings[K] | undefined } => ({
  host: read.required('host', form.host, 'Give the DNS name that clients connect to, for example milvus.example.com.'),
  certificate: readCertificate(read, environment, authorities, mode),
})

/** What a removal has in their place. */
const endpointOfNone: Pick<Settings, 'host' | 'certificate'> = { host: '', certificate: { kind: 'arn', arn: '' } }

function readCertificate(read: Reader, environment: NodeJS.ProcessEnv, authorities: string | undefined, mode: Settings['mode'] | undefined): CertificateSource | undefined {
  const arn = read.optional('certificate-arn', form.certificateArn)
  const certificate = read.optional('certificate', pem)
  const privateKey = read.optional('private-key', pem)
  const chain = read.optional('certificate-chain', pem) ?? ''
  const given = (['certificate', 'private-key', 'certificate-chain'] as const).filter((name) => inputText(name) !== '')
  if (arn !== undefined) checkArnRegion(read, arn, regionText(environment))
  if (inputText('certificate-arn') !== '' && given.length === 0) return arn === undefined ? undefined : { kind: 'arn', arn }
  if (given.length === 0) {
    if (mode === 'check') return { kind: 'served' }
    read.missing('certificate', 'Give certificate and private-key, or certificate-arn. A secret that does not exist in this environment reads as empty.')
    return undefined
  }
  const emptySecret = 'Give it with its certificate. A secret that does not exist in this environment, or under another name, reads as empty.'
  if (inputText('certificate') === '') read.missing('certificate', emptySecret)
  const keyless = isKeyless(mode)
  if (inputText('private-key') === '' && !keyless) read.missing('private-key', emptySecret)
  if (certificate === undefined || (privateKey === undefined && !keyless)) return undefined
  const material = read.attempt('certificate', () => readMaterial({ certificate, privateKey: privateKey ?? '', chain }, parseCertificates(authorities ?? '')))
  return material && { kind: 'material', material, into: arn }
}

/** A check compares a certificate without its key. */
const isKeyless = (mode: Settings['mode'] | undefined): boolean => mode === 'check' && inputText('private-key') === ''

function checkArnRegion(read: Reader, arn: string, region: string | undefined): void {
  const own = arn.split(':')[3] ?? ''
  if (!region || own === region || !form.isRegion(region)) return
  read.conflict(`Input certificate-arn is of region ${own}, and the cluster is in ${region}.`, 'An ALB takes only certificates of its own region: give one of that, or certificate and private-key.')
}

function readChart(read: Reader, mode: Settings['mode'] | undefined): { [K in keyof Settings['chart']]: Settings['chart'][K] | undefined } {
  const name = read.optional('chart', chartName)
  return {
    name,
    repository: read.optional('chart-repository', chartRepository),
    version: read.optional('chart-version', form.exactVersion) ?? versionInName(name),
    credentials: mode === 'check' ? undefined : readChartCredentials(read),
  }
}

/** For a run that fetches the chart. A password without a user name is left alone: a workflow gives its secrets to all targets, also to those with a public chart. */
function readChartCredentials(read: Reader): Settings['chart']['credentials'] {
  const username = read.optional('chart-username', form.text)
  const password = read.optional('chart-password', form.text)
  if (username !== undefined && password === undefined) read.missing('chart-password', 'Give it with chart-username. A secret that does not exist in this environment, or under another name, reads as empty.')
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** Source: helm, HELM_DRIVER; an empty one means Secrets. */
function readHelmStorage(read: Reader, driver: string): Settings['helmStorage'] {
  if (/^configmaps?$/.test(driver)) return 'ConfigMap'
  if (!/^(secrets?)?$/.test(driver) && inputText('service') === '') {
    read.conflict(`HELM_DRIVER is ${driver}, and this action reads releases only from Secrets and ConfigMaps.`, 'Give service in place of release, and set its type to ClusterIP where helm runs.')
  }
  return 'Secret'
}

function readCutover(read: Reader, mode: Settings['mode'] | undefined): Settings['cutover'] | undefined {
  const cutover = read.optional('cutover', form.oneOf('first', 'last', 'never'))
  const forHelm = (['values', 'chart-version'] as const).filter((name) => inputText(name) !== '')
  if (cutover === 'last' && inputText('probe') === 'off') read.conflict('Input cutover is last, and probe is off: nothing would prove the ALB before the old load balancer goes.', 'Run the job where it reaches the ALB with probe: required; or set cutover: never now, and first once you have seen that the ALB serves.')
  if (cutover === 'never' && forHelm.length > 0 && mode !== 'destroy') read.conflict(`Input cutover is never, which leaves the release alone, and ${forHelm.join(' and ')} would change it.`, `Leave ${forHelm.join(' and ')} empty, or set cutover to first or last.`)
  return cutover
}

function readAnnotations(raw: string): Record<string, string> {
  const annotations = form.stringMap(raw)
  const reserved = Object.keys(annotations).find((key) => Object.hasOwn(reservedAnnotations, key))
  if (reserved !== undefined) throw new form.InvalidInput(`has ${reserved}, which is set by ${reservedAnnotations[reserved] ?? ''}.`, 'Take it out of annotations.')
  const unnamable = Object.keys(annotations).find((key) => !isAnnotationKey(key))
  if (unnamable !== undefined) throw new form.InvalidInput(`has ${form.inQuotes(unnamable)}, which is no key of an annotation.`, "Give one \"prefix/name: 'value'\" a line.")
  const refused = refusedAnnotations(annotations)
  if (refused.length > 0) throw new form.InvalidInput(`has what the controller or ELB would refuse: ${form.few(refused)}.`, 'Correct or take out these entries of annotations.')
  const attribute = /idle_timeout\.timeout_seconds|routing\.http2\.enabled=false/.exec(annotations['alb.ingress.kubernetes.io/load-balancer-attributes'] ?? '')
  if (attribute) throw new form.InvalidInput(`has the load balancer attribute ${attribute[0]}.`, attribute[0].startsWith('idle') ? 'Give input idle-timeout in its place.' : 'Take it out: gRPC needs HTTP/2.')
  return annotations
}

function readTags(raw: string): Record<string, string> {
  const tags = form.stringMap(raw)
  const refused = refusedTags(tags)
  if (refused.length > 0) throw new form.InvalidInput(`${form.few(refused)}.`, 'Correct these tags.')
  return tags
}

function readIngress(read: Reader): { [K in keyof IngressSettings]: IngressSettings[K] | undefined } {
  return {
    name: read.optional('ingress-name', form.kubernetesSubdomain),
    className: read.optional('ingress-class', form.kubernetesSubdomain),
    scheme: read.optional('scheme', form.oneOf('internet-facing', 'internal')),
    listenPort: read.optional('listen-port', form.port),
    inboundCidrs: read.optional('inbound-cidrs', form.cidrs) ?? [],
    subnets: read.optional('subnets', form.list) ?? [],
    securityGroups: read.optional('security-groups', form.list) ?? [],
    sslPolicy: read.optional('ssl-policy', form.sslPolicy),
    // ELBv2 takes 1 to 4000 seconds: ModifyLoadBalancerAttributes, idle_timeout.timeout_seconds.
    idleTimeout: read.optional('idle-timeout', form.duration(1, 4000)),
    loadBalancerName: read.optional('load-balancer-name', form.loadBalancerName),
    groupName: read.optional('group-name', form.groupName),
    tags: read.optional('tags', readTags) ?? {},
    annotations: read.optional('annotations', readAnnotations) ?? {},
    forceConflicts: read.optional('force-conflicts', form.boolean),
  }
}

function readAuthorities(raw: string): string {
  const text = pem(raw)
  try {
    if (parseCertificates(text).length > 0) return text
  } catch {
    // Said below: the parser's own words are about ASN.1.
  }
  throw new form.InvalidInput('holds no certificate that can be read.', 'Give the certificates of the authority as PEM, each from -----BEGIN CERTIFICATE----- to its end.')
}

function readProbe(read: Reader): ProbeSettings {
  const required = read.optional('probe', form.oneOf('required', 'off')) !== 'off'
  const dns = read.optional('probe-dns', form.boolean) ?? false
  if (dns && !required) read.conflict('Input probe-dns is true, and probe is off.', 'Leave probe-dns at false, or set probe: required on a runner that can reach the ALB.')
  return {
    required,
    dns,
    ca: read.optional('probe-ca', readAuthorities),
    address: read.optional('probe-address', form.hostPort),
    token: read.optional('milvus-token', form.text),
  }
}
