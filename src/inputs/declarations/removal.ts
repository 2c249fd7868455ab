/** Inputs of mode destroy. */
import { defineInputs } from '../declaration.ts'
import { choice, string } from '../input-types.ts'
import { parseLoadBalancerClass } from '../names.ts'

export const removalInputs = defineInputs({
  'restore-service-type': {
    ...choice('LoadBalancer', 'NodePort'),
    modes: ['destroy'],
    fleet: 'none',
    description: 'Type that Helm sets on the Service of the release after the Ingress was deleted.',
    defaultDescription: 'the Service stays ClusterIP',
  },
  'restore-load-balancer-class': {
    ...string(parseLoadBalancerClass),
    modes: ['destroy'],
    fleet: 'none',
    description:
      'With `restore-service-type: LoadBalancer`: the `spec.loadBalancerClass` of the Service, ' +
      '`service.k8s.aws/nlb` for the AWS Load Balancer Controller or `eks.amazonaws.com/nlb` ' +
      'for EKS Auto Mode. `none` sets no class: the cloud provider then creates a load ' +
      'balancer, by default an internet-facing Classic Load Balancer. Needed unless the ' +
      'annotations of the Service assign it to the AWS Load Balancer Controller.',
    example: 'service.k8s.aws/nlb',
  },
})
