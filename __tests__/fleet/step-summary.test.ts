import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { StepSummary } from '../../src/fleet/deploy/step-summary.ts'

/** The summary of a step whose targets have summaries of these sizes in KiB. */
async function writeSummaries(sizes: readonly number[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'step-summary-'))
  try {
    const path = join(directory, 'summary')
    const summary = new StepSummary(path)
    for (const [index, size] of sizes.entries())
      await summary.add(String(index).repeat(size * 1024))
    await summary.end()
    return await readFile(path, 'utf8')
  } finally {
    await rm(directory, { recursive: true })
  }
}

test('summaries that fit are complete', async () => {
  expect(await writeSummaries([1, 2])).toBe('0'.repeat(1024) + '1'.repeat(2048))
})

test('GitHub drops a summary of more than 1 MiB: those that do not fit are counted', async () => {
  const text = await writeSummaries([600, 500, 400, 200])
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(2 ** 20)
  expect(text.startsWith('0'.repeat(600 * 1024) + '2'.repeat(400 * 1024))).toBe(true)
  expect(text.slice(1000 * 1024)).toBe(
    '\n\nThe summaries of 2 targets do not fit here. See the log of the job.\n',
  )
})

test('a summary that cannot be written does not fail the job', async () => {
  const summary = new StepSummary('/nowhere/summary')
  await expect(summary.add('text')).resolves.toBeUndefined()
})
