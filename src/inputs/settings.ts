/** Inputs to one frozen, typed Settings. Every problem is reported, not only the first. */
import { getInput } from '@actions/core'
import { combineErrors, type ActionError } from '../failures/action-error.ts'
import { hostMissing } from '../failures/inputs.ts'
import { resolveCertificateSource } from './certificate-source.ts'
import { versionFromChartName } from './chart.ts'
import { resolveClusterAccess, resolveRegion, type Resolved } from './cluster-access.ts'
import { findConflicts } from './conflicts.ts'
import { toCamelCase } from './declaration.ts'
import { loadBalancerInputs } from './declarations/load-balancer.ts'
import { inputDefaults, inputNames, type AllInputValues } from './inputs.ts'
import { parseInputs, type ParsedInputs, type RawInputs } from './parse-inputs.ts'
import type {
  IngressSettings,
  LoadBalancerSettings,
  ProbeSettings,
  Settings,
  SettingsEnvironment,
} from './types.ts'

/** Settings, or everything that is wrong with the inputs. */
export type SettingsResult =
  { readonly settings: Settings } | { readonly errors: readonly ActionError[] }

/** The texts of the inputs, as the runner passes them. */
export const readRawInputs = (): RawInputs =>
  Object.fromEntries(inputNames.map((name) => [name, getInput(name)]))

/**
 * Reads all inputs of this process.
 * @throws ActionError of every problem found
 */
export function readSettings(env: SettingsEnvironment): Settings {
  const result = parseSettings(readRawInputs(), env)
  if ('errors' in result) throw combineErrors(result.errors)
  return result.settings
}

/** Pure. */
export function parseSettings(rawInputs: RawInputs, env: SettingsEnvironment): SettingsResult {
  const inputs = parseInputs(rawInputs)
  const clusterAccess = resolveClusterAccess(inputs, env)
  const region = resolveRegion(inputs, env)
  const endpoint = resolveEndpoint(inputs)
  const errors = [
    ...inputs.errors,
    ...clusterAccess.errors,
    ...region.errors,
    ...endpoint.errors,
    ...findConflicts({ ...inputs, env, region: region.value }),
  ]
  const { value: access } = clusterAccess
  if (errors.length > 0 || !access || region.value === undefined || !endpoint.value)
    return { errors }
  const settings: Settings = {
    // Without an error, every input that the mode reads has a value.
    ...buildCommonSettings(inputs.values as AllInputValues, env),
    ...endpoint.value,
    clusterAccess: access,
    region: region.value,
  }
  return { settings: deepFreeze(settings) }
}

type EndpointSettings = Pick<Settings, 'host' | 'certificate'>

/** A removal needs no host, and deletes the certificate that the Ingress names. */
const removedEndpoint: EndpointSettings = { host: '', certificate: { kind: 'served' } }

function resolveEndpoint(inputs: ParsedInputs): Resolved<EndpointSettings> {
  const { values, isSet } = inputs
  if (values.mode === 'destroy') return { value: removedEndpoint, errors: [] }
  const { value: certificate, errors: certificateErrors } = resolveCertificateSource(inputs)
  const errors = isSet('host') ? certificateErrors : [hostMissing(), ...certificateErrors]
  if (values.host === undefined || certificate === undefined) return { errors }
  return { value: { host: values.host, certificate }, errors }
}

/** The settings that follow from single inputs, in every mode. */
function buildCommonSettings(
  values: AllInputValues,
  env: SettingsEnvironment,
): Omit<Settings, 'host' | 'certificate' | 'clusterAccess' | 'region'> {
  return {
    mode: values.mode,
    dryRun: values['dry-run'],
    failOnDrift: values['fail-on-drift'],
    allowedAccounts: values['allowed-account-ids'],
    namespace: values.namespace,
    release: values.release,
    service: values.service,
    servicePort: values['service-port'],
    replaceCertificate: values['replace-certificate'],
    expiryWarningDays: values['expiry-warning'],
    chart: buildChartSettings(values),
    helmStorage: /^configmaps?$/.test(env.HELM_DRIVER ?? '') ? 'ConfigMap' : 'Secret',
    values: values.values,
    allowChartChange: values['allow-chart-change'],
    cutover: values.cutover,
    onFailure: values['on-failure'],
    serviceType: values.mode === 'destroy' ? values['restore-service-type'] : 'ClusterIP',
    restoreLoadBalancerClass: values['restore-load-balancer-class'],
    ingress: buildIngressSettings(values),
    timeouts: buildTimeouts(values),
    requireAuthorization: values['require-authorization'],
    probe: buildProbeSettings(values),
    summary: values.summary,
  }
}

function buildChartSettings(values: AllInputValues): Settings['chart'] {
  return {
    name: values.chart,
    repository: values['chart-repository'],
    version: values['chart-version'] ?? versionFromChartName(values.chart),
    credentials: buildChartCredentials(values),
  }
}

/**
 * A password without a user name is ignored: a workflow passes its secrets to all targets, also to
 * those with a public chart.
 */
function buildChartCredentials(values: AllInputValues): Settings['chart']['credentials'] {
  const { 'chart-username': username, 'chart-password': password } = values
  return username === undefined || password === undefined ? undefined : { username, password }
}

function buildIngressSettings(values: AllInputValues): IngressSettings {
  const loadBalancer = Object.fromEntries(
    (Object.keys(loadBalancerInputs) as (keyof typeof loadBalancerInputs)[]).map((name) => [
      toCamelCase(name),
      values[name],
    ]),
  ) as unknown as LoadBalancerSettings
  return {
    ...loadBalancer,
    name: values['ingress-name'],
    className: values['ingress-class'],
    isDefaultSslPolicy: values['ssl-policy'] === inputDefaults['ssl-policy'],
    forceConflicts: values['force-conflicts'],
  }
}

function buildTimeouts(values: AllInputValues): Settings['timeouts'] {
  const release = values['release-timeout']
  const loadBalancer = values['load-balancer-timeout']
  return {
    release,
    loadBalancer,
    probe: values['probe-timeout'],
    lock: values['lock-timeout'] ?? release + loadBalancer,
  }
}

function buildProbeSettings(values: AllInputValues): ProbeSettings {
  return {
    required: values.probe === 'required',
    byHostname: values['probe-dns'],
    ca: values['probe-ca'],
    address: values['probe-address'],
    token: values['milvus-token'],
  }
}

/** Only plain objects and lists: certificates and keys belong to Node. */
function deepFreeze<T>(value: T): T {
  const isPlain =
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
  if (isPlain) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
