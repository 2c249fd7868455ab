/** A load balancer in ELB that matches its Ingress. */
import type { LoadBalancerConfiguration } from '../../../src/clients/aws/load-balancer-configuration.ts'
import type { LoadBalancerSnapshot } from '../../../src/steps/load-balancer/snapshot.ts'
import { certificateArn, host, ingress } from '../fixtures.ts'

const prefix = 'alb.ingress.kubernetes.io'
export const sslPolicy = 'ELBSecurityPolicy-TLS13-1-2-2021-06'
export const annotatedIngress = ingress(
  {
    [`${prefix}/certificate-arn`]: certificateArn,
    [`${prefix}/ssl-policy`]: sslPolicy,
    [`${prefix}/backend-protocol-version`]: 'GRPC',
    [`${prefix}/target-type`]: 'ip',
    [`${prefix}/load-balancer-attributes`]:
      'idle_timeout.timeout_seconds=600,waf.fail_open.enabled=True',
  },
  {
    hostname: 'k8s-1-2.us-east-2.elb.amazonaws.com',
    spec: { rules: [{ host, http: { paths: [] } }] },
  },
)
export const targetGroup = {
  arn: 'tg',
  name: 'k8s-milvus',
  protocolVersion: 'GRPC',
  targetType: 'ip',
}
export const forwardRule = { hosts: [host], paths: ['/*'], targetGroupArn: 'tg' }
export const listener = {
  port: 443,
  protocol: 'HTTPS',
  defaultCertificateArn: certificateArn,
  sslPolicy,
  rules: [forwardRule],
}
export const completeConfiguration: LoadBalancerConfiguration = {
  listeners: [listener, { ...listener, port: 80, rules: undefined }],
  targetGroups: [targetGroup],
  attributes: {
    'idle_timeout.timeout_seconds': '600',
    'waf.fail_open.enabled': 'true',
    'routing.http2.enabled': 'false',
  },
}
const loadBalancer = { arn: 'lb', name: 'k8s-1', state: 'active', reason: '' }
export const createSnapshot = (
  configuration: Partial<LoadBalancerConfiguration> = {},
): LoadBalancerSnapshot => ({
  address: 'k8s-1-2.us-east-2.elb.amazonaws.com',
  loadBalancer,
  configuration: { ...completeConfiguration, ...configuration },
})
export const createListenerSnapshot = (overrides: Partial<typeof listener>): LoadBalancerSnapshot =>
  createSnapshot({ listeners: [{ ...listener, ...overrides }] })
