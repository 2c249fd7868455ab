/** The declarations in words: for action.yml, README, the workflows and the JSON schema. */
import type { InputDeclaration, Mode } from './declaration.ts'
import { inputs, type InputName } from './inputs.ts'

const allModes: readonly Mode[] = ['deploy', 'check', 'destroy']

/** What an input does, complete with its default, in Markdown. */
export function describeInput(name: InputName): string {
  const { defaultDescription, required } = inputs[name]
  const sentences = [describeUse(name)]
  if (required !== undefined) sentences.push(`${describeRequired(inputs[name])}.`)
  if (defaultDescription !== undefined) sentences.push(`Default: ${defaultDescription}.`)
  return sentences.join(' ')
}

/** What an input does, in which modes, and an example, in Markdown. */
export function describeUse(name: InputName): string {
  const { description, example, modes = allModes } = inputs[name]
  const sentences = [description]
  if (example !== undefined) sentences.push(`For example \`${example}\`.`)
  return [...sentences, ...describeModes(modes)].join(' ')
}

function describeModes(modes: readonly Mode[]): string[] {
  const [onlyMode] = modes
  if (modes.length === 1) return [`Only used with \`mode: ${onlyMode ?? ''}\`.`]
  return allModes
    .filter((mode) => !modes.includes(mode))
    .map((mode) => `Not used with \`mode: ${mode}\`.`)
}

function describeRequired({ required }: InputDeclaration): string {
  return typeof required === 'string' ? `Required ${required}` : 'Required'
}

/** The default of an input, or whether it is required, in Markdown. */
export function describeDefault(declaration: InputDeclaration): string {
  const { default: defaultText, defaultDescription, required } = declaration
  if (defaultText !== undefined) return `\`${defaultText}\``
  if (defaultDescription !== undefined) return defaultDescription
  return required === undefined ? '' : `**${describeRequired(declaration)}**`
}
