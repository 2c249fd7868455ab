/** One run: settings, mode, outputs and summary, and the failure last. No logic of its own. */
import { setMaxListeners } from 'node:events'
import { cancelled, asActionError, type ActionError } from './core/errors.ts'
import type { Context } from './core/step.ts'
import { systemClock, throwIfCancelled } from './core/waiting.ts'
import { WorkDirectory } from './core/work-directory.ts'
import { check } from './modes/check.ts'
import { deploy } from './modes/deploy.ts'
import { destroy } from './modes/destroy.ts'
import { annotate, warnOfLeftover } from './report/failure.ts'
import { secretsInValues } from './helm/values.ts'
import { Redactor } from './report/redaction.ts'
import { Report } from './report/report.ts'
import { writeSummary } from './report/summary.ts'
import { inputText, readSettings } from './settings.ts'
import { secretInputs } from './settings/inputs.ts'
import type { Settings } from './settings/types.ts'

/** How long the run may go on after it was cancelled; the runner kills it after 10 s. Milliseconds. */
const patience = 5_500

/** What the input mode names. */
const modes: Readonly<Record<Settings['mode'], (context: Context, settings: Settings, environment: NodeJS.ProcessEnv) => Promise<void>>> = { check, deploy, destroy }

/** Runs the action. What fails in it is in the log, the outputs, the summary and the exit code, and not thrown. */
export async function run(environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const redactor = new Redactor()
  for (const secret of [...secretInputs.map(inputText), decodedKey(inputText('private-key')), environment['AWS_SECRET_ACCESS_KEY'], environment['AWS_SESSION_TOKEN']]) redactor.protect(secret ?? '')
  const signal = cancellation()
  const report = new Report(redactor, systemClock, signal)
  const directory = new WorkDirectory(environment['RUNNER_TEMP'])
  const context: Context = {
    log: report,
    signal,
    clock: systemClock,
    step: (name, work) => report.step(name, () => {
      throwIfCancelled(signal)
      return Promise.race([work(), lateAfter(signal)])
    }),
    changed: (change) => report.changed(change),
    differs: (change) => report.differs(change),
    unseen: (what) => report.unseen(what),
    found: (parts) => report.found(parts),
    output: (name, value) => report.output(name, value),
    protect: (secret) => redactor.protect(secret),
    conceal: (secret) => redactor.conceal(secret),
    workDirectory: () => directory.path(),
  }

  let settings: Settings | undefined
  let failure: ActionError | undefined
  try {
    settings = await readOrReport(report, redactor, environment)
    await modes[settings.mode](context, settings, environment)
  } catch (thrown) {
    failure = asActionError(thrown)
  }
  await directory.remove(warnOfLeftover)
  try {
    finish(report, failure)
  } catch (thrown) {
    failure ??= asActionError(thrown)
  }
  if (settings?.summary !== false) await writeSummary(report, settings, failure, redactor)
  if (failure) annotate(failure, redactor)
  // Everything is written. A request that is still under way, which nobody waits for, would keep the process for its own timeout.
  // eslint-disable-next-line no-restricted-properties
  if (signal.aborted || failure) process.stdout.write('', () => process.exit())
}

/** Settings are part of preflight: problems with them are shown there. */
async function readOrReport(report: Report, redactor: Redactor, environment: NodeJS.ProcessEnv): Promise<Settings> {
  try {
    const settings = readSettings(environment)
    secretsInValues(settings.values).forEach((secret) => redactor.conceal(secret))
    const password = settings.probe.token?.replace(/^[^:]*:/, '') ?? ''
    // The default password of Milvus is "Milvus", a word of nearly every line: only the whole token is protected then.
    if (password.length >= 8) redactor.protect(password)
    if (settings.certificate.kind === 'material') redactor.protect(settings.certificate.material.privateKey)
    return settings
  } catch (thrown) {
    return report.step('preflight', () => Promise.reject(asActionError(thrown)))
  }
}

/** The PEM inside a base64 private-key, so that its lines are protected too. */
const decodedKey = (input: string): string => (input.includes('-----BEGIN') ? '' : Buffer.from(input, 'base64').toString('utf8'))

function finish(report: Report, failure: ActionError | undefined): void {
  report.output('changed', String(report.changes.length > 0 && !report.onlyLooked))
  report.output('changes', JSON.stringify(report.changes))
  if (!failure) return
  report.output('failed-step', failure.step ?? 'preflight')
  report.output('failure-code', failure.code)
}

/** Source: GitHub, workflow cancellation: SIGINT, SIGTERM after 7.5 s, the end of the process tree 2.5 s later. */
function cancellation(): AbortSignal {
  const controller = new AbortController()
  // Every wait and every request listens; Node would warn of a leak at ten.
  setMaxListeners(0, controller.signal)
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort())
  return controller.signal
}

/** Rejects when a cancelled run has had its time, so that outputs and summary are still written. */
function lateAfter(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const late = () => setTimeout(() => reject(cancelled()), patience).unref()
    if (signal.aborted) late()
    else signal.addEventListener('abort', late, { once: true })
  })
}
