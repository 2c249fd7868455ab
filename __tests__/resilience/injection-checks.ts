/** What a run must not contain, whatever texts it gets from outside. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { expect } from '@jest/globals'
import type { RunResult } from '../../testing/runner.ts'
import { repositoryRoot } from '../../testing/environment.ts'

const stepPattern = '(preflight|certificate|release|ingress|load-balancer|probe|put-back|lock)'
const ownCommandPattern = new RegExp(
  `^::(group::[✓≠–✗] ${stepPattern}: |endgroup::$|debug::|error title=Milvus ALB%3A [a-z-]+ in ${stepPattern}::|(warning|notice) title=Milvus ALB::)`,
)

/**
 * Every line that the runner would read as a command is one that the action intended. Source:
 * actions/runner, ActionCommand.cs.
 */
export function expectOnlyOwnCommands({ log, maskCommands: masks, exitCode }: RunResult): void {
  const commands = log
    .split(/\r\n|\r|\n/)
    .filter(
      (line) =>
        /^[^\p{L}\p{N}\p{P}\p{S}]*::/u.test(line) ||
        (line.includes('##[') && !line.startsWith('::')),
    )
  expect(commands.filter((line) => !ownCommandPattern.test(line))).toEqual([])
  expect(commands.filter((line) => line.startsWith('::error'))).toHaveLength(exitCode === 0 ? 0 : 1)
  expect(commands.filter((line) => /^::(warning|notice) [^:]*::forged/.test(line))).toEqual([])
  expect(masks.filter((mask) => mask.includes('forged'))).toEqual([])
}

const documentedOutputs = Object.keys(
  (load(readFileSync(join(repositoryRoot, 'action.yml'), 'utf8')) as { outputs: object }).outputs,
)

export function expectOnlyDocumentedOutputs({ outputs, outputText, state }: RunResult): void {
  expect(Object.keys(outputs).filter((name) => !documentedOutputs.includes(name))).toEqual([])
  expect(Object.values(outputs).filter((value) => value.trim() === 'forged')).toEqual([])
  expect(outputs['changed']).toMatch(/^(true|false)$/)
  expect(() => JSON.parse(outputs['changes'] ?? '') as unknown).not.toThrow()
  // Every value is between unpredictable delimiters, and nothing is outside of them.
  expect(outputText.replace(/^[a-z-]+<<(ghadelimiter_[0-9a-f-]+)\n[^\n]*\n\1\n/gm, '')).toBe('')
  expect(state).toBe('')
}

/** The lines that fold the changes, around the block of code that shows them. */
const foldPattern =
  /^<details( open)?><summary>\d+ objects?( \(\d+ fields\))?<\/summary>\n\n\n\n<\/details>$/m

/** Outside of code blocks, which show their content verbatim. */
export function expectPlainText(summary: string): void {
  const text = summary
    .replace(/^```(diff|python|mermaid)\n(.*\n)*?```$/gm, '')
    .replace(foldPattern, '')
  expect(text.match(/<(?!br>|!-- -->|\/?(?:code|span)>)[a-z/!].{0,20}/gi) ?? []).toEqual([])
  expect(text.match(/(?<!\\)\]\(http:\/\/evil.{0,20}/g) ?? []).toEqual([])
  expect(text.match(/^(#+ forged|```|\|?forged).*$/gm) ?? []).toEqual([])
}
