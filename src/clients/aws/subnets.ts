/**
 * EC2: the subnets of a VPC, as the controller looks for them. The client's code is large: import
 * this only where it is asked.
 */
import { DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2'
import type { AwsClients } from './clients.ts'
import { translateAwsError } from './errors.ts'

/** A subnet. */
export interface Subnet {
  readonly id: string
  /** Availability zone, `us-east-2a`. */
  readonly availabilityZone: string
  /** How many addresses nobody has yet. */
  readonly availableAddresses: number
  readonly tags: Readonly<Record<string, string>>
}

/**
 * All subnets of a VPC.
 * @throws ActionError `aws-access-denied` and the other AWS ones
 */
export async function listSubnets(config: AwsClients['config'], vpcId: string): Promise<Subnet[]> {
  const client = new EC2Client(config)
  try {
    const { Subnets = [] } = await client.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: 'vpc-id', Values: [vpcId] }] }),
    )
    return Subnets.map(
      ({ SubnetId = '', AvailabilityZone = '', AvailableIpAddressCount = 0, Tags = [] }) => ({
        id: SubnetId,
        availabilityZone: AvailabilityZone,
        availableAddresses: AvailableIpAddressCount,
        tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
      }),
    )
  } catch (thrown) {
    throw translateAwsError('ec2:DescribeSubnets', thrown)
  }
}
