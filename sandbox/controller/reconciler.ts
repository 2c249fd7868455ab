/**
 * One life of the controller's process: caches, queue, and the reconciliation of a group (controllers/ingress/group_controller.go).
 */
import { randomUUID } from 'node:crypto'
import { ApiError, Informer, KubernetesClient } from './api.ts'
import { BuildError } from './annotations.ts'
import { AwsClients } from './aws.ts'
import { Bindings } from './bindings.ts'
import { GroupError, groupOf, heldBy, inGroupOrder, matters, withParams } from './classes.ts'
import type { IngressClassParams } from './classes.ts'
import type { ControllerOptions, ControllerSettings } from './controller.ts'
import { deploy, undeploy } from './deploy.ts'
import type { Deployed, Deployer } from './deploy.ts'
import { Elbv2 } from './elbv2.ts'
import { buildModel, needsDiscovery } from './model.ts'
import type { Model } from './model.ts'
import { finalizerOf, groupKey, groupOfKey } from './names.ts'
import type { Group } from './names.ts'
import { keyOf } from './objects.ts'
import type { EndpointSlice, Ingress, IngressClass, Service } from './objects.ts'
import { Queue } from './queue.ts'
import { Recorder } from './recorder.ts'
import type { Reason } from './recorder.ts'

const NETWORKING = '/apis/networking.k8s.io/v1'

/** How often a silent controller looks whether it is still to be silent; milliseconds. */
const SILENCE = 50

/** The running process. */
export class Reconciler {
  private readonly settings: ControllerSettings
  private readonly options: ControllerOptions
  private readonly client: KubernetesClient
  private readonly aws: AwsClients
  private readonly recorder: Recorder
  private readonly queue: Queue
  private readonly deployer: Deployer
  private readonly classes: Informer<IngressClass>
  private readonly services: Informer<Service>
  private readonly slices: Informer<EndpointSlice>
  private ingresses: Informer<Ingress> | undefined

  constructor(settings: ControllerSettings, options: ControllerOptions) {
    this.settings = settings
    this.options = options
    this.client = new KubernetesClient(settings.kubernetes)
    this.aws = new AwsClients(settings.aws)
    this.recorder = new Recorder(this.client, () => options.mute)
    this.queue = new Queue((key) => this.reconcile(key))
    const elbv2 = new Elbv2(this.aws)
    this.deployer = {
      elbv2,
      bindings: new Bindings(this.client, elbv2, () => this.slices.cache.values(), settings.vpcId),
      cluster: settings.cluster,
      subnets: settings.subnets ?? ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'],
      securityGroups: settings.securityGroups ?? ['sg-0aaaaaaaaaaaaaaaa'],
      vpcId: settings.vpcId,
    }
    this.classes = new Informer(this.client, `${NETWORKING}/ingressclasses`, (after, before) => {
      if (after && matters(after, before)) this.enqueueWhere(({ spec }) => spec?.ingressClassName === after.metadata.name)
    })
    this.services = new Informer(this.client, '/api/v1/services', (after, before) => {
      const service = after ?? before
      if (service && (!after || matters(after, before))) this.enqueueWhere((ingress) => refersTo(ingress, service))
    })
    this.slices = new Informer(this.client, '/apis/discovery.k8s.io/v1/endpointslices', () => this.deployer.bindings.look())
  }

  /** Settles when all caches are filled, Ingresses last: each of them is then reconciled once. */
  async start(): Promise<void> {
    await Promise.all([this.classes.ready, this.services.ready, this.slices.ready])
    this.ingresses = new Informer<Ingress>(this.client, `${NETWORKING}/ingresses`, (after, before) => {
      if (after && !matters(after, before)) return
      this.enqueue(after, before)
    })
    await this.ingresses.ready
  }

  async stop(): Promise<void> {
    await Promise.all([this.classes.stop(), this.services.stop(), this.slices.stop(), this.ingresses?.stop()])
    await this.queue.stop()
    await this.deployer.bindings.stop()
    await this.recorder.settled()
    this.client.close()
    this.aws.close()
  }

  private enqueueWhere(chosen: (ingress: Ingress) => boolean): void {
    for (const ingress of this.ingresses?.cache.values() ?? []) if (chosen(ingress)) this.enqueue(ingress, undefined)
  }

  private enqueue(after: Ingress | undefined, before: Ingress | undefined): void {
    const keys = new Set([after, before].flatMap((each) => (each ? heldBy(each).map(groupKey) : [])))
    if (after) {
      try {
        const group = this.groupOf(after)
        if (group) keys.add(groupKey(group))
      } catch (error) {
        if (!this.options.silent) this.recorder.record(after, 'FailedLoadGroupID', messageOf(error))
      }
    }
    for (const key of keys) this.queue.add(key, this.options.delay)
  }

  private groupOf(ingress: Ingress): Group | undefined {
    return groupOf(ingress, (name) => this.classes.cache.get(name), this.settings.ingressClass ?? 'alb')
  }

  private isMember(ingress: Ingress, key: string): boolean {
    if (ingress.metadata.deletionTimestamp !== undefined) return false
    try {
      const group = this.groupOf(ingress)
      return group !== undefined && groupKey(group) === key
    } catch (error) {
      if (error instanceof GroupError) return false
      throw error
    }
  }

  private async reconcile(key: string): Promise<number | undefined> {
    if (this.options.silent) return SILENCE
    const group = groupOfKey(key)
    const all = [...(this.ingresses?.cache.values() ?? [])]
    const members = all.filter((ingress) => this.isMember(ingress, key)).sort(inGroupOrder)
    const leaving = all.filter((ingress) => !members.includes(ingress) && heldBy(ingress).some((held) => groupKey(held) === key))
    if (members.length === 0) {
      // Of a deletion that fails nothing is told: events go to members only (group_controller.go:286).
      if (leaving.length > 0) await undeploy(this.deployer, group)
    } else {
      for (const ingress of members) await this.attempt(members, 'FailedAddFinalizer', () => this.setFinalizer(ingress, finalizerOf(group), true))
      const model = await this.attempt(members, 'FailedBuildModel', () => this.build(group, members))
      const deployed = await this.attempt(members, 'FailedDeployModel', () => deploy(this.deployer, model))
      if (deployed.provisioning) return this.options.stabilizationInterval
      for (const ingress of members) await this.attempt(members, 'FailedUpdateStatus', () => this.setStatus(ingress, model, deployed))
    }
    for (const ingress of leaving) await this.attempt(members, 'FailedRemoveFinalizer', () => this.setFinalizer(ingress, finalizerOf(group), false))
    for (const ingress of members) this.recorder.record(ingress, 'SuccessfullyReconciled')
    return undefined
  }

  /** Does something, and tells these Ingresses when it fails. */
  private async attempt<T>(told: readonly Ingress[], reason: Reason, action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      for (const ingress of told) this.recorder.record(ingress, reason, messageOf(error))
      throw error
    }
  }

  private async build(group: Group, members: readonly Ingress[]): Promise<Model> {
    const effective = await Promise.all(members.map(async (ingress) => withParams(ingress, await this.params(ingress))))
    const certificates = effective.some(needsDiscovery) ? await this.aws.certificates() : []
    return buildModel({
      cluster: this.settings.cluster,
      group,
      members: effective,
      service: (namespace, name) => this.services.cache.get(`${namespace}/${name}`),
      certificates,
      unknownIds: this.options.unknownIds,
      requestId: randomUUID(),
    })
  }

  private async params(ingress: Ingress): Promise<IngressClassParams | undefined> {
    const name = ingress.spec?.ingressClassName
    const named = name === undefined ? undefined : this.classes.cache.get(name)?.spec?.parameters
    if (named?.kind !== 'IngressClassParams' || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return undefined
    try {
      return await this.client.get<IngressClassParams>(`/apis/elbv2.k8s.aws/v1beta1/ingressclassparams/${named.name}`)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) throw new BuildError(`invalid ingress class: IngressClass ${name ?? ''} references unknown parameters`)
      throw error
    }
  }

  private async setFinalizer(ingress: Ingress, finalizer: string, wanted: boolean): Promise<void> {
    if ((ingress.metadata.finalizers ?? []).includes(finalizer) === wanted) return
    const path = pathOf(ingress)
    try {
      // The cache may be behind: the list is replaced as a whole, so it must be the newest.
      const { metadata } = await this.client.get<Ingress>(path)
      const others = (metadata.finalizers ?? []).filter((each) => each !== finalizer)
      await this.client.patch(path, { metadata: { finalizers: wanted ? [...others, finalizer] : others, resourceVersion: metadata.resourceVersion } })
    } catch (error) {
      if (!(!wanted && error instanceof ApiError && error.status === 404)) throw error
    }
  }

  private async setStatus(ingress: Ingress, model: Model, { dnsName }: Deployed): Promise<void> {
    const ports = model.listeners.map(({ port }) => ({ port, protocol: '' }))
    const [held] = ingress.status?.loadBalancer?.ingress ?? []
    if (held?.hostname === dnsName && (held.ports ?? []).map(({ port }) => port).join() === ports.map(({ port }) => port).join()) return
    await this.client.patch(`${pathOf(ingress)}/status`, { status: { loadBalancer: { ingress: [{ hostname: dnsName, ports }] } } })
  }
}

function pathOf({ metadata }: Ingress): string {
  return `${NETWORKING}/namespaces/${metadata.namespace ?? ''}/ingresses/${metadata.name}`
}

function refersTo(ingress: Ingress, service: Service): boolean {
  const backends = [ingress.spec?.defaultBackend, ...(ingress.spec?.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend))]
  return backends.some((backend) => backend?.service && `${ingress.metadata.namespace ?? ''}/${backend.service.name}` === keyOf(service))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
