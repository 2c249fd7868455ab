/** The action `targets`: a targets file to the matrix of a job. */
import { readFileSync } from 'node:fs'
import { getInput, setFailed, setOutput, summary } from '@actions/core'
import { messageOf } from './core/text.ts'
import { matrixOf } from './fleet/matrix.ts'
import { readTargets, type Target } from './fleet/targets.ts'

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
  const chosen = reading.targets.filter(named(getInput('only')))
  if (chosen.length === 0) {
    setFailed(`Input only (${getInput('only')}) matches none of the ${reading.targets.length} targets of ${path}.`)
    return
  }
  try {
    const jobs = matrixOf(chosen, { runsOn: getInput('runs-on') || 'ubuntu-latest', check: getInput('mode') === 'check' })
    setOutput('matrix', JSON.stringify({ include: jobs }))
    setOutput('targets', String(chosen.length))
    console.log(`${chosen.length} target${chosen.length === 1 ? '' : 's'} in ${jobs.length} job${jobs.length === 1 ? '' : 's'}`)
  } catch (thrown) {
    setFailed(`${messageOf(thrown)} Split ${path} into several files, each with a workflow run of its own.`)
  }
}

/** Names with `*`, separated by commas, spaces or new lines; empty takes all. */
function named(only: string): (target: Target) => boolean {
  const patterns = only.split(/[\s,]+/).filter((word) => word !== '').map((word) => new RegExp(`^${word.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`))
  return ({ name }) => patterns.length === 0 || patterns.some((pattern) => pattern.test(name))
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

await run()
