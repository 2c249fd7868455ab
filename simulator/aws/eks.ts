/** Amazon EKS: only the description of clusters (EKS API reference, DescribeCluster). */
import { getString } from './fields.ts'
import { AwsError, type AwsService } from './service.ts'
import { defaultVpcId } from './state.ts'

/** Amazon EKS. */
export const eks: AwsService = {
  logName: 'eks',
  name: 'eks',
  protocol: 'rest-json',
  getResource: (_, { input, state }) =>
    `arn:aws:eks:${state.region}:${state.account}:cluster/${getString(input, 'name') ?? ''}`,
  operations: {
    DescribeCluster: ({ input, state }) => {
      const name = getString(input, 'name') ?? ''
      const cluster = state.clusters.get(name)
      if (!cluster)
        throw new AwsError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404)
      // A cluster in state CREATING has no endpoint and no certificate authority, and neither has
      // one of EKS Connector.
      const endpointFields =
        cluster.status === 'CREATING' || cluster.isRegistered
          ? {}
          : {
              endpoint: cluster.endpoint,
              certificateAuthority: {
                data: Buffer.from(cluster.certificateAuthority).toString('base64'),
              },
            }
      return {
        cluster: {
          name,
          arn: `arn:aws:eks:${state.region}:${state.account}:cluster/${name}`,
          createdAt: 1_700_000_000,
          version: cluster.version ?? '1.35',
          ...endpointFields,
          roleArn: `arn:aws:iam::${state.account}:role/${name}-cluster`,
          resourcesVpcConfig: {
            subnetIds: [],
            securityGroupIds: [],
            vpcId: defaultVpcId,
            endpointPublicAccess: true,
            endpointPrivateAccess: false,
            publicAccessCidrs: ['0.0.0.0/0'],
            ...cluster.network,
          },
          kubernetesNetworkConfig: { serviceIpv4Cidr: '172.20.0.0/16', ipFamily: 'ipv4' },
          accessConfig: { authenticationMode: 'API_AND_CONFIG_MAP' },
          status: cluster.status,
          platformVersion: 'eks.1',
          ...(cluster.id !== undefined && {
            id: cluster.id,
            outpostConfig: {
              outpostArns: [`arn:aws:outposts:${state.region}:${state.account}:outpost/op-1`],
              controlPlaneInstanceType: 'm5.large',
            },
          }),
          ...(cluster.isRegistered && { connectorConfig: { provider: 'OTHER' } }),
          tags: {},
        },
      }
    },
  },
}
