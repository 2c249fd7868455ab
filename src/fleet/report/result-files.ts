/** The results of the jobs of a run, which actions/download-artifact has put into a folder. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { resultsUnreadable } from '../../failures/fleet.ts'
import { readJobResults } from '../deploy/job-results.ts'
import type { DownloadedResults } from '../github/github.ts'

/** Results, and the names of the artifacts that they come from. */
export interface ResultFiles extends DownloadedResults {
  readonly artifacts: readonly string[]
}

/**
 * Reads the results in a folder with a folder per artifact.
 * @param directory does not exist when no job has uploaded anything
 */
export async function readResultFiles(directory: string): Promise<ResultFiles> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
  const reads = await Promise.allSettled(
    files.map(async ({ parentPath, name }) =>
      readJobResults(await readFile(join(parentPath, name), 'utf8')),
    ),
  )
  const artifacts = files.map(({ parentPath }) => basename(parentPath))
  const problems = reads.flatMap((read, index) =>
    read.status === 'rejected'
      ? [resultsUnreadable(artifacts[index] ?? '', read.reason).message]
      : [],
  )
  const jobs = reads.flatMap((read) => (read.status === 'fulfilled' ? [read.value] : []))
  return { jobs, problems, artifacts }
}
