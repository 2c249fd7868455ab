/** Identifies a run, for the Lease and for people. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { getRunUrl } from '../util/run-url.ts'

/** A run that holds a Lease. */
export interface Holder {
  /** Also the value of a label: at most 63 letters, digits, `-`, `_`, `.`. */
  readonly id: string
  /** For people: the URL of the run. */
  readonly name: string
}

const maxLabelLength = 63
const suffixLength = 8

/** @param env of the runner. Source: GitHub, default environment variables */
export function identifyHolder(env: NodeJS.ProcessEnv): Holder {
  const {
    GITHUB_REPOSITORY: repository,
    GITHUB_RUN_ID: runId,
    GITHUB_RUN_ATTEMPT: attempt = '1',
  } = env
  const isWorkflowRun = Boolean(repository && runId)
  const runKey = isWorkflowRun ? `${runId ?? ''}-${attempt}` : 'local'
  const suffix = randomUUID().slice(0, suffixLength)
  const origin = (repository ?? hostname())
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, maxLabelLength - runKey.length - suffixLength - '..'.length)
    .replace(/^-|-$/g, '')
  return {
    id: [origin, runKey, suffix].join('.').replace(/^\.+/, ''),
    name: isWorkflowRun ? formatRun(env) : `a run on ${hostname()}`,
  }
}

function formatRun(env: NodeJS.ProcessEnv): string {
  const { GITHUB_RUN_ATTEMPT: attempt = '1', GITHUB_JOB: job } = env
  const jobNote = job ? `, job ${job}` : ''
  return `${getRunUrl(env)} (attempt ${attempt}${jobNote})`
}
