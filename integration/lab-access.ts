/** Access to a lab: the administrator's clients and the credentials of runners. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AwsCredential } from '../simulator/aws/service.ts'
import { createAdminCli } from '../testing/admin-cli.ts'
import type { HelmMajorVersion } from '../testing/cli-tools.ts'
import type { RunnerFiles } from '../testing/runner-files.ts'
import {
  isAllowedByPolicy,
  rbacGroupOf,
  loadIamPolicy,
  loadRbacObjects,
  type PermissionSet,
} from '../testing/shipped-permissions.ts'
import { cluster, host, namespace } from './lab-services.ts'
import { runCommand } from './command.ts'
import type { AwsProxy } from './services/aws-proxy.ts'
import type { EksAuthenticator } from './services/eks-authenticator.ts'
import type { Moto } from './services/moto.ts'
import type { LabPrograms } from './setup.ts'

/** The AWS environment variables of a process that uses a credential. */
export function buildAwsEnvironment(
  moto: Moto,
  aws: AwsProxy,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredential,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: moto.region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  }
}

interface AdministratorOptions {
  readonly programs: LabPrograms
  readonly directory: string
  readonly kubeconfig: string
  /** The URL of the chart repository. */
  readonly charts: string
  readonly albAddress: string
  readonly listenPort: number
  readonly runner: RunnerFiles
  /** The URL of the DNS proxy. */
  readonly proxy: string
}

/** The administrator's clients: Helm, kubectl and pymilvus. */
export function createAdministrator({
  programs,
  directory,
  kubeconfig,
  charts,
  albAddress,
  listenPort,
  runner,
  proxy,
}: AdministratorOptions) {
  let helmMajor: HelmMajorVersion = 4
  return {
    ...createAdminCli({
      directory,
      kubeconfig,
      namespace,
      chartRepositoryUrl: charts,
      kubectl: programs.kubectl,
      helm: () => programs.helm[helmMajor],
    }),
    useHelm: (version: HelmMajorVersion): Promise<void> => {
      helmMajor = version
      return runner.useHelm(programs.helm[version])
    },
    pymilvus: async (
      script: string,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<string> => {
      const target = {
        ADDRESS: albAddress,
        PORT: String(listenPort),
        HOST: host,
        CA: runner.caPath,
        PROXY: proxy,
      }
      return (
        await runCommand(programs.pymilvus, ['-'], {
          input: script,
          env: { PATH: '/usr/bin:/bin', HOME: join(directory, 'admin'), ...target, ...environment },
        })
      ).stdout
    },
  }
}

/** Creates a role with the shipped permissions in IAM, EKS and RBAC, and assumes it. */
export async function assumeRole(
  {
    moto,
    aws,
    eks,
    directory,
    kubectl,
  }: {
    moto: Moto
    aws: AwsProxy
    eks: EksAuthenticator
    directory: string
    kubectl: (...args: string[]) => Promise<string>
  },
  deniedPermission?: string,
  permissionSet: PermissionSet = 'deploy',
): Promise<AwsCredential> {
  const name = `milvus-alb-${aws.credentials.length}`
  const policy = loadIamPolicy(
    { region: moto.region, account: moto.account, cluster },
    deniedPermission,
    permissionSet,
  )
  const credential = await moto.assumeRole(name, policy)
  aws.credentials.push(credential)
  eks.credentials.push(credential)
  const previousAuthorize = aws.authorize
  aws.authorize = (principal, action, resource, tags) =>
    principal === credential.principalArn
      ? isAllowedByPolicy(policy, action, resource, tags)
      : previousAuthorize(principal, action, resource, tags)
  eks.accessEntries = new Map([
    ...(eks.accessEntries ?? []),
    [`arn:aws:iam::${moto.account}:role/${name}`, { groups: [rbacGroupOf(permissionSet)] }],
  ])
  const path = join(directory, 'rbac.json')
  const roles = loadRbacObjects(deniedPermission, permissionSet)
  // kubectl applies only objects in the namespace that it is given.
  for (const roleNamespace of new Set(roles.map(({ metadata }) => metadata.namespace ?? ''))) {
    await writeFile(
      path,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: roles.filter(({ metadata }) => (metadata.namespace ?? '') === roleNamespace),
      }),
    )
    await kubectl(
      'apply',
      ...(roleNamespace === '' ? [] : ['--namespace', roleNamespace]),
      '-f',
      path,
    )
  }
  return credential
}
