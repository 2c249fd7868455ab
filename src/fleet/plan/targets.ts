/**
 * A targets file: read, checked with every problem listed, and each target's inputs as the action
 * takes them.
 */
import { Ajv, type ErrorObject } from 'ajv'
import { CORE_SCHEMA, load } from 'js-yaml'
import { combineErrors } from '../../failures/action-error.ts'
import { isInputMissing } from '../../failures/inputs.ts'
import { inputsOfFleetScope } from '../../inputs/inputs.ts'
import { parseSettings } from '../../inputs/settings.ts'
import { getConcurrencyGroup } from './matrix.ts'
import { targetInputs, targetsSchema } from './schema.ts'

/** One target, with the defaults of the file under it. */
export interface Target {
  readonly name: string
  readonly environment: string
  /** The one for mode check. */
  readonly checkEnvironment: string
  /** ARN; empty when the runner has credentials of its own. */
  readonly roleToAssume: string
  /** ARN of the one for mode check. */
  readonly checkRoleToAssume: string
  /** Labels; none means the workflow's own. */
  readonly runsOn: readonly string[]
  /** Inputs of the action, as texts. */
  readonly inputs: Readonly<Record<string, string>>
}

type EntryValue = string | number | boolean | readonly string[] | Readonly<Record<string, unknown>>

/** A target or the defaults, as the schema lets them be. */
interface TargetEntry {
  readonly name?: string
  readonly environment?: string
  readonly 'check-environment'?: string
  readonly 'role-to-assume'?: string
  readonly 'check-role-to-assume'?: string
  readonly 'runs-on'?: string | readonly string[]
  readonly [input: string]: EntryValue | undefined
}

interface TargetsFile {
  readonly defaults?: TargetEntry
  readonly targets: readonly TargetEntry[]
}

/** What a file says: targets, or all that is wrong with it. */
export type TargetsResult =
  { readonly targets: readonly Target[] } | { readonly problems: readonly string[] }

/** @param text YAML or JSON */
export function readTargets(text: string): TargetsResult {
  let content: unknown
  try {
    content = load(text, { schema: CORE_SCHEMA })
  } catch (thrown) {
    const { mark, reason } = thrown as { mark?: { line: number; column: number }; reason?: string }
    return {
      problems: [
        truncateProblem(
          `The file is not YAML${mark ? ` (line ${mark.line + 1}, column ${mark.column + 1})` : ''}: ${reason ?? 'it cannot be parsed'}.`,
        ),
      ],
    }
  }
  const validate = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    strict: true,
  }).compile<TargetsFile>(targetsSchema)
  const errors = validate(content) ? [] : (validate.errors ?? [])
  const targets = collectValidTargets(errors, content)
  const problems = [
    ...describeSchemaErrors(errors, content),
    ...findDuplicateNames(targets),
    ...findSharedIngresses(targets),
    ...targets.flatMap(validateTarget),
  ]
  return problems.length > 0 ? { problems: problems.map(truncateProblem) } : { targets }
}

/** A file that is none may have keys and names without end. */
const truncateProblem = (problem: string): string =>
  problem.length > 1_000 ? `${problem.slice(0, 1_000)}...` : problem

/**
 * The inputs of a reusable workflow, `toJSON(inputs)`, as its one target: of them what is an input
 * of the action, the environment and the role.
 */
export function readWorkflowTarget(text: string): TargetsResult {
  const workflowInputs = parseJsonObject(text)
  if (!workflowInputs)
    return { problems: ['The workflow gives no inputs as JSON: pass toJSON(inputs) as target.'] }
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
  const problems = validateInputs(namedTarget)
  return problems.length > 0 ? { problems } : { targets: [namedTarget] }
}

function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/**
 * The targets whose own form is right: what else is wrong with them can be said at once. None when
 * the file or its defaults have no right form.
 */
function collectValidTargets(errors: readonly ErrorObject[], content: unknown): Target[] {
  const indexes = errors.map(({ instancePath }) => /^\/targets\/(\d+)/.exec(instancePath)?.[1])
  if (indexes.includes(undefined)) return []
  const { defaults = {}, targets } = content as TargetsFile
  return targets
    .filter((_entry, index) => !indexes.includes(String(index)))
    .map((entry) => createTarget({ ...defaults, ...entry }))
}

/**
 * Each place once: for a choice of forms Ajv names the failure of every one, and then the choice.
 */
function describeSchemaErrors(errors: readonly ErrorObject[], content: unknown): string[] {
  const relevantErrors = errors.filter(
    ({ keyword, instancePath }) =>
      keyword === 'anyOf' ||
      !errors.some(
        (other) => other.keyword === 'anyOf' && instancePath.startsWith(other.instancePath),
      ),
  )
  return [
    ...new Set(
      relevantErrors.map((error) => {
        const location = formatLocation(error.instancePath, content)
        const { keyword, params } = error
        if (keyword === 'additionalProperties')
          return `${location} has ${String(params['additionalProperty'])}, which is no input of the action and nothing that a target says.`
        if (keyword === 'required')
          return `${location} has no ${String(params['missingProperty'])}.`
        if (keyword === 'anyOf')
          return `${location} has a form that it cannot have: give a text, or a list or map where the input is one.`
        if (keyword === 'pattern')
          return location.endsWith('name')
            ? `${location} may have letters, digits, dots, dashes and underscores, at most 100.`
            : `${location} is no ARN of an IAM role, for example arn:aws:iam::111122223333:role/milvus-alb.`
        return keyword === 'minItems'
          ? `${location} is empty.`
          : `${location} ${error.message ?? 'is wrong'}.`
      }),
    ),
  ]
}

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

function createTarget(entry: TargetEntry): Target {
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

function findDuplicateNames(targets: readonly Target[]): string[] {
  const names = targets.map(({ name }) => name)
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map(
    (name) => `There are ${names.filter((other) => other === name).length} targets named ${name}.`,
  )
}

/** Targets that would undo each other's Ingress with every run. */
function findSharedIngresses(targets: readonly Target[]): string[] {
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
      `${names.join(', ')} are the same Ingress of the same cluster: give each an ingress-name of its own, or keep one.`,
  )
}

function validateTarget(target: Target): string[] {
  const environment =
    target.environment === ''
      ? [
          `${target.name}: It has no environment: name the GitHub environment whose secrets are its certificate and key, here or in defaults.`,
        ]
      : []
  return [...environment, ...validateInputs(target)]
}

/** The problems that the action itself would find, except those of inputs that the job sets. */
function validateInputs({ name, inputs }: Target): string[] {
  const result = parseSettings(inputs, {})
  if (!('errors' in result)) return []
  return combineErrors(result.errors)
    .allErrors.filter(
      (error) => !inputsOfFleetScope('job').some((input) => isInputMissing(error, input)),
    )
    .map(({ message, remedy }) => `${name}: ${message} ${remedy}`)
}
