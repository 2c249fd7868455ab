/**
 * The complete workflows and targets files of examples/. Pages embed them between the comments
 * `<!-- example: FILE -->` and `<!-- /example -->`, so that each is written only once.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const directory = 'examples'

/** A file of examples/. */
export interface Example {
  /** Its path from the root of the repository. */
  readonly path: string
  readonly text: string
}

/** @param root of the repository */
export function readExamples(root: string): Example[] {
  return readdirSync(join(root, directory))
    .filter((name) => name.endsWith('.yml'))
    .map((name) => ({
      path: join(directory, name),
      text: readFileSync(join(root, directory, name), 'utf8'),
    }))
}

/** Whether an example is a workflow. The others are targets files. */
export const isWorkflow = ({ text }: Pick<Example, 'text'>): boolean => /^jobs:$/m.test(text)

/**
 * Updates the examples that a page embeds.
 * @throws Error if the page embeds a file that does not exist
 */
export function replaceExamples(page: string, examples: readonly Example[]): string {
  const region = /(<!-- example: (\S+) -->\n)[\s\S]*?(<!-- \/example -->)/g
  return page.replace(region, (_all, start: string, name: string, end: string) => {
    const example = examples.find(({ path }) => path === join(directory, name))
    if (!example) throw new Error(`There is no file ${join(directory, name)}.`)
    return `${start}\n\`\`\`yaml\n${example.text}\`\`\`\n\n${end}`
  })
}
