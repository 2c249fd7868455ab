/** The log of a target within the log of a step. */

/** Writes a log as it comes, or as a whole at its end, so that concurrent logs do not mix. */
export class TargetLog {
  /** For the output and the errors of a child process. */
  readonly stdio: ['inherit', 'inherit'] | ['pipe', 'pipe']
  private readonly chunks: Buffer[] | undefined

  constructor(isConcurrent: boolean) {
    this.stdio = isConcurrent ? ['pipe', 'pipe'] : ['inherit', 'inherit']
    this.chunks = isConcurrent ? [] : undefined
  }

  write(chunk: Buffer | string): void {
    if (this.chunks) this.chunks.push(Buffer.from(chunk))
    else process.stdout.write(chunk)
  }

  /**
   * Workflow commands work only at the start of a line, and a run that was killed may have left a
   * line or a group open.
   */
  end(): void {
    if (this.chunks) process.stdout.write(Buffer.concat([...this.chunks, endOfTarget]))
  }
}

const endOfTarget = Buffer.from('\n::endgroup::\n')
