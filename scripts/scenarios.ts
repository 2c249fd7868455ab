/**
 * `npm run scenarios` writes what follows from the scenarios as `npm test` met them:
 * docs/scenarios.md (which scenario is for which world), docs/field-failures.md (which failure of
 * the field is proven by which), and the last line of each section of docs/troubleshooting.md. With
 * `-- --check` it compares, and wants every scenario to have passed in every world that it is for.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from '../testing/environment.ts'
import { renderFieldFailures, readFailureCatalogue, replaceProofs } from './field-failures.ts'
import {
  isApplicableTo,
  readRecords,
  environmentKinds,
  type RecordedScenario,
  type Records,
  type EnvironmentKind,
} from './records.ts'

/** What stands in the column of a world. */
function formatCell(
  { restrictedTo, steersController }: RecordedScenario,
  kind: EnvironmentKind,
): string {
  if (restrictedTo && restrictedTo.kind !== kind) return `not here: ${restrictedTo.why}`
  return kind === 'lab' && steersController ? 'yes ¹' : 'yes'
}

/** docs/scenarios.md. */
function renderScenarios({ scenarios }: Records): string {
  const all = [...scenarios.values()]
  const countScenarios = (kind: EnvironmentKind): number =>
    all.filter((scenario) => isApplicableTo(scenario, kind)).length
  const formatFileTable = (file: string): string =>
    [
      `## ${file.replace('.test.ts', '')}`,
      '',
      '| scenario | simulator | lab |',
      '|---|---|---|',
      ...all
        .filter((scenario) => scenario.file === file)
        .map(
          (scenario) =>
            `| ${scenario.name} | ${formatCell(scenario, 'simulator')} | ${formatCell(scenario, 'lab')} |`,
        ),
    ].join('\n')
  return `# Scenarios

Written by \`npm run scenarios\`. \`npm test\` runs those of the simulator (${countScenarios('simulator')}), \`npm run lab\` those of the lab (${countScenarios('lab')}), and \`npm run scenarios -- --check\` fails unless each passed in every world that it is for. Each runs \`dist/\` as a runner does, in a world of its own; in the lab, the SDK for Node makes and drops a collection through the load balancer after every run that changed something, and pymilvus makes, searches and drops one after the first of each file, and after the first with a token. [Failures of the field](field-failures.md) says which of them proves what.

The simulator is ours. In the lab the Kubernetes control plane, helm 3 and 4, kubectl, Milvus, the TLS and HTTP/2 of the load balancer (Envoy) and the clients are real ones, and AWS is moto, with what stands before it for what moto does not do (\`integration/services/\`).

The load balancer controller is the stand-in in both worlds: no registry that the lab installs from has the real one. So what any row says of the controller is what the stand-in does, written to observations of v3.5.0; \`LAB_CONTROLLER=/path/to/binary npm run lab\` repeats them with a real one.

¹ Rows that only the stand-in can prove: they use switches that a real controller has not (silence, a delay, ids that EC2 does not know).

${[...new Set(all.map(({ file }) => file))].sort().map(formatFileTable).join('\n\n')}
`
}

const isCheck = process.argv.includes('--check')
const reportError = (text: string): void => {
  console.error(text)
  process.exitCode = 1
}

// Writing needs no run in the lab: the simulator's defines every scenario, also those of the lab
// only.
const records = readRecords(isCheck ? environmentKinds : ['simulator'])
const pages: Readonly<Record<string, (currentText: string) => string>> = {
  'docs/scenarios.md': () => renderScenarios(records),
  'docs/field-failures.md': () => renderFieldFailures(readFailureCatalogue(), records),
  'docs/troubleshooting.md': (currentText) => replaceProofs(currentText, records),
}
for (const [name, render] of Object.entries(pages)) {
  const path = join(repositoryRoot, name)
  const currentText = readFileSync(path, 'utf8')
  const text = render(currentText)
  if (!isCheck) writeFileSync(path, text)
  else if (currentText !== text)
    reportError(`${name} is not what the scenarios say: run npm run scenarios`)
}
if (isCheck) {
  const isRequired = (scenario: RecordedScenario, kind: EnvironmentKind): boolean =>
    isApplicableTo(scenario, kind) &&
    !(kind === 'lab' && records.hasRealController && scenario.steersController)
  for (const kind of environmentKinds) {
    const missing = [...records.scenarios.values()]
      .filter((scenario) => isRequired(scenario, kind) && !scenario.passedIn.has(kind))
      .map(({ name }) => name)
    // What failed is said where it failed; of a whole world that was not run, a few names do.
    if (missing.length > 0)
      reportError(
        `${missing.length} scenarios did not pass in the ${kind}: ${missing.slice(0, 5).join('; ')}${missing.length > 5 ? ' …' : ''}`,
      )
  }
}
