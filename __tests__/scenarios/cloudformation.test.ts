/** The CloudFormation template in docs/permissions creates what docs/permissions.md describes. */
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { runCommand } from '../../integration/command.ts'
import type { Lab } from '../../integration/lab.ts'
import { repositoryRoot } from '../../testing/environment.ts'
import {
  loadIamPolicy,
  otherTag,
  type IamPolicy,
  type PermissionSet,
} from '../../testing/shipped-permissions.ts'
import { getAwsClientConfig } from './aws-clients.ts'
import { labScenario } from './harness.ts'

const template = join(repositoryRoot, 'docs/permissions/cloudformation.yaml')
const subject = 'repo:acme@1/search@2:environment:production'
const secretArn = 'arn:aws:secretsmanager:us-east-2:123456789012:secret:milvus/tls-AbCdEf'
const provider = 'oidc-provider/token.actions.githubusercontent.com'

const permissionParameters: Readonly<Partial<Record<PermissionSet, string>>> = {
  deploy: 'deploy',
  hardened: 'deploy-own-certificates',
  check: 'check',
}

/** Runs the AWS CLI, as users do. */
async function runAws(environment: Lab, ...args: string[]): Promise<string> {
  const { credentials, endpoint, region } = getAwsClientConfig(environment)
  const env = {
    PATH: process.env['PATH'],
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: region,
  }
  return (await runCommand(environment.programs.aws, ['-m', 'awscli', ...args], { env })).stdout
}

async function readRole(environment: Lab, name: string): Promise<unknown> {
  const { Role } = JSON.parse(
    await runAws(environment, 'iam', 'get-role', '--role-name', name),
  ) as {
    Role: { AssumeRolePolicyDocument: { Statement: readonly unknown[] } }
  }
  return Role.AssumeRolePolicyDocument.Statement[0]
}

/** The statements of a policy of the stack. */
async function readStatements(
  environment: Lab,
  role: string,
  policyName: string,
): Promise<IamPolicy['Statement']> {
  const args = ['--role-name', role, '--policy-name', `milvus-alb-action-${policyName}`]
  const output = await runAws(environment, 'iam', 'get-role-policy', ...args)
  return (JSON.parse(output) as { PolicyDocument: IamPolicy }).PolicyDocument.Statement
}

labScenario(
  'the CloudFormation template creates roles with exactly the shipped policies, trusted by one environment',
  'the simulator has neither CloudFormation nor IAM',
  async ({ environment }) => {
    const { account, region, programs } = environment
    const lint = 'import sys; from cfnlint.runner import main; sys.exit(main())'
    await runCommand(programs.moto, ['-c', lint, '--', template])
    const providerArn = `arn:aws:iam::${account}:${provider}`
    for (const [set, permissions] of Object.entries(permissionParameters)) {
      const role = `milvus-${set}`
      await runAws(
        environment,
        'cloudformation',
        'deploy',
        ...['--template-file', template, '--stack-name', role],
        ...['--capabilities', 'CAPABILITY_NAMED_IAM', '--parameter-overrides'],
        ...[`RoleName=${role}`, 'Repository=acme@1/search@2', 'Environment=production'],
        ...['ClusterName=production', `OidcProviderArn=${providerArn}`],
        ...[`Permissions=${permissions}`, `OtherCertificatesTag=${otherTag}`],
        `CertificateSecretArn=${secretArn}`,
      )
      expect(await readStatements(environment, role, 'certificate-secret')).toMatchObject([
        { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: secretArn },
      ])
      const location = { region, account, cluster: 'production' }
      const shipped = loadIamPolicy(location, '', set as PermissionSet)
      // The loader makes a list of every action.
      const statements = await readStatements(environment, role, permissions)
      const created = statements.map((each) => ({ ...each, Action: [each.Action].flat() }))
      expect(created).toEqual(shipped.Statement)
      expect(await readRole(environment, role)).toEqual({
        Effect: 'Allow',
        Action: 'sts:AssumeRoleWithWebIdentity',
        Principal: { Federated: providerArn },
        Condition: {
          StringEquals: {
            'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
            'token.actions.githubusercontent.com:sub': subject,
          },
        },
      })
    }
  },
  { start: 'empty' },
)
