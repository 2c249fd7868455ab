/**
 * EC2: the subnets of a VPC, among which the controller chooses. The SDK's client is large: import
 * this module dynamically.
 */
import { DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2'
import type { AwsClients } from './clients.ts'
import { translateAwsError } from './errors.ts'

export interface Subnet {
  readonly id: string
  /** Availability zone, `us-east-2a`. */
  readonly availabilityZone: string
  /** Number of unassigned addresses. */
  readonly availableAddresses: number
  readonly tags: Readonly<Record<string, string>>
}

/**
 * All subnets of a VPC.
 * @throws ActionError those of `translateAwsError`
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
