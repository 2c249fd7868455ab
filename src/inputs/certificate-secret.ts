/** The secret that contains the certificate: in the cluster, or in AWS Secrets Manager. Pure. */
import { invalidValue } from './invalid-input.ts'
import { parseKubernetesName, parseKubernetesSubdomain } from './names.ts'
import type { CertificateSecret } from './types.ts'

/** The secret that the input names. */
export type SecretReference =
  | Extract<CertificateSecret, { kind: 'secrets-manager' }>
  /** In the namespace of the release if `namespace` is undefined. */
  | { readonly kind: 'kubernetes'; readonly namespace: string | undefined; readonly name: string }

/** Source: the Secrets Manager API, CreateSecret: the characters of a name. */
const secretArn = /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[\w/+=.@-]{1,519}$/

const secretArnWithKey = /^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^:]+):/

/** `name`, `namespace/name`, or the ARN of a secret in AWS Secrets Manager. */
export function parseCertificateSecret(raw: string): SecretReference {
  if (raw.startsWith('arn:')) return parseSecretArn(raw)
  const [name = '', namespace, ...rest] = raw.split('/').reverse()
  if (rest.length > 0)
    throw invalidValue(
      raw,
      'has more than one slash',
      'Use name or namespace/name of a Secret in the cluster, or the ARN of a secret in AWS ' +
        'Secrets Manager.',
    )
  return {
    kind: 'kubernetes',
    namespace: namespace === undefined ? undefined : parseKubernetesName(namespace),
    name: parseKubernetesSubdomain(name),
  }
}

function parseSecretArn(arn: string): SecretReference {
  if (/^arn:aws[a-z-]*:acm:/.test(arn))
    throw invalidValue(
      arn,
      'is the ARN of an ACM certificate',
      'Set certificate-arn to it, and leave certificate-secret empty.',
    )
  const [, withoutKey] = secretArnWithKey.exec(arn) ?? []
  if (withoutKey !== undefined)
    throw invalidValue(
      arn,
      'names a key or a version of a secret',
      `Use the ARN of the secret, without what follows its name: ${withoutKey}.`,
    )
  const [, region] = secretArn.exec(arn) ?? []
  if (region === undefined)
    throw invalidValue(
      arn,
      'is not the ARN of a secret in AWS Secrets Manager',
      'Use the full ARN, for example ' +
        'arn:aws:secretsmanager:us-east-2:111122223333:secret:milvus/tls-AbCdEf.',
    )
  return { kind: 'secrets-manager', arn, region }
}
