/** Arguments of the controller that keep it from doing what annotations ask for. Pure. */
import type { DisablingArgument } from './annotation-table.ts'
import { isGoTrue } from './annotation-validators.ts'
import { annotationPrefix, findDeclaration } from './annotations.ts'

/** The value of `--flag=value` or `--flag value`; the last one counts. */
export function findArgument(args: readonly string[], flag: string): string | undefined {
  let value: string | undefined
  for (const [index, arg] of args.entries()) {
    if (arg.startsWith(`--${flag}=`)) value = arg.slice(flag.length + 3)
    if (arg === `--${flag}`) value = args[index + 1] ?? ''
  }
  return value
}

/** Source: pflag. A boolean flag without a value is true, whatever follows it. */
function findBooleanArgument(args: readonly string[], flag: string): boolean | undefined {
  const last = args.findLast((arg) => arg === `--${flag}` || arg.startsWith(`--${flag}=`))
  if (last === undefined) return undefined
  return last === `--${flag}` || isGoTrue(last.slice(flag.length + 3))
}

/** `--feature-gates=NAME=true,NAME=false` */
function findFeatureGate(args: readonly string[], name: string): boolean | undefined {
  const gates = (findArgument(args, 'feature-gates') ?? '').split(',')
  const gate = gates.map((each) => each.trim()).findLast((each) => each.startsWith(`${name}=`))
  return gate === undefined ? undefined : isGoTrue(gate.slice(name.length + 1))
}

const isDisabled = (args: readonly string[], { flag, gate, value }: DisablingArgument): boolean =>
  (gate === undefined ? findBooleanArgument(args, flag) : findFeatureGate(args, gate)) === value

/** An annotation that the controller ignores or rejects because of an argument. */
export interface DisabledAnnotation {
  readonly key: string
  /** `--enable-wafv2=false` */
  readonly argument: string
  readonly effect: 'ignores' | 'rejects'
}

/**
 * @param annotations that are going to be set, by key
 * @param tags that are going to be set, by key
 */
export function findDisabledAnnotations(
  args: readonly string[],
  annotations: Readonly<Record<string, string>>,
  tags: readonly string[],
): DisabledAnnotation[] {
  const disabled: DisabledAnnotation[] = []
  for (const [key, value] of Object.entries(annotations)) {
    const argument = findDeclaration(key)?.disabledBy
    if (!argument || !isDisabled(args, argument)) continue
    if (argument.appliesTo?.(value) === false) continue
    const { flag, gate, effect } = argument
    const name = gate === undefined ? flag : `${flag}=${gate}`
    disabled.push({ key, argument: `--${name}=${argument.value}`, effect })
  }
  const externalTags = (findArgument(args, 'external-managed-tags') ?? '').split(',')
  for (const tag of externalTags.map((each) => each.trim()))
    if (tags.includes(tag))
      disabled.push({
        key: `tag ${tag} in ${annotationPrefix}tags`,
        argument: `--external-managed-tags=${tag}`,
        effect: 'rejects',
      })
  return disabled
}
