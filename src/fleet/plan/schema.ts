/**
 * The JSON Schema of a targets file: what editors complete, and what the file is checked against.
 */
import { inputDefaults, type InputName } from '../../inputs/inputs.ts'

/** Inputs that a target cannot say: secrets, and what the workflow decides for all. */
const excludedInputs: readonly string[] = [
  'mode',
  'dry-run',
  'fail-on-drift',
  'certificate',
  'private-key',
  'certificate-chain',
  'milvus-token',
  'chart-password',
  'values',
  'restore-service-type',
  'restore-load-balancer-class',
  'summary',
]

/** The inputs that a target may say. */
export const targetInputs = Object.keys(inputDefaults).filter(
  (name) => !excludedInputs.includes(name),
) as InputName[]

const listInputs: readonly string[] = [
  'inbound-cidrs',
  'subnets',
  'security-groups',
] satisfies InputName[]
const mapInputs: readonly string[] = ['tags', 'annotations'] satisfies InputName[]

const rolePattern = '^arn:aws[a-z-]*:iam::\\d{12}:role/.+$'

const scalarSchema = { type: ['string', 'number', 'boolean'] }

/** @param descriptions of the inputs, by name; action.yml has them */
export function createTargetsSchema(descriptions: Readonly<Record<string, string>> = {}): object {
  const inputSchema = (name: string): object => {
    if (listInputs.includes(name))
      return { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }
    return mapInputs.includes(name)
      ? { anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: scalarSchema }] }
      : scalarSchema
  }
  const describedInputSchema = (name: string): object => ({
    ...inputSchema(name),
    ...(descriptions[name] !== undefined && { description: descriptions[name] }),
  })
  const inputs = Object.fromEntries(targetInputs.map((name) => [name, describedInputSchema(name)]))
  const jobProperties = {
    environment: {
      type: 'string',
      minLength: 1,
      description:
        "GitHub environment of the job: its secrets TLS_CERTIFICATE, TLS_PRIVATE_KEY and so on are this target's, and its protection rules apply.",
    },
    'check-environment': {
      type: 'string',
      minLength: 1,
      description:
        'GitHub environment of the job in mode check, for example one without reviewers; environment when absent.',
    },
    'role-to-assume': {
      type: 'string',
      pattern: rolePattern,
      description:
        'ARN of the IAM role that the job takes by OIDC. Without it the runner has credentials of its own.',
    },
    'check-role-to-assume': {
      type: 'string',
      pattern: rolePattern,
      description:
        'ARN of the role for mode check, which needs only to read; role-to-assume when absent.',
    },
    'runs-on': {
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'array', items: { type: 'string' }, minItems: 1 },
      ],
      description: 'Runner of the job, a label or several; that of the workflow when absent.',
    },
  }
  const name = {
    type: 'string',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
    description: 'Names the target in jobs, summaries and issues. Unique in the file.',
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Targets of Milvus behind an AWS ALB',
    type: 'object',
    additionalProperties: false,
    required: ['targets'],
    properties: {
      defaults: {
        type: 'object',
        additionalProperties: false,
        description: 'What every target says that does not say otherwise.',
        properties: { ...jobProperties, ...inputs },
      },
      targets: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: { name, ...jobProperties, ...inputs },
        },
      },
    },
  }
}
