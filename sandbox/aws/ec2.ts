/** Amazon EC2, as far as a client needs it to look at the subnets of a VPC (EC2 API reference, DescribeSubnets). */
import type { Service } from './service.ts'
import { vpc } from './state.ts'

/** The service. */
export const ec2: Service = {
  part: 'ec2',
  name: 'ec2',
  protocol: 'ec2',
  namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  resource: () => '*',
  operations: {
    DescribeSubnets: ({ state }) => ({
      subnetSet: state.subnets.map(({ id, zone, freeAddresses, tags }) => ({
        subnetId: id, vpcId: vpc, state: 'available', availabilityZone: zone, availableIpAddressCount: freeAddresses,
        tagSet: Object.entries(tags).map(([key, value]) => ({ key, value })),
      })),
    }),
  },
}
