/** Inputs that are each valid, but not together. Pure. */
import { delimiter, isAbsolute } from 'node:path'
import { parseChartReference } from '../clients/helm/chart-reference.ts'
import type { ActionError } from '../failures/action-error.ts'
import * as failures from '../failures/inputs.ts'
import { findReservedAnnotation } from './reserved-annotations.ts'
import type { ParsedInputs } from './parse-inputs.ts'
import type { SettingsEnvironment } from './types.ts'

/** What the rules look at. */
interface InputsInContext extends ParsedInputs {
  readonly env: SettingsEnvironment
  /** undefined if it is missing or invalid. */
  readonly region: string | undefined
}

type ConflictRule = (inputs: InputsInContext) => ActionError | undefined

const accessRules: readonly ConflictRule[] = [
  ({ isSet }) =>
    isSet('cluster') && isSet('kubeconfig') ? failures.clusterAndKubeconfigSet() : undefined,
  ({ isSet }) =>
    isSet('cluster') && isSet('context') ? failures.contextWithoutKubeconfig() : undefined,
  ({ isSet }) =>
    isSet('release') && isSet('service') ? failures.releaseAndServiceSet() : undefined,
  ({ isSet, env }) => {
    const driver = env.HELM_DRIVER ?? ''
    const isSupported = /^(secrets?|configmaps?)?$/.test(driver)
    return isSupported || isSet('service') ? undefined : failures.helmDriverUnsupported(driver)
  },
]

/** The runner's directory for the repository is empty, or contains what another job left there. */
const checkoutRules: readonly ConflictRule[] = [
  ({ values, env }) => {
    if (env.MILVUS_ALB_WITHOUT_CHECKOUT !== 'true') return undefined
    const chart = parseChartReference(values.chart ?? '')
    const paths = [
      { input: 'chart', path: chart.kind === 'path' ? chart.path : '' },
      ...(values.kubeconfig ?? '').split(delimiter).map((path) => ({ input: 'kubeconfig', path })),
    ]
    const relative = paths.find(({ path }) => path !== '' && !isAbsolute(path))
    return relative && failures.pathWithoutCheckout(relative.input, relative.path)
  },
]

const backendProtocolAnnotation = 'alb.ingress.kubernetes.io/backend-protocol'

const certificateInputs = [
  'certificate',
  'private-key',
  'certificate-chain',
  'certificate-arn',
] as const

const endpointRules: readonly ConflictRule[] = [
  ({ isSet }) => {
    const others = certificateInputs.filter(isSet)
    return isSet('certificate-secret') && others.length > 0
      ? failures.certificateSecretWithOthers(others)
      : undefined
  },
  ({ values, region }) => {
    const arnRegion = values['certificate-arn']?.split(':')[3]
    if (arnRegion === undefined || region === undefined || arnRegion === region) return undefined
    return failures.certificateInOtherRegion(arnRegion, region)
  },
  ({ isSet }) =>
    isSet('chart-username') && !isSet('chart-password')
      ? failures.chartPasswordMissing()
      : undefined,
  ({ values }) => {
    const reserved = findReservedAnnotation(values.annotations ?? {})
    return reserved && failures.annotationReserved(reserved.annotation, reserved.owner)
  },
  // Source: milvus-io/milvus#46312.
  ({ values }) =>
    values.rest === true && values.annotations?.[backendProtocolAnnotation] === 'HTTPS'
      ? failures.restWithBackendTls(backendProtocolAnnotation)
      : undefined,
]

const runRules: readonly ConflictRule[] = [
  ({ values }) =>
    values.cutover === 'last' && values.probe === 'off'
      ? failures.cutoverLastWithoutProbe()
      : undefined,
  ({ values, isSet }) => {
    if (values.cutover !== 'never' || values.mode === 'destroy') return undefined
    const releaseInputs = (['values', 'secret-values', 'chart-version'] as const).filter(isSet)
    return releaseInputs.length > 0
      ? failures.cutoverNeverWithReleaseInputs(releaseInputs)
      : undefined
  },
  ({ values }) =>
    values['probe-dns'] === true && values.probe === 'off'
      ? failures.probeDnsWithoutProbe()
      : undefined,
]

const removalRules: readonly ConflictRule[] = [
  ({ values, isSet }) => {
    const serviceType = values['restore-service-type']
    return serviceType !== undefined && isSet('service')
      ? failures.restoreTypeWithoutRelease(serviceType)
      : undefined
  },
  ({ values }) =>
    values['restore-load-balancer-class'] !== undefined &&
    values['restore-service-type'] !== 'LoadBalancer'
      ? failures.restoreClassWithoutLoadBalancer()
      : undefined,
]

/** Every conflict between inputs, or between inputs and the environment. */
export const findInputConflicts = (inputs: InputsInContext): ActionError[] =>
  [...accessRules, ...checkoutRules, ...endpointRules, ...runRules, ...removalRules]
    .map((rule) => rule(inputs))
    .filter((error) => error !== undefined)
