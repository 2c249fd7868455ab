/** The addresses and node ports that the API allocates to Services. */
import {
  getIn,
  asArray,
  asObject,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

const typesWithNodePorts = ['LoadBalancer', 'NodePort']

/** Allocates cluster IPs and node ports. */
export class ServiceAllocator {
  private allocatedAddressCount = 0
  private allocatedPortCount = 0

  /**
   * Allocates what a Service lacks. A Service keeps the addresses that it has, and loses its node
   * ports when its type no longer needs any.
   */
  allocateAddresses(
    service: KubernetesObject,
    live: KubernetesObject | undefined,
  ): KubernetesObject {
    const spec = asObject(service['spec'])
    if (spec['type'] === 'ExternalName') return service
    const clusterIP = spec['clusterIP'] ?? getIn(live, 'spec', 'clusterIP') ?? this.nextClusterIp()
    return {
      ...service,
      spec: {
        ...dropTypeDependentFields(spec, live),
        clusterIP,
        clusterIPs: [clusterIP],
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: this.allocateNodePorts(spec, live),
      },
    }
  }

  private nextClusterIp(): string {
    this.allocatedAddressCount += 1
    const subnet = Math.floor(this.allocatedAddressCount / 250)
    return `10.100.${subnet}.${1 + (this.allocatedAddressCount % 250)}`
  }

  private nextNodePort(): number {
    this.allocatedPortCount += 1
    return 30000 + this.allocatedPortCount
  }

  private allocateNodePorts(spec: JsonObject, live: KubernetesObject | undefined): Json[] {
    const needsNodePorts = typesWithNodePorts.includes(asString(spec['type']))
    return asArray(spec['ports']).map((port, index): Json => {
      const { nodePort, ...rest } = asObject(port)
      const currentNodePort = getIn(live, 'spec', 'ports', index, 'nodePort')
      if (needsNodePorts)
        return { ...rest, nodePort: nodePort ?? currentNodePort ?? this.nextNodePort() }
      return nodePort === undefined || nodePort === currentNodePort ? rest : { ...rest, nodePort }
    })
  }
}

/**
 * Removes the fields that the API set for another type of Service.
 * Source: Kubernetes, pkg/registry/core/service/strategy.go, dropTypeDependentFields.
 */
function dropTypeDependentFields(spec: JsonObject, live: KubernetesObject | undefined): JsonObject {
  const {
    allocateLoadBalancerNodePorts,
    externalTrafficPolicy,
    loadBalancerClass,
    ...remainingSpec
  } = spec
  const isLoadBalancer = spec['type'] === 'LoadBalancer'
  const isClassDropped =
    !isLoadBalancer &&
    getIn(live, 'spec', 'type') === 'LoadBalancer' &&
    loadBalancerClass === getIn(live, 'spec', 'loadBalancerClass')
  if (loadBalancerClass !== undefined && !isClassDropped)
    remainingSpec['loadBalancerClass'] = loadBalancerClass
  if (allocateLoadBalancerNodePorts !== undefined && isLoadBalancer)
    remainingSpec['allocateLoadBalancerNodePorts'] = allocateLoadBalancerNodePorts
  if (externalTrafficPolicy !== undefined && typesWithNodePorts.includes(asString(spec['type'])))
    remainingSpec['externalTrafficPolicy'] = externalTrafficPolicy
  return remainingSpec
}
