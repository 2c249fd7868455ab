/** The job summary, as Markdown. Texts from outside are escaped. */
import { summary } from '@actions/core'
import { ActionError, combineErrors } from '../failures/action-error.ts'
import type { Topology } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import { renderDiagram } from './diagram.ts'
import { troubleshootingUrl } from './failure.ts'
import type { Redactor } from './redaction.ts'
import { formatChange, formatStepDuration, type Report } from './report.ts'
import { getErrorMessage } from '../util/text.ts'

/**
 * GitHub takes at most 1 MiB of summary a step; what is longer would be dropped whole. Bytes, with
 * room for a line end and a character that the cut breaks.
 */
const maxSummaryBytes = 1024 * 1024 - 4

type ReportData = Pick<Report, 'steps' | 'changes' | 'notes' | 'outputs' | 'topology'>

/** Whether the run was only to look. */
const isReadOnlyRun = (settings: Settings | undefined): boolean =>
  settings !== undefined && (settings.mode === 'check' || settings.dryRun)

/** A text from outside inside Markdown: no HTML, no table cell ends, no links or images. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/([\\`*_[\]|!#~])/g, '\\$1')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .join('<br>')
}

/**
 * Writes the summary where there is a place for it: not on a laptop without GITHUB_STEP_SUMMARY. A
 * summary that cannot be written fails nothing.
 */
export async function writeSummary(
  report: Report,
  settings: Settings | undefined,
  error: ActionError | undefined,
  redactor: Redactor,
): Promise<void> {
  if (!process.env['GITHUB_STEP_SUMMARY']) return
  try {
    await summary
      .addRaw(
        renderSummary(
          redactReport(report, redactor),
          settings,
          error && redactError(error, redactor),
          Date.now(),
        ),
        true,
      )
      .write()
  } catch (thrown) {
    report.progress(`The summary could not be written: ${getErrorMessage(thrown)}`)
  }
}

const inlineCode = (text: string): string =>
  `<code>${escapeMarkdown(text.replace(/\s+/g, ' '))}</code>`

/**
 * The report without secrets: before any text is escaped, which would hide them from the search.
 */
function redactReport(report: ReportData, redactor: Redactor): ReportData {
  return {
    outputs: report.outputs,
    topology: report.topology,
    notes: report.notes.map((note) => redactor.redact(note)),
    steps: report.steps.map((step) => ({ ...step, verdict: redactor.redact(step.summary) })),
    changes: report.changes.map(({ before: previous, after, ...change }) => ({
      ...change,
      object: redactor.redact(change.object),
      ...(previous !== undefined && { before: redactor.redact(previous) }),
      ...(after !== undefined && { after: redactor.redact(after) }),
    })),
  }
}

function redactError(error: ActionError, redactor: Redactor): ActionError {
  const [first, ...also] = error.allErrors.map(
    ({ code: failureCode, message, remedy, step }) =>
      new ActionError({
        code: failureCode,
        problem: redactor.redact(message),
        remedy: redactor.redact(remedy),
        ...(step && { step }),
      }),
  )
  return first ? combineErrors([first, ...also]) : error
}

/**
 * The summary's text. Pure.
 * @param settings undefined when they could not be read
 * @param error undefined when the run succeeded
 * @param now milliseconds since the epoch
 */
export function renderSummary(
  report: ReportData,
  settings: Settings | undefined,
  error: ActionError | undefined,
  now: number,
): string {
  const parts = [
    renderHeadline(report, settings, error),
    ...(error ? renderFailure(error) : []),
    ...(settings ? [renderDiagram(report.topology, report.outputs, settings, error)] : []),
    renderDetails(report, now),
    steps(report),
    changes(report, settings),
    notes(report),
    ...(error || !settings || settings.mode === 'destroy' || !report.outputs.has('alb-address')
      ? []
      : renderConnectExample(report, settings)),
  ]
  return Buffer.from(parts.filter((part) => part !== '').join('\n\n'))
    .subarray(0, maxSummaryBytes)
    .toString()
}

function renderHeadline(
  { changes, outputs }: Pick<Report, 'changes' | 'outputs'>,
  settings: Settings | undefined,
  error: ActionError | undefined,
): string {
  if (error?.code === 'cancelled') return `## ⏹ Cancelled in ${error.step ?? 'preflight'}`
  const modeHeadline = settings && renderModeHeadline(changes, outputs, settings, error)
  if (modeHeadline !== undefined) return modeHeadline
  if (error)
    return `## ❌ Milvus is not proven behind the ALB: ${error.code} in ${error.step ?? 'preflight'}`
  const changeSummary =
    changes.length === 0 ? 'nothing had to change' : `${formatCount(changes, 'change')} made`
  if (settings?.probe.required === false)
    return `## ⚠️ The ALB is there, and was not probed; ${changeSummary}`
  const version = outputs.get('milvus-version')
  return `## ✅ Milvus ${version ? `${escapeMarkdown(version)} ` : ''}answers through the ALB; ${changeSummary}`
}

/** Of a run that only looks, or that removes. */
function renderModeHeadline(
  changes: Report['changes'],
  outputs: Report['outputs'],
  settings: Settings,
  error: ActionError | undefined,
): string | undefined {
  if (isReadOnlyRun(settings) && (!error || /^drift-/.test(error.code)))
    return renderReadOnlyHeadline(
      formatCount(changes, settings.mode === 'check' ? 'difference' : 'change'),
      outputs.get('drift'),
      error,
    )
  return settings.mode === 'destroy' ? renderRemovalHeadline(changes, error) : undefined
}

function renderRemovalHeadline(changes: Report['changes'], error: ActionError | undefined): string {
  if (error)
    return `## ❌ ${changes.length === 0 ? 'Nothing was' : 'Not all is'} removed: ${error.code} in ${error.step ?? 'preflight'}`
  const deletedObjects = changes
    .filter(({ after }) => after === undefined)
    .map(({ object }) => object.replace(/ arn:\S+$/, ''))
  const serviceNote = deletedObjects.length < changes.length ? '; the Service has another type' : ''
  return `## ✅ ${deletedObjects.length === 0 ? 'Nothing was left to remove' : `Removed: ${deletedObjects.map(escapeMarkdown).join(', ')}`}${serviceNote}`
}

const formatCount = ({ length }: ReportData['changes'], what: string): string =>
  `${length} ${what}${length === 1 ? '' : 's'}`

/** @param drift undefined in a dry run */
function renderReadOnlyHeadline(
  differences: string,
  drift: string | undefined,
  error: ActionError | undefined,
): string {
  if (drift === undefined) return `## 📋 Dry run: ${differences} would be made`
  if (drift === 'false') return '## ✅ Everything is as the inputs say'
  const icon = error ? '❌' : '⚠️'
  return drift === 'true'
    ? `## ${icon} ${differences} from what the inputs say`
    : `## ${icon} Nothing differs in what could be seen, and not everything could`
}

function renderFailure(error: ActionError): string[] {
  return error.allErrors.map((problem) => {
    const link = troubleshootingUrl(problem.code)
    return `**${escapeMarkdown(problem.message)}**\n\nWhat to do: ${escapeMarkdown(problem.remedy)} (${link === undefined ? inlineCode(problem.code) : `[${problem.code}](${link})`})`
  })
}

const outputLabels = [
  ['endpoint', 'Endpoint'],
  ['alb-address', 'ALB address'],
  ['ingress-name', 'Ingress'],
  ['release-revision', 'Release revision'],
  ['milvus-version', 'Milvus version'],
  ['certificate-arn', 'Certificate'],
] as const

function renderDetails(
  { outputs, topology }: Pick<Report, 'outputs' | 'topology'>,
  now: number,
): string {
  const rows = [
    ...outputLabels.flatMap(([name, title]) =>
      outputs.get(name) ? [[title, inlineCode(outputs.get(name) ?? '')]] : [],
    ),
    ...certificateRows(topology, now),
  ]
  return rows.length === 0
    ? ''
    : ['| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')
}

const millisecondsPerDay = 86_400_000

function certificateRows({ certificate }: Topology, now: number): string[][] {
  if (!certificate) return []
  const { dnsNames, issuer, serialNumber, keyAlgorithm, notAfter } = certificate
  const remainingDays = Math.floor((notAfter.getTime() - now) / millisecondsPerDay)
  return [
    ['Names', dnsNames.map(inlineCode).join(', ')],
    [
      'Valid until',
      `${inlineCode(notAfter.toISOString())}, ${remainingDays} day${remainingDays === 1 ? '' : 's'} left`,
    ],
    [
      'Key and issuer',
      `${inlineCode(keyAlgorithm)} by ${inlineCode(issuer)}, serial ${inlineCode(serialNumber)}`,
    ],
  ]
}

function steps({ steps }: Pick<Report, 'steps'>): string {
  const rows = steps.map(
    ({ name, summary: stepSummary, ok, startOffset: began, duration: took }) =>
      `| ${ok ? '✅' : '❌'} ${name} | ${escapeMarkdown(stepSummary)} | ${formatStepDuration(began)} | ${formatStepDuration(took)} |`,
  )
  return rows.length === 0
    ? ''
    : ['| Step | Result | After | Took |', '|---|---|---|---|', ...rows].join('\n')
}

function changes({ changes }: Pick<Report, 'changes'>, settings: Settings | undefined): string {
  if (changes.length === 0) return ''
  const lines = changes.flatMap((change, index) => {
    const previous = changes[index - 1]
    const heading =
      previous?.object === change.object && previous.why === change.why
        ? []
        : [`# ${change.object} (${change.why})`]
    return [...heading, ...formatChange(change)]
  })
  return [
    `### ${settings && isReadOnlyRun(settings) ? `What a ${settings.mode === 'destroy' ? 'destroy' : 'deploy'} would change` : 'Changes'}`,
    '',
    codeBlock('diff', lines),
  ].join('\n')
}

/** A block of code, of which no line can break out. */
const codeBlock = (language: string, lines: readonly string[]): string =>
  [
    `\`\`\`${language}`,
    ...lines.map((line) => line.replace(/[\r\n]+/g, ' ').replaceAll('```', "'''")),
    '```',
  ].join('\n')

function notes({ notes }: Pick<Report, 'notes'>): string {
  return notes.map((note) => `> ${escapeMarkdown(note)}`).join('\n>\n')
}

function renderConnectExample({ outputs }: Pick<Report, 'outputs'>, settings: Settings): string[] {
  const caOption = settings.probe.ca === undefined ? [] : ['server_pem_path="ca.pem"']
  const formatConnectCall = (...options: string[]) => [
    'connections.connect(',
    ...['"default"', ...options, ...caOption].map((option) => `    ${option},`),
    ')',
  ]
  const commonOptions = [`port="${settings.ingress.listenPort}"`, 'secure=True']
  const lines = [
    'from pymilvus import connections',
    '',
    '# At once, by the address of the ALB:',
    ...formatConnectCall(
      `host="${outputs.get('alb-address') ?? ''}"`,
      ...commonOptions,
      `server_name="${settings.host}"`,
    ),
    '',
    `# When DNS leads ${settings.host} to the ALB (a CNAME or alias record):`,
    ...formatConnectCall(`host="${settings.host}"`, ...commonOptions),
  ]
  return ['### Connect', codeBlock('python', lines)]
}
