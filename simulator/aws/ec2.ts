/** Amazon EC2: only the subnets of a VPC (EC2 API reference, DescribeSubnets). */
import type { AwsService } from './service.ts'
import { defaultVpcId } from './state.ts'

/** Amazon EC2. */
export const ec2: AwsService = {
  logName: 'ec2',
  name: 'ec2',
  protocol: 'ec2',
  namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  getResource: () => '*',
  operations: {
    DescribeSubnets: ({ state }) => ({
      subnetSet: state.subnets.map(({ id, zone, availableIpCount, tags }) => ({
        subnetId: id,
        vpcId: defaultVpcId,
        state: 'available',
        availabilityZone: zone,
        availableIpAddressCount: availableIpCount,
        tagSet: Object.entries(tags).map(([key, value]) => ({ key, value })),
      })),
    }),
  },
}
