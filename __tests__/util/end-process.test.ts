import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const fileUrl = (path: string): string => new URL(`../../${path}`, import.meta.url).href

/** Longer than what a pipe holds. */
const outputLength = 1_000_000

const script = (exitCode: number): string => `
  import { endProcess } from '${fileUrl('src/util/end-process.ts')}'
  process.exitCode = ${exitCode}
  process.stdout.write('x'.repeat(${outputLength}))
  endProcess()
`

/** Runs the script in a process of its own. */
function run(nodeArguments: readonly string[], exitCode: number, pipe: string) {
  const child = spawn(
    process.execPath,
    [...nodeArguments, '--input-type=module', '--eval', script(exitCode)],
    { env: { BLOCKED_THREAD_PIPE: pipe }, stdio: ['ignore', 'pipe', 'inherit'], timeout: 10_000 },
  )
  let length = 0
  child.stdout.on('data', (chunk: Buffer) => (length += chunk.length))
  return new Promise<{ exitCode: number | null; length: number }>((resolve) =>
    child.on('close', (code) => resolve({ exitCode: code, length })),
  )
}

const blockedThread = [`--import=${fileUrl('testing/blocked-thread.mjs')}`]

test.each([
  { name: 'success', nodeArguments: [], exitCode: 0 },
  { name: 'failure', nodeArguments: [], exitCode: 1 },
  { name: 'success, while a thread is blocked', nodeArguments: blockedThread, exitCode: 0 },
  { name: 'failure, while a thread is blocked', nodeArguments: blockedThread, exitCode: 1 },
])('a process ends with its output and exit code: $name', async ({ nodeArguments, exitCode }) => {
  const directory = mkdtempSync(join(tmpdir(), 'end-process-'))
  try {
    expect(await run(nodeArguments, exitCode, join(directory, 'pipe'))).toEqual({
      exitCode,
      length: outputLength,
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
})
