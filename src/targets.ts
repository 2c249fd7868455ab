/** The action `targets`: a targets file to the matrix of a job. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getInput, setFailed, setOutput, summary } from '@actions/core'
import { messageOf } from './core/text.ts'
import { matrixOf } from './fleet/matrix.ts'
import { readTargets } from './fleet/targets.ts'

async function run(): Promise<void> {
  const path = getInput('file', { required: true })
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    setFailed(`Input file names ${path}, which cannot be read: ${messageOf(thrown)}. Check out the repository before this step, and give the path from its root.`)
    return
  }
  const reading = readTargets(text)
  if ('problems' in reading) {
    const { problems } = reading
    await summary.addHeading(`${path} has ${problems.length} problem${problems.length === 1 ? '' : 's'}`, 3).addList(problems.map(escaped)).write()
    setFailed(`${path} has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
    return
  }
  const only = patternsOf(getInput('only'))
  const idle = only.filter(({ pattern }) => !reading.targets.some(({ name }) => pattern.test(name)))
  if (idle.length > 0) {
    setFailed(`Input only says ${idle.map(({ word }) => word).join(', ')}, which matches none of the ${reading.targets.length} targets of ${path}: correct it, or leave it empty for all.`)
    return
  }
  const chosen = reading.targets.filter(({ name }) => only.length === 0 || only.some(({ pattern }) => pattern.test(name)))
  try {
    const jobs = matrixOf(chosen, { runsOn: getInput('runs-on') || 'ubuntu-latest', check: getInput('mode') === 'check' })
    setOutput('matrix', JSON.stringify({ include: jobs }))
    setOutput('targets', JSON.stringify(chosen.map(({ name }) => name)))
    // A run may hold several fleets, and an artifact's name only once.
    setOutput('artifacts', `milvus-alb-results-${createHash('sha256').update(JSON.stringify([path, getInput('only'), getInput('mode')])).digest('hex').slice(0, 8)}-`)
    console.log(`${chosen.length} target${chosen.length === 1 ? '' : 's'} in ${jobs.length} job${jobs.length === 1 ? '' : 's'}`)
  } catch (thrown) {
    setFailed(`${messageOf(thrown)} Split ${path} into several files, each with a workflow run of its own.`)
  }
}

/** Names with `*`, separated by commas, spaces or new lines. */
function patternsOf(only: string): { word: string; pattern: RegExp }[] {
  const words = only.split(/[\s,]+/).filter((word) => word !== '')
  return words.map((word) => ({ word, pattern: new RegExp(`^${word.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`) }))
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

await run()
