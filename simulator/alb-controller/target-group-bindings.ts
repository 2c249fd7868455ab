/**
 * TargetGroupBindings, and the loop that registers their targets. In the real controller this is a
 * separate reconciler, whose errors never appear on the Ingress
 * (controllers/elbv2/targetgroupbinding_controller.go).
 */
import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  RegisterTargetsCommand,
  type TargetDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { ApiError, type MinimalKubernetesClient } from '../../testing/kubernetes-client.ts'
import type { Elbv2 } from './elbv2.ts'
import type { Model } from './model-types.ts'
import { formatGroupKey, buildLabels, type IngressGroupId } from './naming.ts'
import type { EndpointSlice, KubernetesObject } from './objects.ts'
import type { TargetGroupModel } from './target-group.ts'

const API = '/apis/elbv2.k8s.aws/v1beta1'

interface Binding {
  readonly group: string
  readonly targetGroup: TargetGroupModel
  readonly arn: string
}

/** The bindings of all groups. */
export class TargetGroupBindings {
  private readonly client: MinimalKubernetesClient
  private readonly elbv2: Elbv2
  private readonly endpointSlices: () => Iterable<EndpointSlice>
  private readonly vpcId: string | undefined
  private readonly bindingsByArn = new Map<string, Binding>()
  private lastSync: Promise<void> = Promise.resolve()
  private isScheduled = false
  private retryTimer: NodeJS.Timeout | undefined

  constructor(
    client: MinimalKubernetesClient,
    elbv2: Elbv2,
    endpointSlices: () => Iterable<EndpointSlice>,
    vpcId: string | undefined,
  ) {
    this.client = client
    this.elbv2 = elbv2
    this.endpointSlices = endpointSlices
    this.vpcId = vpcId
  }

  /** Creates the bindings of a model's target groups, and deletes all others of the group. */
  async deploy(model: Model, targetGroupArns: ReadonlyMap<string, string>): Promise<void> {
    const key = formatGroupKey(model.group)
    const existing = await this.list(model.group)
    for (const targetGroup of model.targetGroups) {
      const arn = targetGroupArns.get(targetGroup.resource) ?? ''
      this.bindingsByArn.set(arn, { group: key, targetGroup, arn })
      await this.applyBinding(model.group, targetGroup, arn, existing)
    }
    const names = new Set(model.targetGroups.map(({ name }) => name))
    const activeArns = new Set(targetGroupArns.values())
    for (const object of existing)
      if (!names.has(object.metadata.name)) await this.deleteBinding(object)
    for (const [arn, binding] of this.bindingsByArn)
      if (binding.group === key && !activeArns.has(arn)) this.bindingsByArn.delete(arn)
    this.scheduleSync()
  }

  /** Deletes the bindings of a group. */
  async remove(group: IngressGroupId): Promise<void> {
    const key = formatGroupKey(group)
    for (const [arn, binding] of this.bindingsByArn)
      if (binding.group === key) this.bindingsByArn.delete(arn)
    await this.lastSync
    for (const object of await this.list(group)) await this.deleteBinding(object)
  }

  /** Schedules a comparison of targets with endpoints, after either may have changed. */
  scheduleSync(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.lastSync = this.lastSync.then(async () => {
      this.isScheduled = false
      try {
        for (const binding of this.bindingsByArn.values()) await this.syncTargets(binding)
      } catch {
        // The real controller retries with a backoff, and reports only on the TargetGroupBinding.
        this.retryTimer = setTimeout(() => this.scheduleSync(), 500)
      }
    })
  }

  /** Ends the loop. */
  async stop(): Promise<void> {
    this.bindingsByArn.clear()
    await this.lastSync
    clearTimeout(this.retryTimer)
  }

  private async syncTargets({ targetGroup, arn }: Binding): Promise<void> {
    if (targetGroup.targetType !== 'ip') return
    const endpoints = this.endpoints(targetGroup)
    const health = await this.elbv2.call('DescribeTargetHealth', (client) =>
      client.send(new DescribeTargetHealthCommand({ TargetGroupArn: arn })),
    )
    const existing = (health.TargetHealthDescriptions ?? []).flatMap(({ Target, TargetHealth }) =>
      Target && TargetHealth?.State !== 'draining' ? [Target] : [],
    )
    const missing = endpoints.filter(
      (each) => !existing.some((target) => isSameTarget(target, each)),
    )
    const stale = existing
      .filter((target) => !endpoints.some((each) => isSameTarget(target, each)))
      .map(({ Id, Port }) => ({ Id, Port }))
    if (stale.length > 0)
      await this.elbv2.call('DeregisterTargets', (client) =>
        client.send(new DeregisterTargetsCommand({ TargetGroupArn: arn, Targets: stale })),
      )
    if (missing.length > 0)
      await this.elbv2.call('RegisterTargets', (client) =>
        client.send(new RegisterTargetsCommand({ TargetGroupArn: arn, Targets: missing })),
      )
  }

  private endpoints({
    namespace,
    service,
    portName,
  }: TargetGroupModel): { Id: string; Port: number }[] {
    return [...this.endpointSlices()]
      .filter(
        ({ metadata }) =>
          metadata.namespace === namespace &&
          metadata.labels?.['kubernetes.io/service-name'] === service,
      )
      .flatMap(({ ports, endpoints }) => {
        const port = ports?.find(({ name }) => (name ?? '') === portName)?.port
        if (port === undefined) return []
        // An absent condition means ready: EndpointConditions.ready of discovery.k8s.io/v1.
        return (endpoints ?? [])
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses.map((Id) => ({ Id, Port: port })))
      })
  }

  private async list(group: IngressGroupId): Promise<KubernetesObject[]> {
    const labels = Object.entries(buildLabels(group))
      .map(([key, value]) => `${key}=${value}`)
      .join(',')
    const list = await this.client.get<{ items?: KubernetesObject[] }>(
      `${API}/targetgroupbindings?labelSelector=${encodeURIComponent(labels)}`,
    )
    return list.items ?? []
  }

  private async applyBinding(
    group: IngressGroupId,
    targetGroup: TargetGroupModel,
    arn: string,
    existing: readonly KubernetesObject[],
  ): Promise<void> {
    const { name, namespace } = targetGroup
    const path = `${API}/namespaces/${namespace}/targetgroupbindings`
    const spec = {
      targetGroupARN: arn,
      targetType: targetGroup.targetType,
      targetGroupProtocol: targetGroup.protocol,
      ipAddressType: 'ipv4',
      serviceRef: { name: targetGroup.service, port: targetGroup.servicePort },
      ...(this.vpcId === undefined ? {} : { vpcID: this.vpcId }),
    }
    const current = existing.find(
      ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
    ) as (KubernetesObject & { spec?: { targetGroupARN?: string } }) | undefined
    if (current?.spec?.targetGroupARN === arn) return
    // targetGroupARN is immutable: a target group recreated under its name needs a new binding.
    if (current) await this.deleteBinding(current)
    await this.client.create(path, {
      apiVersion: 'elbv2.k8s.aws/v1beta1',
      kind: 'TargetGroupBinding',
      metadata: { name, namespace, labels: buildLabels(group) },
      spec,
    })
  }

  private async deleteBinding({ metadata }: KubernetesObject): Promise<void> {
    try {
      await this.client.delete(
        `${API}/namespaces/${metadata.namespace ?? ''}/targetgroupbindings/${metadata.name}`,
      )
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    }
  }
}

function isSameTarget(target: TargetDescription, other: TargetDescription): boolean {
  return target.Id === other.Id && target.Port === other.Port
}
