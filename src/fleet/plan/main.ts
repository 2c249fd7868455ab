/**
 * The action `targets`: a targets file, or the inputs of a reusable workflow, to the matrix of a
 * job.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getInput, setFailed, setOutput, summary } from '@actions/core'
import { getErrorMessage } from '../../util/text.ts'
import { getConcurrencyGroup, buildMatrix } from './matrix.ts'
import { escapeCell } from '../report/report.ts'
import { readTargets, readWorkflowTarget, type TargetsResult, type Target } from './targets.ts'

async function run(): Promise<void> {
  const path = getInput('file')
  const source = path || 'The workflow'
  const result =
    path === '' ? readWorkflowTarget(getInput('target', { required: true })) : readTargetsFile(path)
  if ('problems' in result) {
    const { problems } = result
    const title = `${source} has ${problems.length} problem${problems.length === 1 ? '' : 's'}`
    await summary.addHeading(escapeCell(title), 3).addList(problems.map(escapeCell)).write()
    throw new Error(`${title}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
  }
  const filter = path === '' ? '' : getInput('only')
  const targets = filterTargets(result.targets, filter, source)
  const mode = getInput('mode') || 'deploy'
  const jobs = buildMatrix(targets, {
    runsOn: getInput('runs-on') || 'ubuntu-latest',
    check: mode === 'check',
  })
  setOutput('matrix', JSON.stringify({ include: jobs }))
  setOutput('targets', JSON.stringify(targets.map(({ name }) => name)))
  setOutput(
    'artifacts',
    `milvus-alb-results-${hashSelection([mode, path, filter, ...(path === '' ? targets.map((target) => `${getConcurrencyGroup(target)} ${target.name}`) : [])])}-`,
  )
  console.log(
    `${targets.length} target${targets.length === 1 ? '' : 's'} in ${jobs.length} job${jobs.length === 1 ? '' : 's'}`,
  )
}

function readTargetsFile(path: string): TargetsResult {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new Error(
      `Input file names ${path}, which cannot be read: ${getErrorMessage(thrown)}. Check out the repository before this step, and give the path from its root.`,
      { cause: thrown },
    )
  }
  return readTargets(text)
}

/**
 * The targets whose names `only` has, with `*`, separated by commas, spaces or new lines; all when
 * it is empty.
 */
function filterTargets(
  targets: readonly Target[],
  filter: string,
  source: string,
): readonly Target[] {
  const globs = filter.split(/[\s,]+/).filter((glob) => glob !== '')
  const patterns = globs.map(
    (glob) =>
      new RegExp(
        `^${glob
          .split('*')
          .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
          .join('.*')}$`,
      ),
  )
  const unmatched = globs.filter(
    (_word, index) => !targets.some(({ name }) => patterns[index]?.test(name)),
  )
  if (unmatched.length > 0)
    throw new Error(
      `Input only says ${unmatched.join(', ')}, which matches none of the ${targets.length} targets of ${source}: correct it, or leave it empty for all.`,
    )
  return targets.filter(
    ({ name }) => globs.length === 0 || patterns.some((pattern) => pattern.test(name)),
  )
}

/**
 * Tells apart what one run, or one workflow, looks at several times: an artifact's name is taken
 * once, and an issue kept by each.
 */
const hashSelection = (selection: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(selection)).digest('hex').slice(0, 8)

await run().catch((thrown: unknown) => setFailed(getErrorMessage(thrown)))
