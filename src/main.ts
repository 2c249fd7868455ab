/** One run: settings, mode, outputs and summary, and the failure last. No logic of its own. */
import { setMaxListeners } from 'node:events'
import type { ActionError } from './failures/action-error.ts'
import { jobCancelled } from './failures/run.ts'
import { toActionError } from './failures/thrown.ts'
import type { Context } from './steps/step.ts'
import { systemClock, throwIfCancelled } from './util/polling.ts'
import { WorkDirectory } from './util/work-directory.ts'
import { check } from './modes/check.ts'
import { deploy } from './modes/deploy.ts'
import { destroy } from './modes/destroy.ts'
import { annotateFailure, warnRemovalFailed } from './reporting/failure.ts'
import { findSecretValues } from './clients/helm/values.ts'
import { Redactor } from './reporting/redaction.ts'
import { Report } from './reporting/report.ts'
import { writeSummary } from './reporting/summary.ts'
import { readRawInputs, readSettings } from './inputs/settings.ts'
import { secretInputs } from './inputs/inputs.ts'
import type { Settings } from './inputs/types.ts'

/**
 * How long the run may go on after it was cancelled; the runner kills it after 10 s. Milliseconds.
 */
const cancelGrace = 5_500

/** What the input mode names. */
const modes: Readonly<
  Record<
    Settings['mode'],
    (context: Context, settings: Settings, env: NodeJS.ProcessEnv) => Promise<void>
  >
> = { check, deploy, destroy }

/**
 * Runs the action. What fails in it is in the log, the outputs, the summary and the exit code, and
 * not thrown.
 */
export async function run(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const redactor = new Redactor()
  const rawInputs = readRawInputs()
  for (const secret of [
    ...secretInputs.map((name) => rawInputs[name]),
    decodePrivateKey(rawInputs['private-key'] ?? ''),
    env['AWS_SECRET_ACCESS_KEY'],
    env['AWS_SESSION_TOKEN'],
  ])
    redactor.maskSecret(secret ?? '')
  const signal = createCancellationSignal()
  const report = new Report(redactor, systemClock, signal)
  const directory = new WorkDirectory(env['RUNNER_TEMP'])
  const context: Context = {
    log: report,
    signal,
    clock: systemClock,
    step: (name, work) =>
      report.step(name, () => {
        throwIfCancelled(signal)
        return Promise.race([work(), rejectAfterGrace(signal)])
      }),
    recordChange: (change) => report.recordChange(change),
    recordDifference: (change) => report.recordDifference(change),
    recordUnreadable: (what) => report.recordUnreadable(what),
    recordTopology: (parts) => report.recordTopology(parts),
    setOutput: (name, value) => report.setOutput(name, value),
    maskSecret: (secret) => redactor.maskSecret(secret),
    redactGuess: (secret) => redactor.redactGuess(secret),
    workDirectory: () => directory.path(),
  }

  let settings: Settings | undefined
  let failure: ActionError | undefined
  try {
    settings = await readAndProtectSettings(report, redactor, env)
    await modes[settings.mode](context, settings, env)
  } catch (thrown) {
    failure = toActionError(thrown)
  }
  await directory.remove(warnRemovalFailed)
  try {
    setFinalOutputs(report, failure)
  } catch (thrown) {
    failure ??= toActionError(thrown)
  }
  if (settings?.summary !== false) await writeSummary(report, settings, failure, redactor)
  if (failure) annotateFailure(failure, redactor)
  // Everything is written. A request that is still under way, which nobody waits for, would keep the process for its own timeout.
  // eslint-disable-next-line no-restricted-properties
  if (signal.aborted || failure) process.stdout.write('', () => process.exit())
}

/** Settings are part of preflight: problems with them are shown there. */
async function readAndProtectSettings(
  report: Report,
  redactor: Redactor,
  env: NodeJS.ProcessEnv,
): Promise<Settings> {
  try {
    const settings = readSettings(env)
    findSecretValues(settings.values).forEach((secret) => redactor.redactGuess(secret))
    const password = settings.probe.token?.replace(/^[^:]*:/, '') ?? ''
    // The default password of Milvus is "Milvus", a word of nearly every line: only the whole token
    // is protected then.
    if (password.length >= 8) redactor.maskSecret(password)
    if (settings.certificate.kind === 'material')
      redactor.maskSecret(settings.certificate.material.privateKey)
    return settings
  } catch (thrown) {
    return report.step('preflight', () => Promise.reject(toActionError(thrown)))
  }
}

/** The PEM inside a base64 private-key, so that its lines are protected too. */
const decodePrivateKey = (input: string): string =>
  input.includes('-----BEGIN') ? '' : Buffer.from(input, 'base64').toString('utf8')

function setFinalOutputs(report: Report, failure: ActionError | undefined): void {
  report.setOutput('changed', String(report.changes.length > 0 && !report.isReadOnly))
  report.setOutput('changes', JSON.stringify(report.changes))
  if (!failure) return
  report.setOutput('failed-step', failure.step ?? 'preflight')
  report.setOutput('failure-code', failure.code)
}

/**
 * Source: GitHub, workflow cancellation: SIGINT, SIGTERM after 7.5 s, the end of the process tree
 * 2.5 s later.
 */
function createCancellationSignal(): AbortSignal {
  const controller = new AbortController()
  // Every wait and every request listens; Node would warn of a leak at ten.
  setMaxListeners(0, controller.signal)
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort())
  return controller.signal
}

/** Rejects when a cancelled run has had its time, so that outputs and summary are still written. */
function rejectAfterGrace(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const startTimer = () => setTimeout(() => reject(jobCancelled()), cancelGrace).unref()
    if (signal.aborted) startTimer()
    else signal.addEventListener('abort', startTimer, { once: true })
  })
}
