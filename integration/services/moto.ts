/**
 * moto, an independent implementation of AWS, with the lab's initial account: principals, a network
 * and a cluster.
 */
import type { AwsCredential } from '../../simulator/aws/service.ts'
import type { IamPolicy } from '../../testing/shipped-permissions.ts'
import type { Processes } from '../process.ts'
import { AwsClient, getElementText, type AwsKey } from './aws-client.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'

/** The users that exist initially. */
export type MotoUser = 'administrator' | 'runner' | 'controller'

/** The running moto. */
export interface Moto {
  /** The URL of moto itself. Requests to it are not recorded. */
  readonly url: string
  readonly region: string
  readonly account: string
  /** Each user has all permissions until a scenario replaces its policy. */
  readonly users: Readonly<Record<MotoUser, AwsCredential>>
  readonly vpcId: string
  readonly subnets: readonly string[]
  readonly securityGroup: string
  /** With the permissions of the administrator. */
  readonly client: AwsClient
  /**
   * Creates a role with a policy, and a session of it like those from GitHub's OIDC or an instance
   * profile. From then on moto verifies signatures and IAM actions, which it does not do initially.
   * moto receives the policy with all resources: it would compare every ARN with `*` and deny what
   * AWS allows, so the proxy in front of it checks the resources.
   */
  assumeRole(role: string, policy: IamPolicy): Promise<AwsCredential>
}

const region = 'us-east-2'
/** moto's default account. */
const account = '123456789012'
const allowAllPolicy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
}

/**
 * Starts an empty moto.
 * @returns its URL
 */
export async function startMotoServer(processes: Processes, python: string): Promise<string> {
  const [port = 0] = await reserveFreePorts(1)
  const url = `http://127.0.0.1:${port}`
  await processes.start({
    name: 'moto',
    command: python,
    gracePeriod: 100,
    args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    // Otherwise each reset reads the list of machine images, which takes as long as everything else
    // together.
    env: { PYTHONUNBUFFERED: '1', MOTO_EC2_LOAD_DEFAULT_AMIS: 'false' },
    isReady: () => respondsWithOk(`${url}/moto-api/data.json`),
  })
  return url
}

/** Empties a moto that was used before: no resources, no users, and no verification. */
async function resetMoto(url: string): Promise<void> {
  await command(url, 'reset')
  await command(url, 'reset-auth', 'inf')
}

/** Calls moto's own API. Source: moto, docs, Server mode. */
async function command(url: string, name: string, body = ''): Promise<void> {
  const response = await fetch(`${url}/moto-api/${name}`, { method: 'POST', body })
  if (!response.ok) throw new Error(`moto: ${name} answered ${response.status}`)
}

/** Resets a moto and creates the account in it. */
export async function createAccount(url: string, cluster: string): Promise<Moto> {
  await resetMoto(url)
  // There is no key yet. Any key works until moto verifies signatures.
  const anonymousClient = new AwsClient(url, region, {
    accessKeyId: 'AKIA0000000000000000',
    secretAccessKey: 'none',
  })
  const putPolicy = (UserName: string, policy: object): Promise<string> =>
    anonymousClient.query('iam', 'PutUserPolicy', {
      UserName,
      PolicyName: 'lab',
      PolicyDocument: JSON.stringify(policy),
    })
  const createUser = async (name: string): Promise<AwsCredential> => {
    await anonymousClient.query('iam', 'CreateUser', { UserName: name })
    const key = await anonymousClient.query('iam', 'CreateAccessKey', { UserName: name })
    await putPolicy(name, allowAllPolicy)
    return {
      accessKeyId: getElementText(key, 'AccessKeyId'),
      secretAccessKey: getElementText(key, 'SecretAccessKey'),
      principalArn: `arn:aws:iam::${account}:user/${name}`,
    }
  }
  const network = createNetwork(anonymousClient)
  const [administrator, runner, controller, { vpcId, subnets, securityGroup }] = await Promise.all([
    createUser('administrator'),
    createUser('runner'),
    createUser('controller'),
    network,
  ])
  const client = new AwsClient(url, region, administrator satisfies AwsKey)
  await client.post('eks', '/clusters', {
    name: cluster,
    roleArn: `arn:aws:iam::${account}:role/${cluster}-cluster`,
    resourcesVpcConfig: { subnetIds: subnets },
    version: '1.35',
  })
  return {
    url,
    region,
    account,
    users: { administrator, runner, controller },
    vpcId,
    subnets,
    securityGroup,
    client,
    assumeRole: async (role, policy) => {
      // While moto verifies, no principal is allowed to assume a role: it does not evaluate trust
      // policies.
      await command(url, 'reset-auth', 'inf')
      const session = await assumeRole(client, role, policy)
      await command(url, 'reset-auth', '0')
      return session
    },
  }
}

async function assumeRole(
  client: AwsClient,
  role: string,
  policy: IamPolicy,
): Promise<AwsCredential> {
  const trustPolicy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: 'sts:AssumeRole',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
      },
    ],
  }
  await client.query('iam', 'CreateRole', {
    RoleName: role,
    AssumeRolePolicyDocument: JSON.stringify(trustPolicy),
  })
  await client.query('iam', 'PutRolePolicy', {
    RoleName: role,
    PolicyName: 'lab',
    PolicyDocument: JSON.stringify(withoutResources(policy)),
  })
  const xml = await client.query('sts', 'AssumeRole', {
    RoleArn: `arn:aws:iam::${account}:role/${role}`,
    RoleSessionName: 'run-1',
  })
  return {
    accessKeyId: getElementText(xml, 'AccessKeyId'),
    secretAccessKey: getElementText(xml, 'SecretAccessKey'),
    sessionToken: getElementText(xml, 'SessionToken'),
    principalArn: `arn:aws:sts::${account}:assumed-role/${role}/run-1`,
  }
}

function withoutResources({ Version, Statement }: IamPolicy): object {
  return {
    Version,
    Statement: Statement.map(({ Effect, Action }) => ({ Effect, Action, Resource: '*' })),
  }
}

/** Creates a VPC with two subnets in two zones, and a security group. */
async function createNetwork(
  client: AwsClient,
): Promise<Pick<Moto, 'vpcId' | 'subnets' | 'securityGroup'>> {
  const vpcId = getElementText(
    await client.query('ec2', 'CreateVpc', { CidrBlock: '10.1.0.0/16' }),
    'vpcId',
  )
  const createSubnet = async (zone: string, CidrBlock: string): Promise<string> => {
    const xml = await client.query('ec2', 'CreateSubnet', {
      VpcId: vpcId,
      AvailabilityZone: `${region}${zone}`,
      CidrBlock,
    })
    const id = getElementText(xml, 'subnetId')
    await client.query('ec2', 'CreateTags', {
      'ResourceId.1': id,
      'Tag.1.Key': 'kubernetes.io/role/elb',
      'Tag.1.Value': '1',
      'Tag.2.Key': 'kubernetes.io/role/internal-elb',
      'Tag.2.Value': '1',
    })
    return id
  }
  const createSecurityGroup = async (): Promise<string> =>
    getElementText(
      await client.query('ec2', 'CreateSecurityGroup', {
        VpcId: vpcId,
        GroupName: 'alb',
        GroupDescription: 'of the load balancers',
      }),
      'groupId',
    )
  const [a, b, securityGroup] = await Promise.all([
    createSubnet('a', '10.1.0.0/24'),
    createSubnet('b', '10.1.1.0/24'),
    createSecurityGroup(),
  ])
  return { vpcId, subnets: [a, b], securityGroup }
}
