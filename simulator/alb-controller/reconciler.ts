/**
 * One run of the controller: its caches, its queue, and the reconciliation of groups
 * (controllers/ingress/group_controller.go).
 */
import { randomUUID } from 'node:crypto'
import { Informer } from './informer.ts'
import { MinimalKubernetesClient } from '../../testing/kubernetes-client.ts'
import { ControllerAwsClients } from './aws-clients.ts'
import { TargetGroupBindings } from './target-group-bindings.ts'
import {
  GroupError,
  resolveGroup,
  getFinalizerGroups,
  compareGroupOrder,
  isRelevantChange,
  applyClassParams,
} from './ingress-classes.ts'
import {
  addFinalizer,
  fetchClassParams,
  ingressesPath,
  removeFinalizer,
  updateStatus,
} from './ingress-requests.ts'
import type { ReconcileError, ControllerOptions, ControllerSettings } from './controller.ts'
import { deployModel, undeploy, type DeployContext } from './deploy.ts'
import { Elbv2 } from './elbv2.ts'
import { buildModel, needsDiscovery } from './model.ts'
import type { Model } from './model-types.ts'
import { findTrustStores } from './mutual-authentication.ts'
import { getFinalizer, formatGroupKey, parseGroupKey, type IngressGroupId } from './naming.ts'
import {
  getObjectKey,
  type EndpointSlice,
  type Ingress,
  type IngressClass,
  type Service,
} from './objects.ts'
import { simulatedVersions } from '../versions.ts'
import { WorkQueue } from './work-queue.ts'
import { EventRecorder, type Reason } from './event-recorder.ts'

const INGRESS_CLASSES_PATH = '/apis/networking.k8s.io/v1/ingressclasses'

const USER_AGENT = `aws-load-balancer-controller/${simulatedVersions.controller} (simulator)`

/** Milliseconds between checks whether a paused controller is still paused. */
const PAUSE_POLL_INTERVAL = 50

/** The running process. */
export class Reconciler {
  private readonly settings: ControllerSettings
  private readonly options: ControllerOptions
  private readonly client: MinimalKubernetesClient
  private readonly aws: ControllerAwsClients
  private readonly recorder: EventRecorder
  private readonly queue: WorkQueue
  private readonly deployer: DeployContext
  private readonly classes: Informer<IngressClass>
  private readonly services: Informer<Service>
  private readonly endpointSlices: Informer<EndpointSlice>
  private readonly stopping = Promise.withResolvers<undefined>()
  private ingresses: Informer<Ingress> | undefined

  constructor(settings: ControllerSettings, options: ControllerOptions) {
    this.settings = settings
    this.options = options
    this.client = new MinimalKubernetesClient({ ...settings.kubernetes, userAgent: USER_AGENT })
    this.aws = new ControllerAwsClients(settings.aws)
    this.recorder = new EventRecorder(this.client, () => options.isRecorderMuted)
    this.queue = new WorkQueue((key) => this.reconcile(key))
    const elbv2 = new Elbv2(this.aws)
    this.deployer = {
      elbv2,
      bindings: new TargetGroupBindings(
        this.client,
        elbv2,
        () => this.endpointSlices.cache.values(),
        settings.vpcId,
      ),
      cluster: settings.cluster,
      subnets: settings.subnets ?? ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'],
      securityGroups: settings.securityGroups ?? ['sg-0aaaaaaaaaaaaaaaa'],
      vpcId: settings.vpcId,
    }
    this.classes = new Informer(this.client, INGRESS_CLASSES_PATH, (after, before) => {
      if (after && isRelevantChange(after, before))
        this.enqueueMatching(({ spec }) => spec?.ingressClassName === after.metadata.name)
    })
    this.services = new Informer(this.client, '/api/v1/services', (after, before) => {
      const service = after ?? before
      if (service && (!after || isRelevantChange(after, before)))
        this.enqueueMatching((ingress) => referencesService(ingress, service))
    })
    this.endpointSlices = new Informer(
      this.client,
      '/apis/discovery.k8s.io/v1/endpointslices',
      () => this.deployer.bindings.scheduleSync(),
    )
  }

  /** Fills the caches, Ingresses last: each Ingress is then reconciled once. */
  async start(): Promise<void> {
    await Promise.all([this.classes.ready, this.services.ready, this.endpointSlices.ready])
    this.ingresses = new Informer<Ingress>(this.client, ingressesPath, (after, before) => {
      if (after && !isRelevantChange(after, before)) return
      this.enqueue(after, before)
    })
    await this.ingresses.ready
  }

  /** Waits until a scenario allows the report, or the controller stops. */
  private holdReport(): Promise<void> {
    return Promise.race([this.options.beforeReport(), this.stopping.promise])
  }

  async stop(): Promise<void> {
    this.stopping.resolve(undefined)
    await Promise.all([
      this.classes.stop(),
      this.services.stop(),
      this.endpointSlices.stop(),
      this.ingresses?.stop(),
    ])
    await this.queue.stop()
    await this.deployer.bindings.stop()
    await this.recorder.flush()
    this.client.close()
    this.aws.close()
  }

  private enqueueMatching(predicate: (ingress: Ingress) => boolean): void {
    for (const ingress of this.ingresses?.cache.values() ?? [])
      if (predicate(ingress)) this.enqueue(ingress, undefined)
  }

  private enqueue(after: Ingress | undefined, before: Ingress | undefined): void {
    const keys = new Set(
      [after, before].flatMap((each) => (each ? getFinalizerGroups(each).map(formatGroupKey) : [])),
    )
    if (after) {
      try {
        const group = this.resolveGroup(after)
        if (group) keys.add(formatGroupKey(group))
      } catch (error) {
        if (!this.options.isPaused)
          this.recorder.record(after, 'FailedLoadGroupID', getErrorMessage(error))
      }
    }
    for (const key of keys) this.queue.add(key, this.options.reconcileDelay)
  }

  private resolveGroup(ingress: Ingress): IngressGroupId | undefined {
    return resolveGroup(
      ingress,
      (name) => this.classes.cache.get(name),
      this.settings.ingressClass ?? 'alb',
    )
  }

  private isMember(ingress: Ingress, key: string): boolean {
    if (ingress.metadata.deletionTimestamp !== undefined) return false
    try {
      const group = this.resolveGroup(ingress)
      return group !== undefined && formatGroupKey(group) === key
    } catch (error) {
      if (error instanceof GroupError) return false
      throw error
    }
  }

  private async reconcile(key: string): Promise<number | undefined> {
    if (this.options.isPaused) return PAUSE_POLL_INTERVAL
    const group = parseGroupKey(key)
    const all = [...(this.ingresses?.cache.values() ?? [])]
    const members = all.filter((ingress) => this.isMember(ingress, key)).sort(compareGroupOrder)
    const departing = all.filter(
      (ingress) =>
        !members.includes(ingress) &&
        getFinalizerGroups(ingress).some(
          (finalizerGroup) => formatGroupKey(finalizerGroup) === key,
        ),
    )
    // Events are about the versions that are loaded here, also if a member changes meanwhile.
    const failure = this.options.errors.shift()
    if (members.length === 0) {
      // A failed deletion causes no event: events go only to members (group_controller.go:286).
      if (departing.length > 0) await undeploy(this.deployer, group)
    } else {
      const { isProvisioning } = await this.deployGroup(group, members, failure)
      if (isProvisioning) return this.options.stabilizationInterval
    }
    for (const ingress of departing)
      await this.withFailureEvent(members, 'FailedRemoveFinalizer', () =>
        removeFinalizer(this.client, ingress, getFinalizer(group)),
      )
    await this.failOnRequest(members, 'FailedRemoveFinalizer', failure)
    await this.holdReport()
    for (const ingress of members) this.recorder.record(ingress, 'SuccessfullyReconciled')
    return undefined
  }

  private async deployGroup(
    group: IngressGroupId,
    members: Ingress[],
    failure: ReconcileError | undefined,
  ): Promise<{ isProvisioning: boolean }> {
    await this.failOnRequest(members, 'FailedAddFinalizer', failure)
    for (const ingress of members)
      await this.withFailureEvent(members, 'FailedAddFinalizer', () =>
        addFinalizer(this.client, ingress, getFinalizer(group)),
      )
    await this.failOnRequest(members, 'FailedBuildModel', failure)
    const model = await this.withFailureEvent(members, 'FailedBuildModel', () =>
      this.buildGroupModel(group, members),
    )
    const result = await this.withFailureEvent(members, 'FailedDeployModel', () =>
      deployModel(this.deployer, model),
    )
    await this.failOnRequest(members, 'FailedDeployModel', failure)
    if (result.isProvisioning) return result
    await this.failOnRequest(members, 'FailedUpdateStatus', failure)
    for (const [index, ingress] of members.entries())
      // The event of this reconcile names the version after the patch, as client.Patch returns it.
      members[index] = await this.withFailureEvent(members, 'FailedUpdateStatus', () =>
        updateStatus(this.client, ingress, model, result),
      )
    return result
  }

  /** Fails at a stage of the reconcile when a scenario has requested it. */
  private async failOnRequest(
    members: readonly Ingress[],
    reason: Reason,
    failure: ReconcileError | undefined,
  ): Promise<void> {
    if (failure?.reason !== reason) return
    await this.withFailureEvent(members, reason, () => Promise.reject(new Error(failure.message)))
  }

  /** Runs an action. If it fails, it records an event for these Ingresses. */
  private async withFailureEvent<T>(
    recipients: readonly Ingress[],
    reason: Reason,
    action: () => Promise<T>,
  ): Promise<T> {
    try {
      return await action()
    } catch (error) {
      await this.holdReport()
      for (const ingress of recipients)
        this.recorder.record(ingress, reason, getErrorMessage(error))
      throw error
    }
  }

  private async buildGroupModel(
    group: IngressGroupId,
    members: readonly Ingress[],
  ): Promise<Model> {
    const effective = await Promise.all(
      members.map(async (ingress) => {
        const ingressClass = this.classes.cache.get(ingress.spec?.ingressClassName ?? '')
        return applyClassParams(ingress, await fetchClassParams(this.client, ingress, ingressClass))
      }),
    )
    const certificates = effective.some(needsDiscovery)
      ? await this.aws.listIssuedCertificates()
      : []
    return buildModel({
      cluster: this.settings.cluster,
      group,
      members: effective,
      findService: (namespace, name) => this.services.cache.get(`${namespace}/${name}`),
      certificates,
      trustStoreArns: await findTrustStores(this.deployer.elbv2, effective),
      unknownIds: this.options.unknownIds,
      requestId: randomUUID(),
    })
  }
}

function referencesService(ingress: Ingress, service: Service): boolean {
  const backends = [
    ingress.spec?.defaultBackend,
    ...(ingress.spec?.rules ?? []).flatMap(({ http }) =>
      (http?.paths ?? []).map(({ backend }) => backend),
    ),
  ]
  return backends.some(
    (backend) =>
      backend?.service &&
      `${ingress.metadata.namespace ?? ''}/${backend.service.name}` === getObjectKey(service),
  )
}

function getErrorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
