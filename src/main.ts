/** One run of the action: settings, mode, outputs and summary, and finally the failure. */
import { setMaxListeners } from 'node:events'
import type { ActionError } from './failures/action-error.ts'
import { jobCancelled } from './failures/run.ts'
import { windowsUnsupported } from './failures/runner.ts'
import { toActionError } from './failures/thrown.ts'
import type { Context } from './steps/step.ts'
import { endProcess } from './util/end-process.ts'
import { systemClock, throwIfCancelled } from './util/polling.ts'
import { UncaughtErrors } from './util/uncaught-errors.ts'
import { WorkDirectory } from './util/work-directory.ts'
import { version } from './version.ts'
import { check } from './modes/check.ts'
import { deploy } from './modes/deploy.ts'
import { destroy } from './modes/destroy.ts'
import { describeRun } from './reporting/opening.ts'
import { annotateFailure, warnRemovalFailed } from './reporting/failure.ts'
import { findSecretValues } from './clients/helm/values.ts'
import { minSecretLength, Redactor } from './reporting/redaction.ts'
import { Report } from './reporting/report.ts'
import { writeSummary } from './reporting/summary.ts'
import { readSettings } from './inputs/settings.ts'
import { extractInputs } from './inputs/environment.ts'
import { findMisplacedSecrets } from './inputs/file-paths.ts'
import { pathInputs, secretInputs } from './inputs/inputs.ts'
import type { RawInputs } from './inputs/parse-inputs.ts'
import type { RunSettings } from './inputs/types.ts'
import { describeIgnoredProxy, findVariableSecrets } from './inputs/variables.ts'

/** Milliseconds that a cancelled run may continue. The runner kills it after 10 s. */
const cancelGrace = 5_500

/** Runs the mode of the inputs. */
function runMode(context: Context, settings: RunSettings, env: NodeJS.ProcessEnv): Promise<void> {
  if (settings.mode === 'destroy') return destroy(context, settings, env)
  const mode = settings.mode === 'check' ? check : deploy
  return mode(context, settings, env)
}

/** Runs the action. Failures end in the log, the outputs, the summary and the exit code. */
export async function run(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const redactor = new Redactor()
  const inputs = extractInputs(env)
  maskSecretInputs(redactor, inputs.texts, env)
  const signal = createCancellationSignal()
  const report = new Report(redactor, systemClock, signal)
  const directory = new WorkDirectory(env['RUNNER_TEMP'])
  const uncaughtErrors = new UncaughtErrors()

  let settings: RunSettings | undefined
  let failure: ActionError | undefined
  try {
    settings = await readMaskedSettings(report, redactor, {
      read: () => {
        rejectWindows()
        return readSettings(inputs, env)
      },
      describe: (known) => describeRun(version, env['GITHUB_ACTION_REF'], known),
    })
    warnAboutShortLines(report, inputs.texts['secret-values'])
    requireTlsVerification(report, env)
    warnAboutProxy(report, env)
    const context = createContext({ report, redactor, directory, signal, uncaughtErrors })
    await uncaughtErrors.guard(runMode.bind(undefined, context, settings, env))
  } catch (thrown) {
    failure = toActionError(thrown)
  }
  await directory.remove(warnRemovalFailed)
  try {
    setFinalOutputs(report, failure, redactor)
  } catch (thrown) {
    failure ??= toActionError(thrown)
  }
  if (settings?.summary !== false) await writeSummary(report, settings, failure, redactor)
  if (failure) annotateFailure(failure, redactor)
  endProcess()
}

/** GitHub masks each line of a secret, and drops job outputs that contain one, such as `{`. */
function warnAboutShortLines(report: Report, secretValues = ''): void {
  const lines = secretValues
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length <= 1 || lines.every((line) => line.length >= minSecretLength)) return
  report.warn(
    'Input secret-values has short lines. GitHub masks each line of a secret, and drops the job ' +
      'outputs that contain one: store the values in a single line.',
  )
}

/** A cancelled run interrupts Helm, and each program that it started, with a signal. */
function rejectWindows(): void {
  if (process.platform === 'win32') throw windowsUnsupported()
}

/** Node reads this variable for each connection, also in the programs that inherit it. */
function requireTlsVerification(report: Report, env: NodeJS.ProcessEnv): void {
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0') return
  delete env['NODE_TLS_REJECT_UNAUTHORIZED']
  report.warn(
    'The environment variable NODE_TLS_REJECT_UNAUTHORIZED is ignored: the action always ' +
      'verifies certificates, because its connections carry credentials. Set NODE_EXTRA_CA_CERTS ' +
      'to a PEM file of your CA instead.',
  )
}

function warnAboutProxy(report: Report, env: NodeJS.ProcessEnv): void {
  const warning = describeIgnoredProxy(env, process.versions.node)
  if (warning !== undefined) report.warn(warning)
}

function maskSecretInputs(redactor: Redactor, inputs: RawInputs, env: NodeJS.ProcessEnv): void {
  const secrets = [
    ...secretInputs.map((name) => inputs[name]),
    decodePrivateKey(inputs['private-key'] ?? ''),
    ...pathInputs.flatMap((name) => findMisplacedSecrets(inputs[name] ?? '')),
    ...findVariableSecrets(env),
  ]
  for (const secret of secrets) redactor.maskSecret(secret ?? '')
}

/** The PEM in a base64 private-key, whose lines are secrets too. */
const decodePrivateKey = (input: string): string =>
  input.includes('-----BEGIN') ? '' : Buffer.from(input, 'base64').toString('utf8')

interface SettingsReader {
  readonly read: () => RunSettings
  /** The first line of the log, of a run whose settings may be unreadable. */
  readonly describe: (settings: RunSettings | undefined) => string
}

/** Reading the settings is part of preflight, so the log shows their problems there. */
async function readMaskedSettings(
  report: Report,
  redactor: Redactor,
  { read, describe }: SettingsReader,
): Promise<RunSettings> {
  try {
    const settings = read()
    maskSecretSettings(redactor, settings)
    report.open(describe(settings))
    return settings
  } catch (thrown) {
    report.open(describe(undefined))
    return report.step('preflight', () => Promise.reject(toActionError(thrown)))
  }
}

function maskSecretSettings(redactor: Redactor, settings: RunSettings): void {
  const { values, secretValues, probe } = settings
  for (const secret of findSecretValues(values)) redactor.redactSuspectedSecret(secret)
  // Their names tell nothing, and shorter ones are words such as "secret".
  for (const secret of findSecretValues(secretValues, true))
    if (secret.length >= 8) redactor.redactSuspectedSecret(secret)
  const password = probe.token?.replace(/^[^:]*:/, '') ?? ''
  // The default password is "Milvus". Masking it would hide that word in nearly every line, so only
  // the whole token is masked.
  if (password.length >= 8) redactor.maskSecret(password)
  if (settings.mode === 'destroy' || settings.certificate.kind !== 'material') return
  redactor.maskSecret(settings.certificate.material.privateKey)
}

interface RunResources {
  readonly report: Report
  readonly redactor: Redactor
  readonly directory: WorkDirectory
  readonly signal: AbortSignal
  readonly uncaughtErrors: UncaughtErrors
}

function createContext(resources: RunResources): Context {
  const { report, redactor, directory, signal, uncaughtErrors } = resources
  return {
    log: report,
    signal,
    clock: systemClock,
    step: (name, work) =>
      report.step(name, () => {
        throwIfCancelled(signal)
        return uncaughtErrors.guard(() => Promise.race([work(), rejectAfterGrace(signal)]))
      }),
    recordChange: (change) => report.recordChange(change),
    recordDifference: (change) => report.recordDifference(change),
    recordUnreadable: (what) => report.recordUnreadable(what),
    recordTopology: (parts) => report.recordTopology(parts),
    setOutput: (name, value) => report.setOutput(name, value),
    maskSecret: (secret) => redactor.maskSecret(secret),
    redactSuspectedSecret: (secret) => redactor.redactSuspectedSecret(secret),
    workDirectory: () => directory.path(),
  }
}

function setFinalOutputs(
  report: Report,
  failure: ActionError | undefined,
  redactor: Redactor,
): void {
  report.setOutput('changed', String(report.changes.length > 0 && !report.isReadOnly))
  report.setOutput('changes', JSON.stringify(report.changes))
  // Also when empty: jobs and re-runs could otherwise see the value of an earlier attempt.
  report.setOutput('failed-step', failure ? (failure.step ?? 'preflight') : '')
  report.setOutput('failure-code', failure?.code ?? '')
  const failures = failure?.mapTexts((text) => redactor.redact(text)).allErrors ?? []
  report.setOutput('failures', JSON.stringify(failures.map(describeFailure)))
  for (const name of ['restarts', 'irreversible'] as const)
    if (!report.outputs.has(name)) report.setOutput(name, '')
}

/** A problem as an entry of output `failures`. */
const describeFailure = ({ step = 'preflight', code, message, remedy }: ActionError) => ({
  step,
  code,
  problem: message,
  remedy,
})

/**
 * Source: GitHub, workflow cancellation: SIGINT, SIGTERM after 7.5 s, and the end of the process
 * tree 2.5 s later.
 */
function createCancellationSignal(): AbortSignal {
  const controller = new AbortController()
  // Every wait and every request adds a listener. Node warns of a leak from the eleventh on.
  setMaxListeners(0, controller.signal)
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort())
  return controller.signal
}

/** Rejects when a cancelled run has to stop, so that outputs and summary are still written. */
function rejectAfterGrace(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const startTimer = () => setTimeout(() => reject(jobCancelled()), cancelGrace).unref()
    if (signal.aborted) startTimer()
    else signal.addEventListener('abort', startTimer, { once: true })
  })
}
