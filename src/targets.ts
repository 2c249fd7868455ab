/** The action `targets`: a targets file, or the inputs of a reusable workflow, to the matrix of a job. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getInput, setFailed, setOutput, summary } from '@actions/core'
import { messageOf } from './core/text.ts'
import { concurrencyOf, matrixOf } from './fleet/matrix.ts'
import { cell } from './fleet/report.ts'
import { readTargets, targetOfWorkflow, type Reading, type Target } from './fleet/targets.ts'

async function run(): Promise<void> {
  const path = getInput('file')
  const from = path || 'The workflow'
  const reading = path === '' ? targetOfWorkflow(getInput('target', { required: true })) : readFile(path)
  if ('problems' in reading) {
    const { problems } = reading
    const title = `${from} has ${problems.length} problem${problems.length === 1 ? '' : 's'}`
    await summary.addHeading(cell(title), 3).addList(problems.map(cell)).write()
    throw new Error(`${title}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
  }
  const only = path === '' ? '' : getInput('only')
  const targets = chosenOf(reading.targets, only, from)
  const mode = getInput('mode') || 'deploy'
  const jobs = matrixOf(targets, { runsOn: getInput('runs-on') || 'ubuntu-latest', check: mode === 'check' })
  setOutput('matrix', JSON.stringify({ include: jobs }))
  setOutput('targets', JSON.stringify(targets.map(({ name }) => name)))
  setOutput('artifacts', `milvus-alb-results-${digest([mode, path, only, ...(path === '' ? targets.map((target) => `${concurrencyOf(target)} ${target.name}`) : [])])}-`)
  console.log(`${targets.length} target${targets.length === 1 ? '' : 's'} in ${jobs.length} job${jobs.length === 1 ? '' : 's'}`)
}

function readFile(path: string): Reading {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new Error(`Input file names ${path}, which cannot be read: ${messageOf(thrown)}. Check out the repository before this step, and give the path from its root.`, { cause: thrown })
  }
  return readTargets(text)
}

/** The targets whose names `only` has, with `*`, separated by commas, spaces or new lines; all when it is empty. */
function chosenOf(targets: readonly Target[], only: string, from: string): readonly Target[] {
  const words = only.split(/[\s,]+/).filter((word) => word !== '')
  const patterns = words.map((word) => new RegExp(`^${word.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`))
  const idle = words.filter((_word, index) => !targets.some(({ name }) => patterns[index]?.test(name)))
  if (idle.length > 0) throw new Error(`Input only says ${idle.join(', ')}, which matches none of the ${targets.length} targets of ${from}: correct it, or leave it empty for all.`)
  return targets.filter(({ name }) => words.length === 0 || patterns.some((pattern) => pattern.test(name)))
}

/** Tells apart what one run, or one workflow, looks at several times: an artifact's name is taken once, and an issue kept by each. */
const digest = (selection: readonly string[]): string => createHash('sha256').update(JSON.stringify(selection)).digest('hex').slice(0, 8)

await run().catch((thrown: unknown) => setFailed(messageOf(thrown)))
