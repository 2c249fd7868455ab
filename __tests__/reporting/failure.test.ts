import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import { annotateFailure, troubleshootingUrl } from '../../src/reporting/failure.ts'
import { Redactor } from '../../src/reporting/redaction.ts'
import { captureStdout } from './capture-stdout.ts'
import { clearRunnerVariables, restoreRunnerVariables } from './runner-variables.ts'

beforeEach(clearRunnerVariables)
afterEach(restoreRunnerVariables)

const createError = (code: 'input-missing' | 'input-invalid', problem: string): ActionError =>
  new ActionError({ code, problem, remedy: `Fix ${problem}` })

describe('annotateFailure', () => {
  test('writes one annotation with every problem and remedy, and fails the job', async () => {
    const exitCodeBefore = process.exitCode
    const text = await captureStdout(() =>
      annotateFailure(
        combineErrors([
          createError('input-invalid', 'two'),
          createError('input-missing', 'one'),
        ]).withStep('preflight'),
        new Redactor(),
      ),
    )
    expect(process.exitCode).toBe(1)
    process.exitCode = exitCodeBefore
    expect(text).toMatch(
      /^::error title=Milvus ALB%3A input-missing in preflight::one%0AWhat to do: Fix one%0A%0Atwo%0AWhat to do: Fix two%0A%0A/,
    )
    expect(text.trim().split('\n')).toHaveLength(1)
  })

  test.each<{ name: string; repository: string; references: string }>([
    {
      name: 'links',
      repository: 'owner/action',
      references:
        'https://github.com/owner/action/blob/HEAD/docs/troubleshooting.md#input-missing%0A' +
        'https://github.com/owner/action/blob/HEAD/docs/troubleshooting.md#input-invalid\n',
    },
    {
      name: 'names',
      repository: '',
      references: 'See input-missing, input-invalid in docs/troubleshooting.md.\n',
    },
  ])('$name each code once', async ({ repository, references }) => {
    process.env['GITHUB_ACTION_REPOSITORY'] = repository
    const codes = ['input-invalid', 'input-missing', 'input-invalid'] as const
    const error = combineErrors(codes.map((code, index) => createError(code, String(index))))
    const text = await captureStdout(() => annotateFailure(error, new Redactor()))
    process.exitCode = undefined
    Reflect.deleteProperty(process.env, 'GITHUB_ACTION_REPOSITORY')
    expect(text.slice(text.lastIndexOf('%0A%0A') + 6)).toBe(references)
  })

  test.each<{ name: string; env: NodeJS.ProcessEnv; link: string | undefined }>([
    {
      name: 'for an action of a repository',
      env: {
        GITHUB_ACTION_REPOSITORY: 'owner/action',
        GITHUB_ACTION_REF: 'v1',
        GITHUB_SERVER_URL: 'https://github.example.com',
      },
      link: 'https://github.example.com/owner/action/blob/v1/docs/troubleshooting.md#input-missing',
    },
    {
      name: 'for an action without a ref',
      env: { GITHUB_ACTION_REPOSITORY: 'owner/action', GITHUB_ACTION_REF: '' },
      link: 'https://github.com/owner/action/blob/HEAD/docs/troubleshooting.md#input-missing',
    },
    {
      name: "for an action of the workflow's own repository",
      env: { GITHUB_ACTION_REPOSITORY: '' },
      link: undefined,
    },
    { name: 'outside GitHub Actions', env: {}, link: undefined },
  ])('troubleshootingUrl $name', ({ env, link }) => {
    expect(troubleshootingUrl('input-missing', env)).toBe(link)
  })
})
