/** Manual operations on secrets with certificates, in the cluster and in AWS Secrets Manager. */
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import type { TestEnvironment } from '../../testing/environment.ts'
import { getAwsClientConfig } from './aws-clients.ts'
import { writeManifest } from './manual-operations.ts'

/** The contents of a Secret in the cluster. */
export interface ClusterSecret {
  readonly name: string
  /** That of Milvus when absent. */
  readonly namespace?: string
  /** `kubernetes.io/tls` when absent. */
  readonly type?: string
  /** Texts by their keys. */
  readonly entries: Readonly<Record<string, string>>
}

/** Creates a Secret as cert-manager does, or replaces its contents. */
export async function applyClusterSecret(
  environment: TestEnvironment,
  { name, namespace = environment.namespace, type = 'kubernetes.io/tls', entries }: ClusterSecret,
): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(entries).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  )
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, data }
  const manifest = await writeManifest(environment, [object])
  await environment.kubectl('apply', '--namespace', namespace, '-f', manifest)
}

const createClient = (environment: TestEnvironment, region = environment.region) =>
  new SecretsManagerClient({ ...getAwsClientConfig(environment), region })

/** The value of a secret in AWS Secrets Manager; undefined for one that has none yet. */
type SecretValue = string | Uint8Array | undefined

const toFields = (value: SecretValue) =>
  typeof value === 'string' ? { SecretString: value } : { SecretBinary: value }

/** @returns its ARN */
export async function createAwsSecret(
  environment: TestEnvironment,
  name: string,
  value: SecretValue,
  region?: string,
): Promise<string> {
  const { ARN = '' } = await createClient(environment, region).send(
    new CreateSecretCommand({ Name: name, ...toFields(value) }),
  )
  return ARN
}

export async function putAwsSecretValue(
  environment: TestEnvironment,
  arn: string,
  value: SecretValue,
): Promise<void> {
  await createClient(environment).send(
    new PutSecretValueCommand({ SecretId: arn, ...toFields(value) }),
  )
}

/** Schedules its deletion, as the console does. */
export async function deleteAwsSecret(environment: TestEnvironment, arn: string): Promise<void> {
  await createClient(environment).send(new DeleteSecretCommand({ SecretId: arn }))
}
