/** The job summary, as Markdown. Texts from outside are escaped. */
import { summary } from '@actions/core'
import { ActionError, combine } from '../core/errors.ts'
import type { Way } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import { diagram } from './diagram.ts'
import { codeLink } from './failure.ts'
import type { Redactor } from './redaction.ts'
import { changeLines, seconds, type Report } from './report.ts'
import { messageOf } from '../core/text.ts'

/** GitHub takes at most 1 MiB of summary a step; what is longer would be dropped whole. Bytes, with room for a line end and a character that the cut breaks. */
const largestSummary = 1024 * 1024 - 4

type Shown = Pick<Report, 'steps' | 'changes' | 'notes' | 'outputs' | 'way'>

/** Whether the run was only to look. */
const looksOnly = (settings: Settings | undefined): boolean => settings !== undefined && (settings.mode === 'check' || settings.dryRun)

/** A text from outside inside Markdown: no HTML, no table cell ends, no links or images. */
export function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/([\\`*_[\]|!#~])/g, '\\$1').split(/[\r\n]+/).map((line) => line.trim()).join('<br>')
}

/** Writes the summary where there is a place for it: not on a laptop without GITHUB_STEP_SUMMARY. A summary that cannot be written fails nothing. */
export async function writeSummary(report: Report, settings: Settings | undefined, error: ActionError | undefined, redactor: Redactor): Promise<void> {
  if (!process.env['GITHUB_STEP_SUMMARY']) return
  try {
    await summary.addRaw(summarize(redacted(report, redactor), settings, error && redactedError(error, redactor), Date.now()), true).write()
  } catch (thrown) {
    report.progress(`The summary could not be written: ${messageOf(thrown)}`)
  }
}

const code = (text: string): string => `<code>${escape(text.replace(/\s+/g, ' '))}</code>`

/** The report without secrets: before any text is escaped, which would hide them from the search. */
function redacted(report: Shown, redactor: Redactor): Shown {
  return {
    outputs: report.outputs,
    way: report.way,
    notes: report.notes.map((note) => redactor.redact(note)),
    steps: report.steps.map((step) => ({ ...step, verdict: redactor.redact(step.verdict) })),
    changes: report.changes.map(({ before, after, ...change }) => ({ ...change, object: redactor.redact(change.object), ...(before !== undefined && { before: redactor.redact(before) }), ...(after !== undefined && { after: redactor.redact(after) }) })),
  }
}

function redactedError(error: ActionError, redactor: Redactor): ActionError {
  const [first, ...also] = error.all.map(({ code, message, remedy, step }) => new ActionError({ code, problem: redactor.redact(message), remedy: redactor.redact(remedy), ...(step && { step }) }))
  return first ? combine([first, ...also]) : error
}

/**
 * The summary's text. Pure.
 * @param settings undefined when they could not be read
 * @param error undefined when the run succeeded
 * @param now milliseconds since the epoch
 */
export function summarize(report: Shown, settings: Settings | undefined, error: ActionError | undefined, now: number): string {
  const parts = [
    headline(report, settings, error),
    ...(error ? failure(error) : []),
    ...(settings ? [diagram(report.way, report.outputs, settings, error)] : []),
    facts(report, now),
    steps(report),
    changes(report, settings),
    notes(report),
    ...(error || !settings || settings.mode === 'destroy' || !report.outputs.has('alb-address') ? [] : client(report, settings)),
  ]
  return Buffer.from(parts.filter((part) => part !== '').join('\n\n')).subarray(0, largestSummary).toString()
}

function headline({ changes, outputs }: Pick<Report, 'changes' | 'outputs'>, settings: Settings | undefined, error: ActionError | undefined): string {
  if (error?.code === 'cancelled') return `## ⏹ Cancelled in ${error.step ?? 'preflight'}`
  const ofAnotherKind = settings && headlineOfMode(changes, outputs, settings, error)
  if (ofAnotherKind !== undefined) return ofAnotherKind
  if (error) return `## ❌ Milvus is not proven behind the ALB: ${error.code} in ${error.step ?? 'preflight'}`
  const end = changes.length === 0 ? 'nothing had to change' : `${counted(changes, 'change')} made`
  if (settings?.probe.required === false) return `## ⚠️ The ALB is there, and was not probed; ${end}`
  const version = outputs.get('milvus-version')
  return `## ✅ Milvus ${version ? `${escape(version)} ` : ''}answers through the ALB; ${end}`
}

/** Of a run that only looks, or that removes. */
function headlineOfMode(changes: Report['changes'], outputs: Report['outputs'], settings: Settings, error: ActionError | undefined): string | undefined {
  if (looksOnly(settings) && (!error || /^drift-/.test(error.code))) return headlineOfLook(counted(changes, settings.mode === 'check' ? 'difference' : 'change'), outputs.get('drift'), error)
  return settings.mode === 'destroy' ? removed(changes, error) : undefined
}

function removed(changes: Report['changes'], error: ActionError | undefined): string {
  if (error) return `## ❌ ${changes.length === 0 ? 'Nothing was' : 'Not all is'} removed: ${error.code} in ${error.step ?? 'preflight'}`
  const gone = changes.filter(({ after }) => after === undefined).map(({ object }) => object.replace(/ arn:\S+$/, ''))
  const restored = gone.length < changes.length ? '; the Service has another type' : ''
  return `## ✅ ${gone.length === 0 ? 'Nothing was left to remove' : `Removed: ${gone.map(escape).join(', ')}`}${restored}`
}

const counted = ({ length }: Shown['changes'], what: string): string => `${length} ${what}${length === 1 ? '' : 's'}`

/** @param drift undefined in a dry run */
function headlineOfLook(differences: string, drift: string | undefined, error: ActionError | undefined): string {
  if (drift === undefined) return `## 📋 Dry run: ${differences} would be made`
  if (drift === 'false') return '## ✅ Everything is as the inputs say'
  const mark = error ? '❌' : '⚠️'
  return drift === 'true' ? `## ${mark} ${differences} from what the inputs say` : `## ${mark} Nothing differs in what could be seen, and not everything could`
}

function failure(error: ActionError): string[] {
  return error.all.map((problem) => {
    const link = codeLink(problem.code)
    return `**${escape(problem.message)}**\n\nWhat to do: ${escape(problem.remedy)} (${link === undefined ? code(problem.code) : `[${problem.code}](${link})`})`
  })
}

const factNames = [
  ['endpoint', 'Endpoint'],
  ['alb-address', 'ALB address'],
  ['ingress-name', 'Ingress'],
  ['release-revision', 'Release revision'],
  ['milvus-version', 'Milvus version'],
  ['certificate-arn', 'Certificate'],
] as const

function facts({ outputs, way }: Pick<Report, 'outputs' | 'way'>, now: number): string {
  const rows = [...factNames.flatMap(([name, title]) => (outputs.get(name) ? [[title, code(outputs.get(name) ?? '')]] : [])), ...certificateFacts(way, now)]
  return rows.length === 0 ? '' : ['| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')
}

const day = 86_400_000

function certificateFacts({ certificate }: Way, now: number): string[][] {
  if (!certificate) return []
  const { names, issuer, serial, key, notAfter } = certificate
  const left = Math.floor((notAfter.getTime() - now) / day)
  return [
    ['Names', names.map(code).join(', ')],
    ['Valid until', `${code(notAfter.toISOString())}, ${left} day${left === 1 ? '' : 's'} left`],
    ['Key and issuer', `${code(key)} by ${code(issuer)}, serial ${code(serial)}`],
  ]
}

function steps({ steps }: Pick<Report, 'steps'>): string {
  const rows = steps.map(({ name, verdict, ok, began, took }) => `| ${ok ? '✅' : '❌'} ${name} | ${escape(verdict)} | ${seconds(began)} | ${seconds(took)} |`)
  return rows.length === 0 ? '' : ['| Step | Result | After | Took |', '|---|---|---|---|', ...rows].join('\n')
}

function changes({ changes }: Pick<Report, 'changes'>, settings: Settings | undefined): string {
  if (changes.length === 0) return ''
  const lines = changes.flatMap((change, index) => {
    const before = changes[index - 1]
    const heading = before?.object === change.object && before.why === change.why ? [] : [`# ${change.object} (${change.why})`]
    return [...heading, ...changeLines(change)]
  })
  return [`### ${settings && looksOnly(settings) ? `What a ${settings.mode === 'destroy' ? 'destroy' : 'deploy'} would change` : 'Changes'}`, '', fenced('diff', lines)].join('\n')
}

/** A block of code, of which no line can break out. */
const fenced = (language: string, lines: readonly string[]): string => [`\`\`\`${language}`, ...lines.map((line) => line.replace(/[\r\n]+/g, ' ').replaceAll('```', "'''")), '```'].join('\n')

function notes({ notes }: Pick<Report, 'notes'>): string {
  return notes.map((note) => `> ${escape(note)}`).join('\n>\n')
}

function client({ outputs }: Pick<Report, 'outputs'>, settings: Settings): string[] {
  const pem = settings.probe.ca === undefined ? [] : ['server_pem_path="ca.pem"']
  const connect = (...options: string[]) => ['connections.connect(', ...['"default"', ...options, ...pem].map((option) => `    ${option},`), ')']
  const common = [`port="${settings.ingress.listenPort}"`, 'secure=True']
  const lines = [
    'from pymilvus import connections',
    '',
    '# At once, by the address of the ALB:',
    ...connect(`host="${outputs.get('alb-address') ?? ''}"`, ...common, `server_name="${settings.host}"`),
    '',
    `# When DNS leads ${settings.host} to the ALB (a CNAME or alias record):`,
    ...connect(`host="${settings.host}"`, ...common),
  ]
  return ['### Connect', fenced('python', lines)]
}
