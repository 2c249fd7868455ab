/** Reads targets, and lists all problems with them. */
import { Ajv, type ErrorObject } from 'ajv'
import { FAILSAFE_SCHEMA, Schema, load, nullCoreTag } from 'js-yaml'
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { inputInvalid, isInputMissing } from '../../failures/inputs.ts'
import { inputsOfFleetScope } from '../../inputs/inputs.ts'
import { InvalidInputError } from '../../inputs/invalid-input.ts'
import { parseSettings } from '../../inputs/settings.ts'
import type { SettingsEnvironment } from '../../inputs/types.ts'
import { isPlainObject } from '../../util/objects.ts'
import { loadHelmValues, readTargetValues } from './helm-values.ts'
import { getConcurrencyGroup } from './matrix.ts'
import { targetInputs, targetsSchema } from './schema.ts'

/** A target, including the defaults of its file. */
export interface FleetTarget {
  readonly name: string
  readonly environment: string
  /** The environment for mode check. */
  readonly checkEnvironment: string
  /** ARN. Empty when the runner has its own credentials. */
  readonly roleToAssume: string
  /** ARN of the role for mode check. */
  readonly checkRoleToAssume: string
  /** Labels. Empty for the runner of the workflow. */
  readonly runsOn: readonly string[]
  /** Inputs of the main action, as texts. */
  readonly inputs: Readonly<Record<string, string>>
}

type EntryValue = string | number | boolean | readonly string[] | Readonly<Record<string, unknown>>

/** A target or the defaults, as the schema allows them. */
interface TargetEntry {
  readonly name?: string
  readonly environment?: string
  readonly 'check-environment'?: string
  readonly 'role-to-assume'?: string
  readonly 'check-role-to-assume'?: string
  readonly 'runs-on'?: string | readonly string[]
  values?: EntryValue
  readonly [input: string]: EntryValue | undefined
}

interface TargetsFile {
  readonly defaults?: TargetEntry
  readonly targets: readonly TargetEntry[]
}

/** The targets, or all problems with them. */
export type TargetsResult =
  { readonly targets: readonly FleetTarget[] } | { readonly problems: readonly string[] }

/** Keeps scalars as they were written, as inputs are texts: a tag 0042 does not become 42. */
const targetsFileSchema = new Schema([...FAILSAFE_SCHEMA.tags, nullCoreTag])

/**
 * @param text YAML or JSON
 * @param env that the jobs will have
 */
export function readTargets(text: string, env: SettingsEnvironment = {}): TargetsResult {
  let content: unknown
  let helmContent: unknown
  try {
    content = load(text, { schema: targetsFileSchema })
    helmContent = loadHelmValues(text)
  } catch (thrown) {
    return { problems: [truncateProblem(describeYamlError(thrown))] }
  }
  const validate = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    strict: true,
  }).compile<TargetsFile>(targetsSchema)
  const errors = validate(content) ? [] : (validate.errors ?? [])
  const { targets, valuesProblems } = collectValidTargets(errors, content, helmContent)
  const problems = [
    ...describeSchemaErrors(errors, content),
    ...findDuplicateNames(targets),
    ...findSharedIngresses(targets),
    ...valuesProblems,
    ...targets.flatMap((target) => validateTarget(target, env)),
  ]
  return problems.length > 0 ? { problems: problems.map(truncateProblem) } : { targets }
}

/** @param thrown by js-yaml */
function describeYamlError(thrown: unknown): string {
  const { mark, reason } = thrown as { mark?: { line: number; column: number }; reason?: string }
  const position = mark ? ` (line ${mark.line + 1}, column ${mark.column + 1})` : ''
  return `The file is not valid YAML${position}: ${reason ?? 'it cannot be parsed'}.`
}

/** A file that is no targets file may contain keys and names of any length. */
const truncateProblem = (problem: string): string =>
  problem.length > 1_000 ? `${problem.slice(0, 1_000)}...` : problem

/**
 * Reads the single target of a reusable workflow. Other inputs of the workflow are ignored.
 * @param text `toJSON(inputs)` of the workflow
 * @param env that the job will have
 */
export function readWorkflowTarget(text: string, env: SettingsEnvironment = {}): TargetsResult {
  const workflowInputs = parseJsonObject(text)
  if (!workflowInputs)
    return { problems: ['Input target is not a JSON object. Pass toJSON(inputs).'] }
  const names: readonly string[] = [...targetInputs, 'environment', 'role-to-assume']
  const target = createTarget(
    Object.fromEntries(
      Object.entries(workflowInputs).flatMap(([name, value]) =>
        names.includes(name) && ['string', 'number', 'boolean'].includes(typeof value)
          ? [[name, value as string | number | boolean]]
          : [],
      ),
    ),
  )
  const namedTarget = {
    ...target,
    name: (target.inputs['host'] || 'host').replace(/\s+/g, ' ').slice(0, 253),
  }
  const problems = validateInputs(namedTarget, env)
  return problems.length > 0 ? { problems } : { targets: [namedTarget] }
}

function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isPlainObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * The targets that match the schema, which are checked further. None when the file itself or its
 * defaults do not match.
 */
function collectValidTargets(
  errors: readonly ErrorObject[],
  content: unknown,
  helmContent: unknown,
): { targets: FleetTarget[]; valuesProblems: string[] } {
  const targets: FleetTarget[] = []
  const valuesProblems: string[] = []
  const indexes = errors.map(({ instancePath }) => /^\/targets\/(\d+)/.exec(instancePath)?.[1])
  if (indexes.includes(undefined)) return { targets, valuesProblems }
  const { defaults = {}, targets: entries } = content as TargetsFile
  for (const [index, entry] of entries.entries()) {
    if (indexes.includes(String(index))) continue
    const target: TargetEntry = { ...defaults, ...entry }
    try {
      if (target.values !== undefined) target.values = readTargetValues(helmContent, index)
    } catch (thrown) {
      if (!(thrown instanceof InvalidInputError)) throw thrown
      valuesProblems.push(describeProblem(entry.name ?? '', inputInvalid('values', thrown)))
      target.values = ''
    }
    targets.push(createTarget(target))
  }
  return { targets, valuesProblems }
}

const describeProblem = (name: string, { message, remedy }: ActionError): string =>
  `${name}: ${message} ${remedy}`

/**
 * One problem per location. For a choice of types, Ajv reports the failure of each and then of the
 * choice; only the latter is kept.
 */
function describeSchemaErrors(errors: readonly ErrorObject[], content: unknown): string[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf')
  const isPartOfChoice = ({ instancePath }: ErrorObject): boolean =>
    choices.some((choice) => instancePath.startsWith(choice.instancePath))
  const relevantErrors = errors.filter(
    (error) => error.keyword === 'anyOf' || !isPartOfChoice(error),
  )
  return [...new Set(relevantErrors.map((error) => describeSchemaError(error, content)))]
}

function describeSchemaError(error: ErrorObject, content: unknown): string {
  const { keyword, params, instancePath, message = 'is invalid' } = error
  const location = formatLocation(instancePath, content)
  const key = String(params['additionalProperty'] ?? params['missingProperty'])
  switch (keyword) {
    case 'additionalProperties':
      return `${location} contains ${key}, which is not a valid key.`
    case 'required':
      return `${location} has no ${key}.`
    case 'anyOf':
      return `${location} has the wrong type. Use a text, or a list or map if the input is one.`
    case 'pattern':
      return describePatternError(location)
    case 'minItems':
      return `${location} is empty.`
    default:
      return `${location} ${message}.`
  }
}

/** Only names and roles have a pattern. */
const describePatternError = (location: string): string =>
  location.endsWith('name')
    ? `${location} is not valid. Use at most 100 letters, digits, dots, dashes and underscores, ` +
      'starting with a letter or digit, and not the word failed, which input only uses.'
    : `${location} is not the ARN of an IAM role. ` +
      'Example: arn:aws:iam::111122223333:role/milvus-alb.'

/** `/targets/3/host` as `targets[3] (production): host`. */
function formatLocation(path: string, content: unknown): string {
  const [, index, ...rest] = /^\/targets\/(\d+)(?:\/(.*))?$/.exec(path) ?? []
  if (index === undefined) return path === '' ? 'The file' : path.slice(1).replaceAll('/', '.')
  const name = (content as { targets?: { name?: unknown }[] }).targets?.[Number(index)]?.name
  return [
    `targets[${index}]${typeof name === 'string' ? ` (${name})` : ''}`,
    ...rest.filter((part) => part),
  ].join(': ')
}

function createTarget(entry: TargetEntry): FleetTarget {
  const {
    name = '',
    environment = '',
    'check-environment': checkEnvironment = environment,
    'role-to-assume': roleToAssume = '',
    'check-role-to-assume': checkRoleToAssume = roleToAssume,
    'runs-on': runsOn = [],
    ...inputs
  } = entry
  return {
    name,
    environment,
    checkEnvironment,
    roleToAssume,
    checkRoleToAssume,
    runsOn: [runsOn].flat(),
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([input, value]) => [
        input,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
    ),
  }
}

function findDuplicateNames(targets: readonly FleetTarget[]): string[] {
  const names = targets.map(({ name }) => name)
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) =>
      `${names.filter((other) => other === name).length} targets have the name ${name}. ` +
      'Names must be unique.',
  )
}

/** Targets whose runs would overwrite each other's Ingress. */
function findSharedIngresses(targets: readonly FleetTarget[]): string[] {
  const groups = [
    ...Map.groupBy(targets, (target) =>
      JSON.stringify([
        getConcurrencyGroup(target),
        target.runsOn,
        target.inputs['ingress-name'] ?? '',
      ]),
    ).values(),
  ]
  const sharedNames = groups
    .map((group) => [...new Set(group.map(({ name }) => name))])
    .filter((names) => names.length > 1)
  return sharedNames.map(
    (names) =>
      `Targets ${names.join(', ')} use the same Ingress of the same cluster. ` +
      'Set a different ingress-name for each, or keep only one of them.',
  )
}

function validateTarget(target: FleetTarget, env: SettingsEnvironment): string[] {
  const problems = validateInputs(target, env)
  if (target.environment !== '') return problems
  const environmentProblem =
    `${target.name}: environment is missing. Set it to the GitHub environment whose secrets ` +
    'contain the certificate and the key, here or in defaults.'
  return [environmentProblem, ...problems]
}

/** The problems that the action itself would find, except those of inputs that the job sets. */
function validateInputs({ name, inputs }: FleetTarget, env: SettingsEnvironment): string[] {
  const result = parseSettings(inputs, env)
  if (!('errors' in result)) return []
  return combineErrors(result.errors)
    .allErrors.filter(
      (error) => !inputsOfFleetScope('job').some((input) => isInputMissing(error, input)),
    )
    .map((error) => describeProblem(name, error))
}
