/** The action fleet/plan: turns targets into the matrix of a job. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getInput, setFailed, setOutput, summary } from '@actions/core'
import { targetsFileUnreadable, unmatchedFilter } from '../../failures/fleet.ts'
import { formatCount, getErrorMessage } from '../../util/text.ts'
import { getConcurrencyGroup, buildMatrix } from './matrix.ts'
import { escapeCell } from '../report/markdown.ts'
import { readTargets, readWorkflowTarget, type TargetsResult, type Target } from './targets.ts'

async function run(): Promise<void> {
  const path = getInput('file')
  const mode = getInput('mode') || 'deploy'
  const filter = path === '' ? '' : getInput('only')
  const targets = await readSelectedTargets(path, filter)
  const jobs = buildMatrix(targets, {
    runsOn: getInput('runs-on') || 'ubuntu-latest',
    check: mode === 'check',
  })
  // Without a file, the targets themselves identify the selection.
  const selectedKeys = path === '' ? targets.map(getTargetKey) : []
  const selectionHash = hashSelection([mode, path, filter, ...selectedKeys])
  setOutput('matrix', JSON.stringify({ include: jobs }))
  setOutput('targets', JSON.stringify(targets.map(({ name }) => name)))
  setOutput('artifacts', `milvus-alb-results-${selectionHash}-`)
  console.log(`${formatCount(targets.length, 'target')} in ${formatCount(jobs.length, 'job')}`)
}

/** @param path of the targets file; empty for the single target of a reusable workflow */
async function readSelectedTargets(path: string, filter: string): Promise<readonly Target[]> {
  const source = path || 'The workflow'
  const result =
    path === '' ? readWorkflowTarget(getInput('target', { required: true })) : readTargetsFile(path)
  if ('targets' in result) return filterTargets(result.targets, filter, source)
  const { problems } = result
  const title = `${source} has ${formatCount(problems.length, 'problem')}`
  await summary.addHeading(escapeCell(title), 3).addList(problems.map(escapeCell)).write()
  throw new Error(`${title}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
}

function readTargetsFile(path: string): TargetsResult {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    throw targetsFileUnreadable(path, thrown)
  }
  return readTargets(text)
}

/**
 * @param filter names, with `*` for any characters, separated by commas, spaces or line breaks;
 *   empty for all targets
 * @param source what the targets come from, for people
 * @throws Error when a name of the filter matches no target
 */
function filterTargets(
  targets: readonly Target[],
  filter: string,
  source: string,
): readonly Target[] {
  const globs = filter.split(/[\s,]+/).filter((glob) => glob !== '')
  if (globs.length === 0) return targets
  const patterns = globs.map((glob) => ({ glob, pattern: compileGlob(glob) }))
  const unmatchedGlobs = patterns
    .filter(({ pattern }) => !targets.some(({ name }) => pattern.test(name)))
    .map(({ glob }) => glob)
  if (unmatchedGlobs.length > 0) throw unmatchedFilter(unmatchedGlobs, source, targets.length)
  return targets.filter(({ name }) => patterns.some(({ pattern }) => pattern.test(name)))
}

function compileGlob(glob: string): RegExp {
  const escapedParts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escapedParts.join('.*')}$`)
}

const getTargetKey = (target: Target): string => `${getConcurrencyGroup(target)} ${target.name}`

/**
 * Distinguishes the selections of targets within a run, whose artifacts need different names, and
 * within a workflow, which keeps an issue per selection.
 */
const hashSelection = (selection: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(selection)).digest('hex').slice(0, 8)

await run().catch((thrown: unknown) => setFailed(getErrorMessage(thrown)))
