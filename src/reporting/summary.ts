/** The job summary, as Markdown. */
import { summary } from '@actions/core'
import type { ActionError } from '../failures/action-error.ts'
import type { StepState, Topology } from '../steps/step.ts'
import type { ProbeSettings, RunSettings } from '../inputs/types.ts'
import { renderDiagram } from './diagram.ts'
import { troubleshootingUrl } from './failure.ts'
import { isReadOnlyRun, renderHeadline } from './headline.ts'
import { codeBlock, escapeMarkdown, inlineCode, renderTable } from './markdown.ts'
import type { Redactor } from './redaction.ts'
import { formatChange, formatStepDuration, type Report } from './report.ts'
import { countObjects, formatCount, getErrorMessage } from '../util/text.ts'

/**
 * Bytes. GitHub drops a step's summary of more than 1 MiB. The margin is for the final line break,
 * and for a character that the cut breaks.
 */
const maxSummaryBytes = 1024 * 1024 - 4

type ReportData = Pick<
  Report,
  'opening' | 'steps' | 'changes' | 'notes' | 'warnings' | 'outputs' | 'topology'
>

/**
 * Writes the summary, unless GITHUB_STEP_SUMMARY is not set, as on a laptop. Never throws: a run
 * does not fail because of its summary.
 */
export async function writeSummary(
  report: Report,
  settings: RunSettings | undefined,
  error: ActionError | undefined,
  redactor: Redactor,
): Promise<void> {
  if (!process.env['GITHUB_STEP_SUMMARY']) return
  // Before anything is escaped: an escaped secret would not be found.
  const redactedReport = redactReport(report, redactor)
  const redactedError = error?.mapTexts((text) => redactor.redact(text))
  const text = renderSummary(redactedReport, settings, redactedError, Date.now())
  try {
    await summary.addRaw(text, true).write()
  } catch (thrown) {
    report.progress(`Cannot write the job summary: ${getErrorMessage(thrown)}`)
  }
}

function redactReport(report: ReportData, redactor: Redactor): ReportData {
  const redact = (text: string): string => redactor.redact(text)
  return {
    outputs: report.outputs,
    topology: report.topology,
    opening: redact(report.opening),
    notes: report.notes.map(redact),
    warnings: report.warnings.map(redact),
    steps: report.steps.map((step) => ({ ...step, summary: redact(step.summary) })),
    changes: report.changes.map(({ before, after, ...change }) => ({
      ...change,
      object: redact(change.object),
      ...(before !== undefined && { before: redact(before) }),
      ...(after !== undefined && { after: redact(after) }),
    })),
  }
}

/**
 * The text of the summary. Pure.
 * @param settings undefined when they could not be read
 * @param error undefined when the run succeeded
 * @param now milliseconds since the epoch
 */
export function renderSummary(
  report: ReportData,
  settings: RunSettings | undefined,
  error: ActionError | undefined,
  now: number,
): string {
  const sections = [
    renderHeadline(report, settings, error),
    escapeMarkdown(report.opening),
    ...renderProblems(error?.allErrors ?? []),
    renderWarnings(report),
    settings && settings.mode !== 'destroy'
      ? renderDiagram(report.topology, report.outputs, settings, error)
      : '',
    renderDetails(report, now),
    error ? '' : renderConnectExample(report, settings),
    renderSteps(report),
    renderNotes(report),
    renderChanges(report, settings),
  ]
  const text = sections.filter((section) => section !== '').join('\n\n')
  return Buffer.from(text).subarray(0, maxSummaryBytes).toString()
}

/** Each problem with its remedy. Each code links to its explanation once. */
function renderProblems(errors: readonly ActionError[]): string[] {
  const linkedCodes = new Set<string>()
  return errors.map(({ code, message, remedy }) => {
    const url = linkedCodes.has(code) ? undefined : troubleshootingUrl(code)
    linkedCodes.add(code)
    const reference = url === undefined ? inlineCode(code) : `[${code}](${url})`
    return `**${escapeMarkdown(message)}**\n\nWhat to do: ${escapeMarkdown(remedy)} (${reference})`
  })
}

/** An alert. Source: GitHub, Alerts. */
function renderWarnings({ warnings }: Pick<ReportData, 'warnings'>): string {
  if (warnings.length === 0) return ''
  return ['[!WARNING]', ...warnings.map((text) => `- ${escapeMarkdown(text)}`)]
    .map((line) => `> ${line}`)
    .join('\n')
}

const outputLabels = [
  ['endpoint', 'gRPC endpoint'],
  ['alb-address', 'ALB address'],
  ['ingress-name', 'Ingress'],
  ['release-revision', 'Release revision'],
  ['milvus-version', 'Milvus version'],
  ['certificate-arn', 'Certificate'],
] as const

function renderDetails(
  { outputs, topology }: Pick<ReportData, 'outputs' | 'topology'>,
  now: number,
): string {
  const rows: string[][] = []
  for (const [name, label] of outputLabels) {
    const value = outputs.get(name)
    // No browser opens the endpoint, so it is shown without https.
    if (value) rows.push([label, inlineCode(value.replace(/^https:\/\//, ''))])
  }
  rows.push(...certificateRows(topology, now))
  return rows.length === 0 ? '' : renderTable(['', ''], rows)
}

function certificateRows({ certificate }: Topology, now: number): string[][] {
  if (!certificate) return []
  const { dnsNames, issuer, serialNumber, keyAlgorithm, notAfter } = certificate
  const remaining = formatRemainingTime(notAfter, now)
  return [
    ['Certificate names', dnsNames.map(inlineCode).join(', ')],
    ['Certificate expiry', `${inlineCode(notAfter.toISOString())} (${remaining})`],
    ['Certificate key', inlineCode(keyAlgorithm)],
    ['Certificate issuer', `${inlineCode(issuer)}, serial number ${inlineCode(serialNumber)}`],
  ]
}

const millisecondsPerDay = 86_400_000

function formatRemainingTime(notAfter: Date, now: number): string {
  const days = Math.floor((notAfter.getTime() - now) / millisecondsPerDay)
  if (days < 0) return 'expired'
  return `${formatCount(days, 'day')} left`
}

const stateIcons: Readonly<Record<StepState, string>> = {
  done: '✅',
  differs: '⚠️',
  skipped: '➖',
  failed: '❌',
}

function renderSteps({ steps }: Pick<ReportData, 'steps'>): string {
  const rows = steps.map(({ name, summary: result, state, startOffset, duration }) => [
    `${stateIcons[state]} ${name}`,
    escapeMarkdown(result),
    formatStepDuration(startOffset),
    formatStepDuration(duration),
  ])
  return rows.length === 0 ? '' : renderTable(['Step', 'Result', 'Started after', 'Duration'], rows)
}

function renderChanges(
  { changes }: Pick<ReportData, 'changes'>,
  settings: RunSettings | undefined,
): string {
  if (changes.length === 0) return ''
  const lines = changes.flatMap((change, index) => {
    const { object, why } = change
    const previous = changes[index - 1]
    const isSameGroup = previous?.object === object && previous.why === why
    return isSameGroup ? formatChange(change) : [`# ${object} (${why})`, ...formatChange(change)]
  })
  const { objects, fields } = countObjects(changes)
  // They are the result of a run that changes nothing.
  const isResult = settings !== undefined && isReadOnlyRun(settings)
  return [
    `### ${nameChanges(settings)}`,
    `<details${isResult ? ' open' : ''}><summary>${objects}${fields}</summary>`,
    codeBlock('diff', lines),
    '</details>',
  ].join('\n\n')
}

function nameChanges(settings: RunSettings | undefined): string {
  if (!settings || !isReadOnlyRun(settings)) return 'Changes'
  return settings.mode === 'check' ? 'Changes that a deployment would make' : 'Planned changes'
}

function renderNotes({ notes }: Pick<ReportData, 'notes'>): string {
  if (notes.length === 0) return ''
  const items = notes.map((note) => `- ${escapeMarkdown(note)}`)
  return `### Notes\n\n${items.join('\n')}`
}

/** How a client connects. Empty when there is no ALB to connect to. */
function renderConnectExample(
  { outputs, topology }: Pick<ReportData, 'outputs' | 'topology'>,
  settings: RunSettings | undefined,
): string {
  const address = outputs.get('alb-address')
  if (!settings || settings.mode === 'destroy' || !address) return ''
  const { host, ingress, probe } = settings
  const commonOptions = [`port="${ingress.listenPort}"`, 'secure=True']
  const tlsOptions = formatTlsOptions(probe, topology)
  const lines = [
    ...(tlsOptions.includes(publicCaOption) ? ['import certifi'] : []),
    'from pymilvus import connections',
    '',
    '# Right away, with the address of the ALB:',
    ...formatConnectCall([
      `host="${address}"`,
      ...commonOptions,
      `server_name="${host}"`,
      ...tlsOptions,
    ]),
    '',
    `# Once a DNS record (CNAME or alias) points ${host} to the ALB:`,
    ...formatConnectCall([`host="${host}"`, ...commonOptions, ...tlsOptions]),
  ]
  return `### Connect\n\n${codeBlock('python', lines)}`
}

const publicCaOption = 'ca_pem_path=certifi.where()'

/** For mutual TLS, pymilvus requires the CA of the server even if it is a public one. */
function formatTlsOptions(
  { ca, clientCertificate }: ProbeSettings,
  { hasPrivateCa = false }: Topology,
): readonly string[] {
  const needsCa = ca !== undefined || hasPrivateCa
  if (clientCertificate === undefined) return needsCa ? ['server_pem_path="ca.pem"'] : []
  return [
    'client_pem_path="client.pem"',
    'client_key_path="client-key.pem"',
    needsCa ? 'ca_pem_path="ca.pem"' : publicCaOption,
  ]
}

const formatConnectCall = (options: readonly string[]): string[] => [
  'connections.connect(',
  ...['"default"', ...options].map((option) => `    ${option},`),
  ')',
]
