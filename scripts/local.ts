/**
 * `npm run local -- inputs.yml`: runs the built action on this machine as a runner would, against
 * real services. The file maps inputs to texts. `@FILE` stands for the content of a file, so that
 * no key has to be pasted.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { executeAction } from '../testing/runner.ts'

const [inputsPath] = process.argv.slice(2)
if (inputsPath === undefined) {
  console.error('Pass a YAML file of inputs: npm run local -- inputs.yml')
  process.exitCode = 2
} else {
  const rawInputs = load(readFileSync(inputsPath, 'utf8')) as Record<
    string,
    string | number | boolean
  >
  const inputs = Object.fromEntries(
    Object.entries(rawInputs).map(([name, value]) => [
      name,
      typeof value === 'string' && value.startsWith('@')
        ? readFileSync(value.slice(1), 'utf8')
        : String(value),
    ]),
  )
  const directory = mkdtempSync(join(tmpdir(), 'milvus-alb-local-'))
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
  try {
    const run = await executeAction({
      actionDirectory: '.',
      env: environment,
      inputs,
      directory,
      timeoutMs: 3_600_000,
      onLine: (line) => line.startsWith('::add-mask::') || console.log(line),
    })
    console.log('\nOutputs')
    for (const [name, value] of Object.entries(run.outputs)) console.log(`  ${name}: ${value}`)
    process.exitCode = run.exitCode ?? 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
