/**
 * The load balancer controller: the simulator's substitute, or the real binary in LAB_CONTROLLER.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startController, type Controller } from '../../simulator/alb-controller/controller.ts'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import { renderKubeconfig } from '../../testing/kubeconfig.ts'
import type { Processes } from '../process.ts'
import type { ControlPlaneAccess } from './control-plane.ts'
import type { Moto } from './moto.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** Options of startLabController. */
export interface LabControllerSettings {
  /** The endpoint through which it accesses the Kubernetes API. */
  readonly kubernetes: { readonly url: string; readonly ca: string }
  readonly control: ControlPlaneAccess
  readonly moto: Moto
  /** The AWS endpoint that records its calls. */
  readonly endpoint: string
  readonly cluster: string
  readonly processes: Processes
  readonly directory: string
}

/** Starts the controller. Returns undefined for a real one, which a scenario cannot control. */
export async function startLabController(
  settings: LabControllerSettings,
): Promise<Controller | undefined> {
  const { kubernetes, control, moto, endpoint, cluster } = settings
  const binary = process.env['LAB_CONTROLLER'] ?? ''
  if (binary !== '') {
    await startRealController(binary, settings)
    return undefined
  }
  const { accessKeyId, secretAccessKey } = moto.users.controller
  return startController({
    kubernetes: { ...kubernetes, token: control.controllerToken },
    aws: { endpoint, region: moto.region, credentials: { accessKeyId, secretAccessKey } },
    cluster,
    subnets: moto.subnets,
    securityGroups: [moto.securityGroup],
    vpcId: moto.vpcId,
  })
}

/**
 * Starts the real controller outside the cluster. Source of the flags: reference,
 * load-balancer-controller.md, section 3.
 */
async function startRealController(
  binary: string,
  { kubernetes, control, moto, endpoint, cluster, processes, directory }: LabControllerSettings,
): Promise<void> {
  const [webhookPort = 0, healthPort = 0] = await reserveFreePorts(2)
  const serverPair = await issueLoopbackCertificate()
  const kubeconfig = join(directory, 'controller.kubeconfig')
  await Promise.all([
    writeFile(
      kubeconfig,
      renderKubeconfig('lab', kubernetes.url, kubernetes.ca, { token: control.controllerToken }),
      { mode: 0o600 },
    ),
    writeFile(join(directory, 'tls.crt'), serverPair.cert),
    writeFile(join(directory, 'tls.key'), serverPair.key, { mode: 0o600 }),
  ])
  const endpoints = ['EC2', 'Elastic Load Balancing v2', 'ACM', 'STS']
    .map((service) => `${service}=${endpoint}`)
    .join(',')
  const { accessKeyId, secretAccessKey } = moto.users.controller
  await processes.start({
    name: 'load-balancer-controller',
    command: binary,
    isReady: () => respondsWithOk(`http://127.0.0.1:${healthPort}/healthz`),
    env: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: directory,
    },
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--cluster-name=${cluster}`,
      '--ingress-class=alb',
      `--aws-region=${moto.region}`,
      `--aws-vpc-id=${moto.vpcId}`,
      '--aws-max-retries=2',
      `--aws-api-endpoints=${endpoints}`,
      '--enable-shield=false',
      '--enable-waf=false',
      '--enable-wafv2=false',
      '--enable-leader-election=false',
      `--webhook-cert-dir=${directory}`,
      `--webhook-bind-port=${webhookPort}`,
      '--metrics-bind-addr=0',
      `--health-probe-bind-addr=127.0.0.1:${healthPort}`,
      '--targetgroupbinding-requeue-duration=2s',
      '--lb-stabilization-monitor-interval=2s',
      '--feature-gates=EnableServiceController=false',
    ],
  })
}
