/**
 * The parts of the reusable workflows that follow from action.yml, between `# <name>` and `#
 * </name>`.
 */

/** An input or output of action.yml. */
export interface ActionField {
  readonly description: string
  readonly default?: string
}

/** Inputs that the reusable workflows give in their own way, or not at all. */
const excludedInputs = [
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

/**
 * A workflow with its regions as action.yml has them.
 * @param workflow its text
 * @throws Error when a region has no end
 */
export function replaceRegions(
  workflow: string,
  {
    inputs,
    outputs,
  }: {
    inputs: Readonly<Record<string, ActionField>>
    outputs: Readonly<Record<string, ActionField>>
  },
): string {
  const forwardedInputs = Object.entries(inputs).filter(([name]) => !excludedInputs.includes(name))
  const regions: Readonly<Record<string, readonly string[]>> = {
    inputs: forwardedInputs.flatMap(([name, entry]) => [
      `${name}:`,
      `  description: ${JSON.stringify(stripExpressions(entry.description))}`,
      ...formatTypeAndDefault(entry),
    ]),
    outputs: Object.entries(outputs).flatMap(([name, { description }]) => [
      `${name}:`,
      `  description: ${JSON.stringify(stripExpressions(description))}`,
      `  value: \${{ jobs.one.outputs.${name} }}`,
    ]),
    'job-outputs': Object.keys(outputs).map((name) => `${name}: \${{ steps.alb.outputs.${name} }}`),
    with: forwardedInputs.map(([name]) => `${name}: \${{ inputs.${name} }}`),
  }
  return Object.entries(regions).reduce(
    (text, [name, lines]) =>
      text.replace(
        new RegExp(`^( *)# <${name}>\\n[\\s\\S]*?^ *# </${name}>$`, 'm'),
        (_all, indent: string) =>
          [`# <${name}>`, ...lines, `# </${name}>`].map((line) => indent + line).join('\n'),
      ),
    workflow,
  )
}

/** Even in a description GitHub would evaluate an expression. */
const stripExpressions = (description: string): string =>
  description.replace(/\$\{\{ *(.*?) *\}\}/g, '$1')

function formatTypeAndDefault({ default: defaultValue = '' }: ActionField): string[] {
  const type = /^(true|false)$/.test(defaultValue) ? 'boolean' : 'string'
  return [
    `  type: ${type}`,
    `  default: ${type === 'boolean' ? defaultValue : JSON.stringify(defaultValue)}`,
  ]
}
