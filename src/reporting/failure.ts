/** Annotations of the workflow run. */
import * as core from '@actions/core'
import type { ActionError } from '../failures/action-error.ts'
import type { Redactor } from './redaction.ts'
import { getErrorMessage } from '../util/text.ts'

/** The title of every annotation that is no failure. */
export const annotationTitle = 'Milvus ALB'

/**
 * The section of docs/troubleshooting.md about a code.
 * @param env of the runner, which names the repository of the action
 * @returns undefined when the runner names none, as for an action in the workflow's repository
 */
export function troubleshootingUrl(
  code: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const repository = env['GITHUB_ACTION_REPOSITORY']
  if (!repository) return undefined
  const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com'
  const ref = env['GITHUB_ACTION_REF'] || 'HEAD'
  return `${server}/${repository}/blob/${ref}/docs/troubleshooting.md#${code}`
}

/** Writes one annotation with every problem and its remedy, and fails the job. */
export function annotateFailure(error: ActionError, redactor: Redactor): void {
  const problems = error.allErrors.map(({ message, remedy }) => `${message}\nWhat to do: ${remedy}`)
  const title = `${annotationTitle}: ${error.code} in ${error.step ?? 'preflight'}`
  core.error(redactor.redact([...problems, listReferences(error)].join('\n\n')), { title })
  process.exitCode = core.ExitCode.Failure
}

/** Where each code is explained, once. */
function listReferences(error: ActionError): string {
  const codes = [...new Set(error.allErrors.map(({ code }) => code))]
  const urls = codes.map((code) => troubleshootingUrl(code))
  return urls.includes(undefined)
    ? `See ${codes.join(', ')} in docs/troubleshooting.md.`
    : urls.join('\n')
}

/** Warns that a work directory, which may contain secrets, is still on the runner. */
export function warnRemovalFailed(path: string, thrown: unknown): void {
  core.warning(
    `Cannot remove the temporary directory ${path} of this action from the runner ` +
      `(${getErrorMessage(thrown)}). Delete it by hand: it may contain secrets.`,
    { title: annotationTitle },
  )
}
