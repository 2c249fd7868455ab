/** Inputs to one frozen, typed Settings. Every problem is reported, not only the first. */
import { combineErrors, type ActionError } from '../failures/action-error.ts'
import { hostMissing } from '../failures/inputs.ts'
import { overlayValues } from '../clients/helm/values.ts'
import { resolveCertificateSource, resolveClientCertificate } from './certificate-source.ts'
import { versionFromChartName } from './chart.ts'
import { resolveClusterAccess, resolveRegion, type Resolved } from './cluster-access.ts'
import { findInputConflicts } from './conflicts.ts'
import { toCamelCase } from './declaration.ts'
import { rejectUnknownInput, type GivenInputs } from './environment.ts'
import { loadBalancerInputs } from './declarations/load-balancer.ts'
import { inputDefaults, type AllInputValues } from './inputs.ts'
import { findVariableErrors } from './variables.ts'
import { parseInputs, type ParsedInputs, type RawInputs } from './parse-inputs.ts'
import type {
  EndpointSettings,
  IngressSettings,
  LoadBalancerSettings,
  ProbeSettings,
  RemovalSettings,
  RunSettings,
  Settings,
  SettingsEnvironment,
} from './types.ts'

/** Settings, or everything that is wrong with the inputs. */
export type SettingsResult =
  { readonly settings: RunSettings } | { readonly errors: readonly ActionError[] }

/** @throws ActionError of every problem found */
export function readSettings(
  { texts, unknownNames }: GivenInputs,
  env: SettingsEnvironment,
): RunSettings {
  const result = parseSettings(texts, env)
  const nameErrors = unknownNames.map(rejectUnknownInput)
  if ('errors' in result) throw combineErrors([...nameErrors, ...result.errors])
  if (nameErrors.length > 0) throw combineErrors(nameErrors)
  return result.settings
}

/** Pure. */
export function parseSettings(rawInputs: RawInputs, env: SettingsEnvironment): SettingsResult {
  const inputs = parseInputs(rawInputs)
  const clusterAccess = resolveClusterAccess(inputs, env)
  const region = resolveRegion(inputs, env)
  const modeSettings = resolveModeSettings(inputs)
  const clientCertificate = resolveClientCertificate(inputs)
  const errors = [
    ...inputs.errors,
    ...clusterAccess.errors,
    ...region.errors,
    ...modeSettings.errors,
    ...clientCertificate.errors,
    ...findVariableErrors(env, {
      readsKubeconfig: !inputs.isSet('cluster') && !inputs.isSet('kubeconfig'),
    }),
    ...findInputConflicts({ ...inputs, env, region: region.value }),
  ]
  const { value: access } = clusterAccess
  if (errors.length > 0 || !access || region.value === undefined || !modeSettings.value)
    return { errors }
  return {
    settings: deepFreeze({
      // Without an error, every input that the mode reads has a value.
      ...buildCommonSettings(inputs.values as AllInputValues, env),
      probe: buildProbeSettings(inputs.values as AllInputValues, clientCertificate.value),
      ...modeSettings.value,
      clusterAccess: access,
      region: region.value,
    }),
  }
}

/** What depends on the mode. */
type ModeSettings =
  Pick<EndpointSettings, 'mode' | 'host' | 'certificate'> | Pick<RemovalSettings, 'mode'>

function resolveModeSettings(inputs: ParsedInputs): Resolved<ModeSettings> {
  const { values, isSet } = inputs
  const { mode } = values
  if (mode === 'destroy') return { value: { mode }, errors: [] }
  const { value: certificate, errors: certificateErrors } = resolveCertificateSource(inputs)
  const errors = isSet('host') ? certificateErrors : [hostMissing(), ...certificateErrors]
  if (mode === undefined || values.host === undefined || certificate === undefined)
    return { errors }
  return { value: { mode, host: values.host, certificate }, errors }
}

/** The settings that follow from single inputs, in every mode. */
function buildCommonSettings(
  values: AllInputValues,
  env: SettingsEnvironment,
): Omit<Settings, 'mode' | 'clusterAccess' | 'region' | 'probe'> {
  return {
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
    values: overlayValues(values.values, values['secret-values']),
    secretValues: values['secret-values'],
    allowChartChange: values['allow-chart-change'],
    cutover: values.cutover,
    onFailure: values['on-failure'],
    serviceType: values.mode === 'destroy' ? values['restore-service-type'] : 'ClusterIP',
    restoreLoadBalancerClass: values['restore-load-balancer-class'],
    ingress: buildIngressSettings(values),
    timeouts: buildTimeouts(values),
    requireAuthorization: values['require-authorization'],
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

function buildProbeSettings(
  values: AllInputValues,
  clientCertificate: ProbeSettings['clientCertificate'],
): ProbeSettings {
  return {
    required: values.probe !== 'off',
    isLenient: values.probe === 'lenient',
    isDeep: values.probe === 'deep',
    byHostname: values['probe-dns'],
    ca: values['probe-ca'],
    clientCertificate,
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
