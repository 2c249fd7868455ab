/** AWS Secrets Manager (API reference): secrets with their current value. */
import { getString } from './fields.ts'
import { AwsError, randomId, type OperationCall, type AwsService } from './service.ts'
import type { StoredSecret } from './state.ts'

/** A secret by its ARN or name; those of other accounts are not shared. */
function findSecret({ input, state }: OperationCall): StoredSecret {
  const id = getString(input, 'SecretId') ?? ''
  const secret = [...state.secrets.values()].find(({ arn, name }) => arn === id || name === id)
  if (!secret)
    throw new AwsError(
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret.",
    )
  return secret
}

function findUndeletedSecret(call: OperationCall): StoredSecret {
  const secret = findSecret(call)
  if (secret.deletedAt)
    throw new AwsError(
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    )
  return secret
}

/** Text, or binary as base64. */
const readValue = ({ input }: OperationCall): Pick<StoredSecret, 'text' | 'binary'> => ({
  text: getString(input, 'SecretString'),
  binary: getString(input, 'SecretBinary'),
})

/** AWS Secrets Manager. */
export const secretsManager: AwsService = {
  logName: 'secretsmanager',
  name: 'secretsmanager',
  protocol: 'json',
  getResource: (operation, call) => {
    if (operation === 'CreateSecret') return '*'
    const id = getString(call.input, 'SecretId') ?? '*'
    return [...call.state.secrets.values()].find(({ name }) => name === id)?.arn ?? id
  },
  operations: {
    CreateSecret: (call) => {
      const name = getString(call.input, 'Name') ?? ''
      const { account, region, secrets } = call.state
      const suffix = randomId().slice(0, 6)
      const arn = `arn:aws:secretsmanager:${region}:${account}:secret:${name}-${suffix}`
      secrets.set(arn, { arn, name, ...readValue(call) })
      return { ARN: arn, Name: name }
    },
    PutSecretValue: (call) => {
      const { arn, name } = findUndeletedSecret(call)
      call.state.secrets.set(arn, { arn, name, ...readValue(call) })
      return { ARN: arn, Name: name }
    },
    DeleteSecret: (call) => {
      const secret = findUndeletedSecret(call)
      secret.deletedAt = new Date(call.now)
      return { ARN: secret.arn, Name: secret.name, DeletionDate: call.now / 1000 + 30 * 86_400 }
    },
    GetSecretValue: (call) => {
      const { arn, name, text, binary } = findUndeletedSecret(call)
      if (text === undefined && binary === undefined)
        throw new AwsError(
          'ResourceNotFoundException',
          "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        )
      const value = text === undefined ? { SecretBinary: binary } : { SecretString: text }
      return { ARN: arn, Name: name, VersionStages: ['AWSCURRENT'], ...value }
    },
  },
}
