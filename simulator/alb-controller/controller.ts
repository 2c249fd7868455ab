/**
 * A simulation of AWS Load Balancer Controller v3.5.0. It uses only the Kubernetes API and the AWS
 * API, so it also runs against a real API server. Its behavior follows the source of the real
 * controller, and observation of it with a real API server and moto. Each file names its source.
 *
 * In RBAC it needs: list and watch Ingresses, IngressClasses, Services and EndpointSlices; get
 * IngressClassParams; create and patch Events; list, create, patch and delete TargetGroupBindings;
 * patch Ingresses and their status.
 */
import type { KubernetesAccess } from '../../testing/kubernetes-client.ts'
import type { AwsAccess } from './aws-clients.ts'
import type { Reason } from './event-recorder.ts'
import { Reconciler } from './reconciler.ts'

/** Options of startController. */
export interface ControllerSettings {
  readonly kubernetes: KubernetesAccess
  readonly aws: AwsAccess
  /** --cluster-name: part of names and tags. */
  readonly cluster: string
  /** --ingress-class: the value of annotation kubernetes.io/ingress.class; `alb` when absent. */
  readonly ingressClass?: string
  /**
   * The subnets of load balancers without an annotation. The defaults, here and of the security
   * groups, do not exist in a real EC2.
   */
  readonly subnets?: readonly string[]
  readonly securityGroups?: readonly string[]
  readonly vpcId?: string
  readonly options?: Partial<ControllerOptions>
}

/** What a scenario may change while the controller runs. */
export interface ControllerOptions {
  /** Milliseconds between a change and its reconciliation. */
  reconcileDelay: number
  /** Whether changes are queued and not reconciled, as without permissions or a leader. */
  isPaused: boolean
  /** Whether events are dropped, as client-go does after 25 events of one object. */
  isRecorderMuted: boolean
  /** Subnets and security groups that do not exist in EC2. */
  unknownIds: string[]
  /**
   * --lb-stabilization-monitor-interval: milliseconds between checks of a load balancer that is
   * still provisioning.
   */
  stabilizationInterval: number
  /** Awaited by each reconcile between its work and its report, as slow calls of AWS would be. */
  beforeReport: () => Promise<void>
  /** Errors of the next reconciles, each of which removes the first and fails with it. */
  errors: ReconcileError[]
}

/** An error that a reconcile reports. */
export interface ReconcileError {
  readonly reason: Exclude<Reason, 'SuccessfullyReconciled' | 'FailedLoadGroupID'>
  /** Without the prefix of the reason. */
  readonly message: string
}

/** The running controller. */
export interface Controller {
  readonly options: ControllerOptions
  /** Stops the controller after its current work. Idempotent. */
  stop(): Promise<void>
  /** Starts the controller without its previous state: it reconciles every Ingress. Idempotent. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Starts the controller. Resolves when its caches are filled. */
export async function startController(settings: ControllerSettings): Promise<Controller> {
  const options: ControllerOptions = {
    reconcileDelay: 0,
    isPaused: false,
    isRecorderMuted: false,
    unknownIds: [],
    stabilizationInterval: 120_000,
    beforeReport: () => Promise.resolve(),
    errors: [],
    ...settings.options,
  }
  let running: Reconciler | undefined
  const start = async (): Promise<void> => {
    if (running) return
    running = new Reconciler(settings, options)
    await running.start()
  }
  const stop = async (): Promise<void> => {
    const stopping = running
    running = undefined
    await stopping?.stop()
  }
  await start()
  return { options, start, stop, close: stop }
}
