/** Failures of inputs: empty, invalid, or in conflict with each other. */
import { ActionError } from './action-error.ts'

const describeMissing = (name: string): string => `Input ${name} is empty.`

const inputMissing = (name: string, remedy: string): ActionError =>
  new ActionError({ code: 'input-missing', problem: describeMissing(name), remedy })

/** Whether the failure is that this input is empty. */
export const isInputMissing = (failure: ActionError, name: string): boolean =>
  failure.code === 'input-missing' && failure.message === describeMissing(name)

const conflict = (problem: string, remedy: string): ActionError =>
  new ActionError({ code: 'inputs-conflict', problem, remedy })

/** What a parser found wrong: the problem continues "Input NAME ...". */
interface InvalidText {
  readonly message: string
  readonly remedy: string
}

/** The text of an input does not have the form that it needs. */
export const inputInvalid = (name: string, { message, remedy }: InvalidText): ActionError =>
  new ActionError({ code: 'input-invalid', problem: `Input ${name} ${message}`, remedy })

/** @param suggestion the name that may be meant */
export const inputUnknown = (name: string, suggestion: string | undefined): ActionError =>
  new ActionError({
    code: 'input-invalid',
    problem: `Input ${name} does not exist.`,
    remedy: suggestion
      ? `Did you mean ${suggestion}? Correct the name, because an unknown input has no effect.`
      : 'Remove it: README.md lists all inputs. If it is a variable of the job (INPUT_...), not an input, give the variable another name.',
  })

/** The region is read from a variable of the environment, and is none. */
export const regionVariableInvalid = (
  variable: string,
  { message, remedy }: InvalidText,
): ActionError =>
  new ActionError({
    code: 'input-invalid',
    problem: `Input region is empty, and its default ${variable} ${message}`,
    remedy,
  })

/** A variable of the environment that the action reads does not have the form that it needs. */
export const variableInvalid = (variable: string, { message, remedy }: InvalidText): ActionError =>
  new ActionError({
    code: 'input-invalid',
    problem: `The environment variable ${variable} ${message}`,
    remedy,
  })

/** Neither an EKS cluster nor a kubeconfig is set. */
export const clusterMissing = (): ActionError =>
  inputMissing(
    'cluster',
    'Set cluster to the name of the EKS cluster, or set kubeconfig or KUBECONFIG.',
  )

/** Neither the input nor a variable names the region. */
export const regionMissing = (): ActionError =>
  inputMissing(
    'region',
    'Set region to the AWS region of the cluster, or set AWS_REGION (aws-actions/configure-aws-credentials does).',
  )

/** A deploy or a check needs the host. */
export const hostMissing = (): ActionError =>
  inputMissing(
    'host',
    'Set host to the DNS name that clients connect to, for example milvus.example.com.',
  )

const emptySecretHint =
  'A secret that does not exist in this environment, or under another name, reads as empty.'

/** There is neither a certificate nor the ARN of one. */
export const certificateMissing = (): ActionError =>
  inputMissing(
    'certificate',
    `Set certificate and private-key, or set certificate-secret or certificate-arn. ${emptySecretHint}`,
  )

/** Only private-key or certificate-chain is set. */
export const certificateMissingForKey = (): ActionError =>
  inputMissing(
    'certificate',
    `Set certificate together with private-key, or set certificate-secret or certificate-arn instead. ${emptySecretHint}`,
  )

/** Only certificate or certificate-chain is set. */
export const privateKeyMissing = (): ActionError =>
  inputMissing('private-key', `Set private-key together with certificate. ${emptySecretHint}`)

/** Only probe-key is set. */
export const probeCertificateMissing = (): ActionError =>
  inputMissing(
    'probe-certificate',
    `Set probe-certificate together with probe-key. ${emptySecretHint}`,
  )

/** Only probe-certificate is set. */
export const probeKeyMissing = (): ActionError =>
  inputMissing('probe-key', `Set probe-key together with probe-certificate. ${emptySecretHint}`)

/** Input chart-username is set alone. */
export const chartPasswordMissing = (): ActionError =>
  inputMissing(
    'chart-password',
    `Set chart-password together with chart-username. ${emptySecretHint}`,
  )

/** Two inputs that each say how to reach the cluster. */
export const clusterAndKubeconfigSet = (): ActionError =>
  conflict(
    'Inputs cluster and kubeconfig are both set.',
    'Set only cluster for an EKS cluster, or only kubeconfig for any other access.',
  )

/** A context belongs to a kubeconfig. */
export const contextWithoutKubeconfig = (): ActionError =>
  conflict(
    'Input context is set together with cluster, which has no contexts.',
    'Leave context empty, or set kubeconfig instead of cluster.',
  )

/** A reusable workflow has no files of the repository that calls it. */
export const pathWithoutCheckout = (input: string, path: string): ActionError =>
  inputInvalid(input, {
    message: `is the relative path ${path}, but the jobs of a reusable workflow do not check out your repository.`,
    remedy:
      'Use the action in a job of your own after actions/checkout, or set an absolute path on the runner.',
  })

/** Milvus either has a Helm release or it does not. */
export const releaseAndServiceSet = (): ActionError =>
  conflict(
    'Inputs release and service are both set.',
    'Set only release if the action should upgrade the Helm release of Milvus, or only service if there is none or it should not change.',
  )

/** @param others inputs that also say where the certificate comes from */
export const certificateSecretWithOthers = (others: readonly string[]): ActionError =>
  conflict(
    `Input certificate-secret is set together with ${others.join(', ')}.`,
    `The secret contains certificate, key and chain. Leave ${others.join(', ')} empty, or certificate-secret.`,
  )

/** An ALB uses certificates of its own region. */
export const certificateInOtherRegion = (arnRegion: string, region: string): ActionError =>
  conflict(
    `Input certificate-arn is in region ${arnRegion}, but input region (or AWS_REGION) is ${region}.`,
    'An ALB uses only certificates of its own region, which is that of the cluster. Correct region or certificate-arn, or set certificate and private-key.',
  )

/** The certificate, and what else is in AWS, would be in a region without the ALB. */
export const clusterInOtherRegion = (clusterRegion: string, region: string): ActionError =>
  conflict(
    `The kubeconfig selects a cluster in region ${clusterRegion}, but input region (or AWS_REGION) is ${region}.`,
    `Set region: ${clusterRegion}, because the ALB and its certificate are in the region of the cluster. Or set context to that of a cluster in ${region}.`,
  )

/** @param driver the value of HELM_DRIVER */
export const helmDriverUnsupported = (driver: string): ActionError =>
  conflict(
    `HELM_DRIVER is ${driver}, but the action reads releases only from Secrets and ConfigMaps.`,
    'Set service instead of release, and change the type of that Service to ClusterIP where Helm runs.',
  )

/** Without a probe, nothing tests the ALB before the old load balancer is deleted. */
export const cutoverLastWithoutProbe = (): ActionError =>
  conflict(
    'Input cutover is last, but probe is off: nothing would test the ALB before the old load balancer is deleted.',
    'Set probe: required on a runner that can reach the ALB. Or set cutover: never now, and cutover: first once the ALB has been seen to work.',
  )

/** @param releaseInputs inputs that change the release */
export const cutoverNeverWithReleaseInputs = (releaseInputs: readonly string[]): ActionError => {
  const names = releaseInputs.join(' and ')
  return conflict(
    `Input cutover is never, which leaves the release unchanged, but ${names} would change it.`,
    `Leave ${names} empty, or set cutover to first or last.`,
  )
}

/** A probe by DNS is part of the probe. */
export const probeDnsWithoutProbe = (): ActionError =>
  conflict(
    'Input probe-dns is true, but probe is off.',
    'Set probe-dns to false, or set probe: required on a runner that can reach the ALB.',
  )

/** Without a release, Helm cannot restore the type of the Service. */
export const restoreTypeWithoutRelease = (serviceType: string): ActionError =>
  conflict(
    'Inputs restore-service-type and service are both set, but the action does not change a Service without a Helm release.',
    `Leave restore-service-type empty, and set the type to ${serviceType} where the Service is managed. Or set release instead of service.`,
  )

/** Only a LoadBalancer has a class. */
export const restoreClassWithoutLoadBalancer = (): ActionError =>
  conflict(
    'Input restore-load-balancer-class is set, but restore-service-type is not LoadBalancer.',
    'Set restore-service-type: LoadBalancer, or leave restore-load-balancer-class empty.',
  )

/** Milvus does not start with HTTP and TLS on one port. */
export const restWithBackendTls = (annotation: string): ActionError =>
  conflict(
    `Input rest is true, but annotations sets ${annotation}: HTTPS.`,
    'Set rest: false, or turn TLS off in Milvus: it does not serve the RESTful API on a port with TLS.',
  )

/** @param owner the input, or the reason of the action, that sets the annotation */
export const annotationReserved = (annotation: string, owner: string): ActionError =>
  inputInvalid('annotations', {
    message: `contains ${annotation}, which is set by ${owner}.`,
    remedy: 'Remove it from annotations.',
  })
