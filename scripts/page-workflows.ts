/** The YAML of the pages about workflows, which is checked as if it were in a repository. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A block of YAML. */
export interface PageBlock {
  /** Of the page, from the root of the repository. */
  readonly page: string
  readonly text: string
}

/** @returns the blocks of all pages, which are workflows and targets files */
export function readPageBlocks(root: string): PageBlock[] {
  const names = readdirSync(join(root, 'docs/workflows')).filter((name) => name.endsWith('.md'))
  const pages = ['docs/workflows.md', ...names.map((name) => `docs/workflows/${name}`)]
  return pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, text = '']) => ({ page, text }),
    ),
  )
}

export const isWorkflow = ({ text }: PageBlock): boolean => /^jobs:$/m.test(text)
