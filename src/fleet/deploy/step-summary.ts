/** The summary of a step, from those of its targets. */
import { appendFile } from 'node:fs/promises'
import { formatCount, getErrorMessage } from '../../util/text.ts'

/**
 * Bytes. GitHub drops a step's summary of more than 1 MiB. The rest is for the note about targets
 * that are left out.
 */
const maxBytes = 2 ** 20 - 1_024

/** Appends to the summary as long as GitHub accepts it. */
export class StepSummary {
  private size = 0
  private omittedCount = 0
  private readonly path: string | undefined

  /** @param path GITHUB_STEP_SUMMARY; undefined outside of GitHub */
  constructor(path: string | undefined) {
    this.path = path
  }

  /** @param text Markdown of a target */
  async add(text: string): Promise<void> {
    const size = Buffer.byteLength(text)
    if (this.size + size > maxBytes) this.omittedCount += 1
    else {
      this.size += size
      await this.append(text)
    }
  }

  /** Says how many targets are left out. */
  async end(): Promise<void> {
    if (this.omittedCount === 0) return
    const targets = formatCount(this.omittedCount, 'target')
    await this.append(`\n\nThe summaries of ${targets} do not fit here. See the log of the job.\n`)
  }

  /** Never rejects: a job does not fail because of its summary. */
  private async append(text: string): Promise<void> {
    if (!this.path) return
    await appendFile(this.path, text).catch((thrown: unknown) =>
      console.log(`Cannot write the job summary: ${getErrorMessage(thrown)}`),
    )
  }
}
