/**
 * `npm run scenarios` writes the pages that depend on the scenarios that the last `npm test`
 * recorded: docs/scenarios.md (which scenario runs in which environment), docs/field-failures.md
 * (which scenario covers which known failure), and the last line of each section of
 * docs/troubleshooting.md. With `-- --check` it compares instead, and requires every scenario to
 * have passed in every environment that it applies to.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../testing/environment.ts'
import { renderFieldFailures, readFailureCatalogue, replaceTestLines } from './field-failures.ts'
import {
  isApplicableTo,
  readRecords,
  environmentKinds,
  type RecordedScenario,
  type Records,
  type EnvironmentKind,
} from './records.ts'

/** The cell of a scenario in the column of an environment. */
function formatCell(
  { restrictedTo, requiresSimulatedController }: RecordedScenario,
  kind: EnvironmentKind,
): string {
  if (restrictedTo && restrictedTo.kind !== kind) return `not here: ${restrictedTo.why}`
  return kind === 'lab' && requiresSimulatedController ? 'yes ¹' : 'yes'
}

function formatRow(scenario: RecordedScenario): string {
  const cells = [scenario.name, formatCell(scenario, 'simulator'), formatCell(scenario, 'lab')]
  return `| ${cells.join(' | ')} |`
}

/** The table of the scenarios in a test file. */
function formatFileTable(file: string, scenarios: readonly RecordedScenario[]): string {
  return [
    `## ${file.replace('.test.ts', '')}`,
    '',
    '| scenario | simulator | lab |',
    '|---|---|---|',
    ...scenarios.filter((scenario) => scenario.file === file).map(formatRow),
  ].join('\n')
}

/** The text of docs/scenarios.md above its tables. */
const formatIntroduction = (
  counts: Readonly<Record<EnvironmentKind, number>>,
): string => `# Scenarios

Written by \`npm run scenarios\`. Each scenario runs \`dist/\` as a runner does, in its own
environment. \`npm test\` runs the ${counts.simulator} scenarios for the simulator, and
\`npm run lab\` the ${counts.lab} for the lab. \`npm run scenarios -- --check\` fails unless each
one passed in every environment that it applies to. [Known failures](field-failures.md) lists which
scenario covers which failure.

The simulator is our own code. In the lab, the Kubernetes control plane, Helm 3 and 4, kubectl,
Milvus, TLS and HTTP/2 of the load balancer (Envoy) and the clients are real. AWS is moto, with
proxies in front that add what moto lacks (\`integration/services/\`). After every run in the lab
that changed something, the Node SDK creates and drops a collection through the load balancer.
pymilvus creates, searches and drops one after the first such run of each file, and after the first
with a token.

The load balancer controller is a stand-in in both environments, because no registry that the lab
installs from has the real one. Scenarios about the controller therefore test how the action
handles the stand-in, which follows observations of v3.5.0. To repeat them with a real controller,
run \`LAB_CONTROLLER=/path/to/binary npm run lab\`.

¹ Only the stand-in can test these: they use switches that a real controller lacks (silence, a
delay, ids that EC2 does not know).
`

/** Renders docs/scenarios.md. */
function renderScenarios({ scenarios }: Records): string {
  const all = [...scenarios.values()]
  const countScenarios = (kind: EnvironmentKind): number =>
    all.filter((scenario) => isApplicableTo(scenario, kind)).length
  const files = [...new Set(all.map(({ file }) => file))].sort()
  const tables = files.map((file) => formatFileTable(file, all))
  const introduction = formatIntroduction({
    simulator: countScenarios('simulator'),
    lab: countScenarios('lab'),
  })
  return `${introduction}\n${tables.join('\n\n')}\n`
}

const isCheck = process.argv.includes('--check')
const reportError = (text: string): void => {
  console.error(text)
  process.exitCode = 1
}

// Writing does not require a run in the lab: the run in the simulator records every scenario,
// including those for the lab only.
const records = readRecords(isCheck ? environmentKinds : ['simulator'])
const pages: Readonly<Record<string, (currentText: string) => string>> = {
  'docs/scenarios.md': () => renderScenarios(records),
  'docs/field-failures.md': () => renderFieldFailures(readFailureCatalogue(), records),
  'docs/troubleshooting.md': (currentText) => replaceTestLines(currentText, records),
}
for (const [name, render] of Object.entries(pages)) {
  const path = join(repositoryRoot, name)
  const currentText = readFileSync(path, 'utf8')
  const text = render(currentText)
  if (!isCheck) writeFileSync(path, text)
  else if (currentText !== text) reportError(`${name} is out of date: run npm run scenarios`)
}
if (isCheck) environmentKinds.forEach(reportMissingScenarios)

/** Reports scenarios that did not pass in an environment that they apply to. */
function reportMissingScenarios(kind: EnvironmentKind): void {
  const missing = [...records.scenarios.values()]
    .filter((scenario) => isRequired(scenario, kind) && !scenario.passedIn.has(kind))
    .map(({ name }) => name)
  if (missing.length === 0) return
  // A failure is reported where it happened. If nothing was run in an environment, a few names are
  // enough.
  const names = missing.slice(0, 5).join('; ') + (missing.length > 5 ? ' …' : '')
  reportError(`${missing.length} scenarios did not pass in the ${kind}: ${names}`)
}

function isRequired(scenario: RecordedScenario, kind: EnvironmentKind): boolean {
  const needsSimulatedController =
    kind === 'lab' && records.hasRealController && scenario.requiresSimulatedController
  return isApplicableTo(scenario, kind) && !needsSimulatedController
}
