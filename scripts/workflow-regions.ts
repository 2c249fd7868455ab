/**
 * The regions of the reusable workflows that are generated from the inputs and outputs, between the
 * comments `# <name>` and `# </name>`.
 */
import { describeInput } from '../src/inputs/documentation.ts'
import { inputs, inputsOfFleetScope, type InputName } from '../src/inputs/inputs.ts'
import { outputs } from '../src/steps/outputs.ts'

/**
 * Updates the regions of a workflow. The workflows themselves set the inputs that a target cannot
 * set.
 * @param workflow its text
 */
export function replaceRegions(workflow: string): string {
  const forwardedInputs = inputsOfFleetScope('target')
  const outputNames = Object.keys(outputs)
  const regions: Readonly<Record<string, readonly string[]>> = {
    inputs: forwardedInputs.flatMap(formatInput),
    outputs: Object.entries(outputs).flatMap(([name, description]) => [
      `${name}:`,
      `  description: ${JSON.stringify(stripExpressions(description))}`,
      `  value: \${{ jobs.one.outputs.${name} }}`,
    ]),
    'job-outputs': outputNames.map((name) => `${name}: \${{ steps.alb.outputs.${name} }}`),
    with: forwardedInputs.map((name) => `${name}: \${{ inputs.${name} }}`),
  }
  return Object.entries(regions).reduce(
    (text, [name, lines]) => replaceRegion(text, name, lines),
    workflow,
  )
}

function replaceRegion(workflow: string, name: string, lines: readonly string[]): string {
  const region = new RegExp(`^( *)# <${name}>\\n[\\s\\S]*?^ *# </${name}>$`, 'm')
  return workflow.replace(region, (_region, indent: string) =>
    [`# <${name}>`, ...lines, `# </${name}>`].map((line) => indent + line).join('\n'),
  )
}

/** GitHub evaluates expressions even in descriptions. */
const stripExpressions = (description: string): string =>
  description.replace(/\$\{\{ *(.*?) *\}\}/g, '$1')

function formatInput(name: InputName): string[] {
  const { type, default: defaultText = '' } = inputs[name]
  const isBoolean = type === 'boolean'
  return [
    `${name}:`,
    `  description: ${JSON.stringify(stripExpressions(describeInput(name)))}`,
    `  type: ${isBoolean ? 'boolean' : 'string'}`,
    `  default: ${isBoolean ? defaultText : JSON.stringify(defaultText)}`,
  ]
}
