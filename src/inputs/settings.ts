/** Inputs to one frozen, typed Settings. Every problem found is reported, not only the first. */
import { getInput } from '@actions/core'
import { delimiter } from 'node:path'
import { ActionError, combineErrors, toActionError } from '../failures/action-error.ts'
import { parseAccountIds } from './accounts.ts'
import {
  isAnnotationKey,
  validateAnnotations,
  reservedAnnotations,
} from '../controller/annotations.ts'
import { validateTags } from '../controller/tags.ts'
import { parseChartName, parseChartRepository, versionFromChartName } from './chart.ts'
import { inputDefaults, type InputName } from './inputs.ts'
import * as parsers from './parsers.ts'
import { parsePem } from './pem.ts'
import { readRestoration } from './restore-service.ts'
import type {
  CertificateSource,
  ClusterAccess,
  IngressSettings,
  ProbeSettings,
  Settings,
} from './types.ts'
import { parseCertificateMaterial } from '../x509/certificate.ts'
import { parseCertificates } from '../x509/parse.ts'

/**
 * An input's text, or the default that an empty one means. Keys keep their line breaks:
 * @actions/core trims only the ends.
 */
export function getInputText(name: InputName): string {
  return getInput(name) || inputDefaults[name]
}

/** helm's values may have certificates in them. */
const pemInputs: readonly InputName[] = [
  'certificate',
  'private-key',
  'certificate-chain',
  'probe-ca',
  'values',
]

/** Collects what the parsers throw, so that one run shows every problem. */
class InputReader {
  readonly problems: ActionError[] = []

  /** The parsed input; undefined when it is empty or wrong. */
  optional<T>(name: InputName, parse: (raw: string) => T): T | undefined {
    const raw = getInputText(name)
    return raw === ''
      ? undefined
      : this.collectProblem(name, () => {
          parsers.rejectPlaceholder(raw)
          if (!pemInputs.includes(name)) parsers.rejectPem(raw)
          return parse(raw)
        })
  }

  /** An input that is never empty, because it has a default or because it must be given. */
  required<T>(name: InputName, parse: (raw: string) => T, remedy: string): T | undefined {
    if (getInputText(name) === '') this.addMissing(name, remedy)
    return this.optional(name, parse)
  }

  addMissing(name: InputName | 'region', remedy: string): void {
    this.problems.push(
      new ActionError({ code: 'input-missing', problem: `Input ${name} is empty.`, remedy }),
    )
  }

  addConflict(problem: string, remedy: string): void {
    this.problems.push(new ActionError({ code: 'inputs-conflict', problem, remedy }))
  }

  collectProblem<T>(name: InputName, parse: () => T): T | undefined {
    try {
      return parse()
    } catch (thrown) {
      this.problems.push(
        thrown instanceof parsers.InvalidInputError
          ? new ActionError({
              code: 'input-invalid',
              problem: `Input ${name} ${thrown.message}`,
              remedy: thrown.remedy,
              cause: thrown.cause,
            })
          : toActionError(thrown),
      )
      return undefined
    }
  }
}

/**
 * Reads all inputs.
 * @param env for AWS_REGION, AWS_DEFAULT_REGION and KUBECONFIG
 * @throws ActionError of every problem found
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const reader = new InputReader()
  const probe = readProbe(reader)
  const mode = reader.optional('mode', parsers.oneOf('deploy', 'check', 'destroy'))
  // Each part says undefined for what it could not read; it then has left a problem, and Settings
  // is never built.
  const settings = {
    mode,
    dryRun: reader.optional('dry-run', parsers.boolean),
    failOnDrift: reader.optional('fail-on-drift', parsers.boolean),
    clusterAccess: readAccess(reader, env),
    region: readRegion(reader, env),
    allowedAccounts: reader.optional('allowed-account-ids', parseAccountIds) ?? [],
    namespace: reader.optional('namespace', parsers.kubernetesName),
    ...readMilvus(reader),
    ...(mode === 'destroy' ? destroyEndpoint : readEndpoint(reader, env, probe.ca, mode)),
    replaceCertificate: reader.optional('replace-certificate', parsers.boolean),
    expiryWarningDays: reader.optional('expiry-warning', parsers.days),
    chart: readChart(reader, mode),
    helmStorage: readHelmStorage(reader, env['HELM_DRIVER'] ?? ''),
    values: reader.optional('values', parsers.helmValues) ?? {},
    ...(mode === 'destroy'
      ? readRestoration(reader, getInputText('service'))
      : { serviceType: 'ClusterIP', restoreLoadBalancerClass: undefined }),
    allowChartChange: reader.optional('allow-chart-change', parsers.boolean),
    cutover: readCutover(reader, mode),
    onFailure: reader.optional('on-failure', parsers.oneOf('keep', 'rollback')),
    ingress: readIngress(reader),
    timeouts: readTimeouts(reader),
    requireAuthorization: reader.optional('require-authorization', parsers.boolean),
    probe,
    summary: reader.optional('summary', parsers.boolean),
  }
  if (reader.problems.length > 0) throw combineErrors(reader.problems)
  return deepFreeze(settings as Settings)
}

/** Plain objects and lists only: certificates and keys are not ours to freeze. */
function deepFreeze<T>(value: T): T {
  if (
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  )
    Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}

function readAccess(reader: InputReader, env: NodeJS.ProcessEnv): ClusterAccess | undefined {
  const cluster = reader.optional('cluster', parsers.clusterName)
  const kubeconfig = reader.optional('kubeconfig', parsers.text)
  const context = reader.optional('context', parsers.text)
  if (getInputText('cluster') !== '' && kubeconfig !== undefined)
    reader.addConflict(
      'Inputs cluster and kubeconfig are both given.',
      'Give cluster for EKS, or kubeconfig for a file that says how to reach the cluster.',
    )
  if (getInputText('cluster') !== '' && context !== undefined)
    reader.addConflict(
      'Input context is given with cluster, which has no contexts.',
      'Leave context empty, or give kubeconfig in place of cluster.',
    )
  if (getInputText('cluster') !== '')
    return cluster === undefined ? undefined : { kind: 'eks', cluster }
  if (getInputText('kubeconfig') !== '' && kubeconfig === undefined) return undefined
  const paths = (kubeconfig ?? env['KUBECONFIG'] ?? '')
    .split(delimiter)
    .filter((path) => path !== '')
  if (paths.length === 0)
    reader.addMissing(
      'cluster',
      'Give the name of the EKS cluster, or kubeconfig (or KUBECONFIG) for a file that says how to reach it.',
    )
  return { kind: 'kubeconfig', paths, context }
}

const findRegion = (env: NodeJS.ProcessEnv): string | undefined =>
  getInputText('region') || env['AWS_REGION'] || env['AWS_DEFAULT_REGION']

function readRegion(reader: InputReader, env: NodeJS.ProcessEnv): string | undefined {
  const raw = findRegion(env)
  if (!raw)
    reader.addMissing(
      'region',
      'Give the AWS region of the cluster, or set AWS_REGION (aws-actions/configure-aws-credentials does).',
    )
  return raw ? reader.collectProblem('region', () => parsers.region(raw)) : undefined
}

function readTimeouts(reader: InputReader): {
  [K in keyof Settings['timeouts']]: number | undefined
} {
  const parseTimeout = parsers.duration(1, 86_400)
  const [release, loadBalancer, probe] = [
    reader.optional('release-timeout', parseTimeout),
    reader.optional('load-balancer-timeout', parseTimeout),
    reader.optional('probe-timeout', parseTimeout),
  ]
  return {
    release,
    loadBalancer,
    probe,
    lock: reader.optional('lock-timeout', parseTimeout) ?? (release ?? 0) + (loadBalancer ?? 0),
  }
}

function readMilvus(reader: InputReader): Pick<Settings, 'release' | 'service' | 'servicePort'> {
  const release = reader.optional('release', parsers.kubernetesName)
  const service = reader.optional('service', parsers.kubernetesName)
  if (release !== undefined && service !== undefined) {
    reader.addConflict(
      'Inputs release and service are both given.',
      'Give release for a Milvus that helm installed; give service only for one without a helm release.',
    )
  }
  return { release, service, servicePort: reader.optional('service-port', parsers.port) }
}

const readEndpoint = (
  reader: InputReader,
  env: NodeJS.ProcessEnv,
  caBundle: string | undefined,
  mode: Settings['mode'] | undefined,
): { [K in 'host' | 'certificate']: Settings[K] | undefined } => ({
  host: reader.required(
    'host',
    parsers.host,
    'Give the DNS name that clients connect to, for example milvus.example.com.',
  ),
  certificate: readCertificate(reader, env, caBundle, mode),
})

/** What a removal has in their place. */
const destroyEndpoint: Pick<Settings, 'host' | 'certificate'> = {
  host: '',
  certificate: { kind: 'arn', arn: '' },
}

function readCertificate(
  reader: InputReader,
  env: NodeJS.ProcessEnv,
  caBundle: string | undefined,
  mode: Settings['mode'] | undefined,
): CertificateSource | undefined {
  const arn = reader.optional('certificate-arn', parsers.certificateArn)
  const certificate = reader.optional('certificate', parsePem)
  const privateKey = reader.optional('private-key', parsePem)
  const chain = reader.optional('certificate-chain', parsePem) ?? ''
  const providedInputs = (['certificate', 'private-key', 'certificate-chain'] as const).filter(
    (name) => getInputText(name) !== '',
  )
  if (arn !== undefined) checkArnRegion(reader, arn, findRegion(env))
  if (getInputText('certificate-arn') !== '' && providedInputs.length === 0)
    return arn === undefined ? undefined : { kind: 'arn', arn }
  if (providedInputs.length === 0) {
    if (mode === 'check') return { kind: 'served' }
    reader.addMissing(
      'certificate',
      'Give certificate and private-key, or certificate-arn. A secret that does not exist in this environment reads as empty.',
    )
    return undefined
  }
  const emptySecret =
    'Give it with its certificate. A secret that does not exist in this environment, or under another name, reads as empty.'
  if (getInputText('certificate') === '') reader.addMissing('certificate', emptySecret)
  const allowsMissingKey = canOmitKey(mode)
  if (getInputText('private-key') === '' && !allowsMissingKey)
    reader.addMissing('private-key', emptySecret)
  if (certificate === undefined || (privateKey === undefined && !allowsMissingKey)) return undefined
  const material = reader.collectProblem('certificate', () =>
    parseCertificateMaterial(
      { certificate, privateKey: privateKey ?? '', chain },
      parseCertificates(caBundle ?? ''),
    ),
  )
  return material && { kind: 'material', material, importArn: arn }
}

/** A check compares a certificate without its key. */
const canOmitKey = (mode: Settings['mode'] | undefined): boolean =>
  mode === 'check' && getInputText('private-key') === ''

function checkArnRegion(reader: InputReader, arn: string, region: string | undefined): void {
  const arnRegion = arn.split(':')[3] ?? ''
  if (!region || arnRegion === region || !parsers.isRegion(region)) return
  reader.addConflict(
    `Input certificate-arn is of region ${arnRegion}, and the cluster is in ${region}.`,
    'An ALB takes only certificates of its own region: give one of that, or certificate and private-key.',
  )
}

function readChart(
  reader: InputReader,
  mode: Settings['mode'] | undefined,
): { [K in keyof Settings['chart']]: Settings['chart'][K] | undefined } {
  const name = reader.optional('chart', parseChartName)
  return {
    name,
    repository: reader.optional('chart-repository', parseChartRepository),
    version: reader.optional('chart-version', parsers.exactVersion) ?? versionFromChartName(name),
    credentials: mode === 'check' ? undefined : readChartCredentials(reader),
  }
}

/**
 * For a run that fetches the chart. A password without a user name is left alone: a workflow gives
 * its secrets to all targets, also to those with a public chart.
 */
function readChartCredentials(reader: InputReader): Settings['chart']['credentials'] {
  const username = reader.optional('chart-username', parsers.text)
  const password = reader.optional('chart-password', parsers.text)
  if (username !== undefined && password === undefined)
    reader.addMissing(
      'chart-password',
      'Give it with chart-username. A secret that does not exist in this environment, or under another name, reads as empty.',
    )
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** Source: helm, HELM_DRIVER; an empty one means Secrets. */
function readHelmStorage(reader: InputReader, driver: string): Settings['helmStorage'] {
  if (/^configmaps?$/.test(driver)) return 'ConfigMap'
  if (!/^(secrets?)?$/.test(driver) && getInputText('service') === '') {
    reader.addConflict(
      `HELM_DRIVER is ${driver}, and this action reads releases only from Secrets and ConfigMaps.`,
      'Give service in place of release, and set its type to ClusterIP where helm runs.',
    )
  }
  return 'Secret'
}

function readCutover(
  reader: InputReader,
  mode: Settings['mode'] | undefined,
): Settings['cutover'] | undefined {
  const cutover = reader.optional('cutover', parsers.oneOf('first', 'last', 'never'))
  const releaseInputs = (['values', 'chart-version'] as const).filter(
    (name) => getInputText(name) !== '',
  )
  if (cutover === 'last' && getInputText('probe') === 'off')
    reader.addConflict(
      'Input cutover is last, and probe is off: nothing would prove the ALB before the old load balancer goes.',
      'Run the job where it reaches the ALB with probe: required; or set cutover: never now, and first once you have seen that the ALB serves.',
    )
  if (cutover === 'never' && releaseInputs.length > 0 && mode !== 'destroy')
    reader.addConflict(
      `Input cutover is never, which leaves the release alone, and ${releaseInputs.join(' and ')} would change it.`,
      `Leave ${releaseInputs.join(' and ')} empty, or set cutover to first or last.`,
    )
  return cutover
}

function readAnnotations(raw: string): Record<string, string> {
  const annotations = parsers.stringMap(raw)
  const reserved = Object.keys(annotations).find((key) => Object.hasOwn(reservedAnnotations, key))
  if (reserved !== undefined)
    throw new parsers.InvalidInputError(
      `has ${reserved}, which is set by ${reservedAnnotations[reserved] ?? ''}.`,
      'Take it out of annotations.',
    )
  const invalidKey = Object.keys(annotations).find((key) => !isAnnotationKey(key))
  if (invalidKey !== undefined)
    throw new parsers.InvalidInputError(
      `has ${parsers.quoteForError(invalidKey)}, which is no key of an annotation.`,
      'Give one "prefix/name: \'value\'" a line.',
    )
  const rejected = validateAnnotations(annotations)
  if (rejected.length > 0)
    throw new parsers.InvalidInputError(
      `has what the controller or ELB would refuse: ${parsers.summarize(rejected)}.`,
      'Correct or take out these entries of annotations.',
    )
  const attribute = /idle_timeout\.timeout_seconds|routing\.http2\.enabled=false/.exec(
    annotations['alb.ingress.kubernetes.io/load-balancer-attributes'] ?? '',
  )
  if (attribute)
    throw new parsers.InvalidInputError(
      `has the load balancer attribute ${attribute[0]}.`,
      attribute[0].startsWith('idle')
        ? 'Give input idle-timeout in its place.'
        : 'Take it out: gRPC needs HTTP/2.',
    )
  return annotations
}

function readTags(raw: string): Record<string, string> {
  const tags = parsers.stringMap(raw)
  const rejected = validateTags(tags)
  if (rejected.length > 0)
    throw new parsers.InvalidInputError(`${parsers.summarize(rejected)}.`, 'Correct these tags.')
  return tags
}

function readIngress(reader: InputReader): {
  [K in keyof IngressSettings]: IngressSettings[K] | undefined
} {
  return {
    name: reader.optional('ingress-name', parsers.kubernetesSubdomain),
    className: reader.optional('ingress-class', parsers.kubernetesSubdomain),
    scheme: reader.optional('scheme', parsers.oneOf('internet-facing', 'internal')),
    listenPort: reader.optional('listen-port', parsers.port),
    inboundCidrs: reader.optional('inbound-cidrs', parsers.cidrs) ?? [],
    subnets: reader.optional('subnets', parsers.list) ?? [],
    securityGroups: reader.optional('security-groups', parsers.list) ?? [],
    sslPolicy: reader.optional('ssl-policy', parsers.sslPolicy),
    // ELBv2 takes 1 to 4000 seconds: ModifyLoadBalancerAttributes, idle_timeout.timeout_seconds.
    idleTimeout: reader.optional('idle-timeout', parsers.duration(1, 4000)),
    loadBalancerName: reader.optional('load-balancer-name', parsers.loadBalancerName),
    groupName: reader.optional('group-name', parsers.groupName),
    tags: reader.optional('tags', readTags) ?? {},
    annotations: reader.optional('annotations', readAnnotations) ?? {},
    forceConflicts: reader.optional('force-conflicts', parsers.boolean),
  }
}

function readAuthorities(raw: string): string {
  const text = parsePem(raw)
  try {
    if (parseCertificates(text).length > 0) return text
  } catch {
    // Said below: the parser's own words are about ASN.1.
  }
  throw new parsers.InvalidInputError(
    'holds no certificate that can be read.',
    'Give the certificates of the authority as PEM, each from -----BEGIN CERTIFICATE----- to its end.',
  )
}

function readProbe(reader: InputReader): ProbeSettings {
  const required = reader.optional('probe', parsers.oneOf('required', 'off')) !== 'off'
  const dns = reader.optional('probe-dns', parsers.boolean) ?? false
  if (dns && !required)
    reader.addConflict(
      'Input probe-dns is true, and probe is off.',
      'Leave probe-dns at false, or set probe: required on a runner that can reach the ALB.',
    )
  return {
    required,
    byHostname: dns,
    ca: reader.optional('probe-ca', readAuthorities),
    address: reader.optional('probe-address', parsers.hostPort),
    token: reader.optional('milvus-token', parsers.text),
  }
}
