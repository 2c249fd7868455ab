/**
 * `npm run local -- inputs.yml`: runs the built action on this machine as a runner would, against
 * real services, and writes its summary beside the file of inputs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { executeAction } from '../testing/runner.ts'
import { InputsFileError, readInputsFile } from './local/inputs.ts'
import { Terminal } from './local/terminal.ts'

const actionDirectory = fileURLToPath(new URL('..', import.meta.url))

/** @returns the exit code */
async function runLocally(inputsPath: string): Promise<number> {
  const inputs = readInputsFile(inputsPath)
  const directory = mkdtempSync(join(tmpdir(), 'milvus-alb-local-'))
  const terminal = new Terminal()
  const print = (line: string): void => {
    const text = terminal.render(line)
    if (text !== undefined) console.log(text)
  }
  // Ctrl-C reaches the action too, which still reports what it has done.
  process.on('SIGINT', () => undefined)
  try {
    const run = await executeAction({
      actionDirectory,
      env: process.env as Record<string, string>,
      inputs,
      directory,
      timeoutMs: 3_600_000,
      onLine: print,
    })
    console.log('\nOutputs')
    for (const [name, value] of Object.entries(run.outputs)) console.log(`  ${name}: ${value}`)
    const summaryPath = `${inputsPath.replace(/\.(ya?ml|json)$/, '')}.summary.md`
    writeFileSync(summaryPath, run.summary, { mode: 0o600 })
    console.log(`\nThe summary is in ${summaryPath}`)
    return run.exitCode ?? 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const [inputsPath] = process.argv.slice(2)
if (inputsPath === undefined) {
  console.error('Pass a YAML file of inputs: npm run local -- inputs.yml')
  process.exitCode = 2
} else {
  try {
    process.exitCode = await runLocally(inputsPath)
  } catch (thrown) {
    if (!(thrown instanceof InputsFileError)) throw thrown
    console.error(thrown.message)
    process.exitCode = 2
  }
}
