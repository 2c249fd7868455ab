/** Failures of the machine that the job runs on. */
import { ActionError } from './action-error.ts'
import { getErrorMessage } from '../util/text.ts'

interface DiskErrorExplanation {
  readonly problem: string
  readonly remedy: string
}

const writeDenied: DiskErrorExplanation = {
  problem: "The runner's user has no permission to write to its disk",
  remedy:
    'Grant that user write access to the directory, or set RUNNER_TEMP to a directory that it owns, and run the job again.',
}

/** By the codes of errno(3). */
const diskErrors: Readonly<Record<string, DiskErrorExplanation>> = {
  ENOSPC: {
    problem: "The runner's disk is full",
    remedy:
      'Free disk space on the runner ("df -h" shows which file system is full), or use another runner, and run the job again.',
  },
  EDQUOT: {
    problem: "The disk quota of the runner's user is exceeded",
    remedy: 'Delete files of that user, or have the quota raised, and run the job again.',
  },
  EROFS: {
    problem: "The runner's disk is mounted read-only",
    remedy: 'Set RUNNER_TEMP to a writable directory, and run the job again.',
  },
  EACCES: writeDenied,
  EPERM: writeDenied,
  ENOENT: {
    problem: 'A file or directory of the runner does not exist',
    remedy:
      'Check that RUNNER_TEMP, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY name existing paths, and that nothing else deletes them while the job runs.',
  },
  EIO: {
    problem: "The runner's disk is broken",
    remedy: 'Run the job on another runner.',
  },
}

/** Calls of node:fs; a socket has others. */
const fileSystemCalls: ReadonlySet<string> = new Set([
  'open',
  'write',
  'close',
  'mkdir',
  'mkdtemp',
  'rename',
  'rm',
  'unlink',
  'rmdir',
  'scandir',
  'lstat',
])

/**
 * An error of node:fs as a failure of the runner's disk.
 * @returns undefined when `thrown` is any other error
 */
export function runnerDiskFailed(thrown: unknown): ActionError | undefined {
  if (!(thrown instanceof Error)) return undefined
  const { code = '', syscall = '' } = thrown as NodeJS.ErrnoException
  const explanation = diskErrors[code]
  if (!explanation || !fileSystemCalls.has(syscall)) return undefined
  return new ActionError({
    code: 'runner-disk-failed',
    problem: `${explanation.problem} (${getErrorMessage(thrown)}).`,
    remedy: explanation.remedy,
    cause: thrown,
  })
}

/** Windows has no signals: a cancelled run could not let Helm end its upgrade. */
export const windowsUnsupported = (): ActionError =>
  new ActionError({
    code: 'runner-unsupported',
    problem: 'The runner runs Windows, which this action does not support.',
    remedy: 'Set runs-on to a runner with Linux, for example ubuntu-latest.',
  })
