/**
 * The one annotation of a failed run: what is wrong and what to do, for every problem that was
 * found.
 */
import * as core from '@actions/core'
import type { ActionError } from '../failures/action-error.ts'
import type { Redactor } from './redaction.ts'
import { getErrorMessage } from '../util/text.ts'

/**
 * Where docs/troubleshooting.md explains a code.
 * @param env the runner says which repository the action came from; nothing for one of the
 *   workflow's own repository
 * @returns undefined when that is not known
 */
export function troubleshootingUrl(
  code: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const repository = env['GITHUB_ACTION_REPOSITORY']
  if (!repository) return undefined
  return `${env['GITHUB_SERVER_URL'] ?? 'https://github.com'}/${repository}/blob/${env['GITHUB_ACTION_REF'] || 'HEAD'}/docs/troubleshooting.md#${code}`
}

/** Writes the annotation and makes the job fail. */
export function annotateFailure(error: ActionError, redactor: Redactor): void {
  const text = error.allErrors
    .map((problem) => `${problem.message}\nWhat to do: ${problem.remedy}`)
    .join('\n\n')
  const title = `Milvus ALB: ${error.code} in ${error.step ?? 'preflight'}`
  core.error(
    redactor.redact(
      `${text}\n\n${troubleshootingUrl(error.code) ?? `docs/troubleshooting.md explains ${error.code}.`}`,
    ),
    { title },
  )
  process.exitCode = core.ExitCode.Failure
}

/** Says what secrets may still lie in; it fails no job. */
export function warnRemovalFailed(path: string, thrown: unknown): void {
  core.warning(
    `${path}, a directory of this action on the runner, could not be removed: ${getErrorMessage(thrown)}`,
    { title: 'Milvus ALB' },
  )
}
