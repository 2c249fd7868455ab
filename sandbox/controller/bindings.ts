/**
 * TargetGroupBindings, and the loop of its own that registers targets: in the real controller another reconciler, whose
 * troubles never show on the Ingress (controllers/elbv2/targetgroupbinding_controller.go).
 */
import { DeregisterTargetsCommand, DescribeTargetHealthCommand, RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { TargetDescription } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { KubernetesClient } from './api.ts'
import { ApiError } from './api.ts'
import type { Elbv2 } from './elbv2.ts'
import type { Model } from './model.ts'
import { groupKey, labelsOf } from './names.ts'
import type { Group } from './names.ts'
import type { EndpointSlice, KubernetesObject } from './objects.ts'
import type { TargetGroupModel } from './target-group.ts'

const API = '/apis/elbv2.k8s.aws/v1beta1'

interface Binding {
  readonly group: string
  readonly targetGroup: TargetGroupModel
  readonly arn: string
}

/** The bindings of all groups. */
export class Bindings {
  private readonly client: KubernetesClient
  private readonly elbv2: Elbv2
  private readonly slices: () => Iterable<EndpointSlice>
  private readonly vpcId: string | undefined
  private readonly bound = new Map<string, Binding>()
  private running: Promise<void> = Promise.resolve()
  private wanted = false
  private retry: NodeJS.Timeout | undefined

  constructor(client: KubernetesClient, elbv2: Elbv2, slices: () => Iterable<EndpointSlice>, vpcId: string | undefined) {
    this.client = client
    this.elbv2 = elbv2
    this.slices = slices
    this.vpcId = vpcId
  }

  /** Makes the objects of a model's target groups, and removes those that the group had before. */
  async deploy(model: Model, arns: ReadonlyMap<string, string>): Promise<void> {
    const key = groupKey(model.group)
    const held = await this.list(model.group)
    for (const targetGroup of model.targetGroups) {
      const arn = arns.get(targetGroup.resource) ?? ''
      this.bound.set(arn, { group: key, targetGroup, arn })
      await this.write(model.group, targetGroup, arn, held)
    }
    const names = new Set(model.targetGroups.map(({ name }) => name))
    const kept = new Set(arns.values())
    for (const object of held) if (!names.has(object.metadata.name)) await this.discard(object)
    for (const [arn, binding] of this.bound) if (binding.group === key && !kept.has(arn)) this.bound.delete(arn)
    this.look()
  }

  /** Removes a group's objects. */
  async remove(group: Group): Promise<void> {
    const key = groupKey(group)
    for (const [arn, binding] of this.bound) if (binding.group === key) this.bound.delete(arn)
    await this.running
    for (const object of await this.list(group)) await this.discard(object)
  }

  /** Compares targets with endpoints, soon; called whenever either may have changed. */
  look(): void {
    if (this.wanted) return
    this.wanted = true
    this.running = this.running.then(async () => {
      this.wanted = false
      try {
        for (const binding of this.bound.values()) await this.register(binding)
      } catch {
        // The real one retries with a backoff and tells the TargetGroupBinding, never the Ingress.
        this.retry = setTimeout(() => this.look(), 500)
      }
    })
  }

  /** Ends the loop. */
  async stop(): Promise<void> {
    this.bound.clear()
    await this.running
    clearTimeout(this.retry)
  }

  private async register({ targetGroup, arn }: Binding): Promise<void> {
    if (targetGroup.targetType !== 'ip') return
    const endpoints = this.endpoints(targetGroup)
    const health = await this.elbv2.call('DescribeTargetHealth', (client) => client.send(new DescribeTargetHealthCommand({ TargetGroupArn: arn })))
    const held = (health.TargetHealthDescriptions ?? []).flatMap(({ Target, TargetHealth }) => (Target && TargetHealth?.State !== 'draining' ? [Target] : []))
    const missing = endpoints.filter((each) => !held.some((target) => same(target, each)))
    const extra = held.filter((target) => !endpoints.some((each) => same(target, each))).map(({ Id, Port }) => ({ Id, Port }))
    if (extra.length > 0) await this.elbv2.call('DeregisterTargets', (client) => client.send(new DeregisterTargetsCommand({ TargetGroupArn: arn, Targets: extra })))
    if (missing.length > 0) await this.elbv2.call('RegisterTargets', (client) => client.send(new RegisterTargetsCommand({ TargetGroupArn: arn, Targets: missing })))
  }

  private endpoints({ namespace, service, portName }: TargetGroupModel): { Id: string; Port: number }[] {
    return [...this.slices()]
      .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === service)
      .flatMap(({ ports, endpoints }) => {
        const port = ports?.find(({ name }) => (name ?? '') === portName)?.port
        if (port === undefined) return []
        // Unknown is ready: EndpointConditions.ready of discovery.k8s.io/v1.
        return (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses.map((Id) => ({ Id, Port: port })))
      })
  }

  private async list(group: Group): Promise<KubernetesObject[]> {
    const labels = Object.entries(labelsOf(group)).map(([key, value]) => `${key}=${value}`).join(',')
    const list = await this.client.get<{ items?: KubernetesObject[] }>(`${API}/targetgroupbindings?labelSelector=${encodeURIComponent(labels)}`)
    return list.items ?? []
  }

  private async write(group: Group, targetGroup: TargetGroupModel, arn: string, held: readonly KubernetesObject[]): Promise<void> {
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
    const found = held.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace) as (KubernetesObject & { spec?: { targetGroupARN?: string } }) | undefined
    if (found?.spec?.targetGroupARN === arn) return
    // Its targetGroupARN cannot be changed: a group made anew under the same name gets a new object.
    if (found) await this.discard(found)
    await this.client.create(path, { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'TargetGroupBinding', metadata: { name, namespace, labels: labelsOf(group) }, spec })
  }

  private async discard({ metadata }: KubernetesObject): Promise<void> {
    try {
      await this.client.delete(`${API}/namespaces/${metadata.namespace ?? ''}/targetgroupbindings/${metadata.name}`)
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error
    }
  }
}

function same(target: TargetDescription, other: TargetDescription): boolean {
  return target.Id === other.Id && target.Port === other.Port
}
