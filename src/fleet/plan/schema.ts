/**
 * The JSON Schema of a targets file: what editors complete, and what the file is checked against.
 */
import type { InputDeclaration } from '../../inputs/declaration.ts'
import { describeInput } from '../../inputs/documentation.ts'
import { inputs, inputsOfFleetScope, type InputName } from '../../inputs/inputs.ts'

/** The inputs that a target can set. */
export const targetInputs = inputsOfFleetScope('target')

const scalarSchema = { type: ['string', 'number', 'boolean'] }
const textListSchema = { type: 'array', items: { type: 'string' } }

/** Lists and maps can also be texts, as in a workflow. */
const inputSchemas: Readonly<Record<InputDeclaration['schemaType'], object>> = {
  scalar: scalarSchema,
  list: { anyOf: [{ type: 'string' }, textListSchema] },
  map: { anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: scalarSchema }] },
  tree: { anyOf: [{ type: 'string' }, { type: 'object' }] },
}

const createInputSchema = (name: InputName): object => ({
  ...inputSchemas[inputs[name].schemaType],
  description: describeInput(name),
})

const roleSchema = { type: 'string', pattern: '^arn:aws[a-z-]*:iam::\\d{12}:role/.+$' }

/** What a target says about its job. */
const jobProperties = {
  environment: {
    type: 'string',
    minLength: 1,
    description:
      'GitHub environment of the job. The target uses its secrets (TLS_CERTIFICATE, ' +
      'TLS_PRIVATE_KEY and so on), and its protection rules apply.',
  },
  'check-environment': {
    type: 'string',
    minLength: 1,
    description:
      'GitHub environment of the job in mode check, for example one without reviewers. ' +
      'Default: environment.',
  },
  'role-to-assume': {
    ...roleSchema,
    description:
      'ARN of the IAM role that the job assumes by OIDC. ' +
      'Default: the runner has AWS credentials of its own.',
  },
  'check-role-to-assume': {
    ...roleSchema,
    description:
      'ARN of the IAM role for mode check, which can be read-only. Default: role-to-assume.',
  },
  'runs-on': {
    anyOf: [
      { type: 'string', minLength: 1 },
      { ...textListSchema, minItems: 1 },
    ],
    description: 'Runner of the job, a label or several. Default: that of the workflow.',
  },
}

const nameSchema = {
  type: 'string',
  // `only: failed` selects targets by their results.
  pattern: '^(?!failed$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
  description:
    'Name of the target in jobs, summaries and issues. Unique in the file, and not `failed`.',
}

/** Every property that a target and the defaults can have. */
const sharedProperties = {
  ...jobProperties,
  ...Object.fromEntries(targetInputs.map((name) => [name, createInputSchema(name)])),
}

export const targetsSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Targets of Milvus behind an AWS ALB',
  type: 'object',
  additionalProperties: false,
  required: ['targets'],
  properties: {
    defaults: {
      type: 'object',
      additionalProperties: false,
      description: 'Values of every target that does not set its own.',
      properties: sharedProperties,
    },
    targets: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: { name: nameSchema, ...sharedProperties },
      },
    },
  },
}
