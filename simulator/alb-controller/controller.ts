/**
 * A stand-in for AWS Load Balancer Controller v3.5.0: a client of the Kubernetes API and of AWS,
 * and of nothing else, so it also runs against a real API server. What it does was observed of the
 * real one, run against a real API server and moto, and read in its source; each file here names
 * the part that it follows.
 */
import type { KubernetesAccess } from './kubernetes-client.ts'
import type { AwsAccess } from './aws-clients.ts'
import { Reconciler } from './reconciler.ts'

/** What startController is told. */
export interface ControllerSettings {
  readonly kubernetes: KubernetesAccess
  readonly aws: AwsAccess
  /** --cluster-name: part of names and tags. */
  readonly cluster: string
  /**
   * --ingress-class: what the annotation kubernetes.io/ingress.class must say; `alb` when absent.
   */
  readonly ingressClass?: string
  /**
   * Where load balancers go when no annotation says so; made up when absent, which a real EC2
   * refuses.
   */
  readonly subnets?: readonly string[]
  readonly securityGroups?: readonly string[]
  readonly vpcId?: string
  readonly options?: Partial<ControllerOptions>
}

/** What a scenario may change while it runs. */
export interface ControllerOptions {
  /** Milliseconds before it looks at a change. */
  reconcileDelay: number
  /** Watches, and does nothing: no permission, no leader. What it missed it does when this ends. */
  isPaused: boolean
  /** Its recorder drops what it is told, as client-go's does after 25 events of one object. */
  isRecorderMuted: boolean
  /** Subnets and security groups that EC2 does not know. */
  unknownIds: string[]
  /**
   * --lb-stabilization-monitor-interval: milliseconds before it looks again at a load balancer
   * still provisioning.
   */
  stabilizationInterval: number
}

/** The running controller. */
export interface Controller {
  readonly options: ControllerOptions
  /** Ends the process: what is in flight is awaited. Nothing happens when it is stopped. */
  stop(): Promise<void>
  /**
   * A new process, which knows nothing of the one before: every Ingress is reconciled once. Nothing
   * happens when it runs.
   */
  start(): Promise<void>
  close(): Promise<void>
}

/** Starts the controller; settles when its caches are filled. */
export async function startController(settings: ControllerSettings): Promise<Controller> {
  const options: ControllerOptions = {
    reconcileDelay: 0,
    isPaused: false,
    isRecorderMuted: false,
    unknownIds: [],
    stabilizationInterval: 120_000,
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
