/**
 * `npm run scenarios` writes what follows from the scenarios as `npm test` met them: docs/scenarios.md (which scenario is for which
 * world), docs/field-failures.md (which failure of the field is proven by which), and the last line of each section of
 * docs/troubleshooting.md. With `-- --check` it compares, and wants every scenario to have passed in every world that it is for.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../sandbox/world.ts'
import { fieldFailures, readRows, withProofs } from './field-failures.ts'
import { isFor, readRecords, worlds, type RecordedScenario, type Records, type World } from './records.ts'

/** What stands in the column of a world. */
function cell({ only, steersController }: RecordedScenario, world: World): string {
  if (only && only.world !== world) return `not here: ${only.why}`
  return world === 'lab' && steersController ? 'yes ¹' : 'yes'
}

/** docs/scenarios.md. */
function scenariosPage({ scenarios }: Records): string {
  const all = [...scenarios.values()]
  const count = (world: World): number => all.filter((scenario) => isFor(scenario, world)).length
  const table = (file: string): string => [
    `## ${file.replace('.test.ts', '')}`, '', '| scenario | sandbox | lab |', '|---|---|---|',
    ...all.filter((scenario) => scenario.file === file).map((scenario) => `| ${scenario.name} | ${cell(scenario, 'sandbox')} | ${cell(scenario, 'lab')} |`),
  ].join('\n')
  return `# Scenarios

Written by \`npm run scenarios\`. \`npm test\` runs those of the sandbox (${count('sandbox')}), \`npm run lab\` those of the lab (${count('lab')}), and \`npm run scenarios -- --check\` fails unless each passed in every world that it is for. Each runs \`dist/\` as a runner does, in a world of its own; in the lab, the SDK for Node makes and drops a collection through the load balancer after every run that changed something, and pymilvus makes, searches and drops one after the first of each file, and after the first with a token. [Failures of the field](field-failures.md) says which of them proves what.

The sandbox is ours. In the lab the Kubernetes control plane, helm 3 and 4, kubectl, Milvus, the TLS and HTTP/2 of the load balancer (Envoy) and the clients are real ones, and AWS is moto, with what stands before it for what moto does not do (\`lab/parts/\`).

The load balancer controller is the stand-in in both worlds: no registry that the lab installs from has the real one. So what any row says of the controller is what the stand-in does, written to observations of v3.5.0; \`LAB_CONTROLLER=/path/to/binary npm run lab\` repeats them with a real one.

¹ Rows that only the stand-in can prove: they use switches that a real controller has not (silence, a delay, ids that EC2 does not know).

${[...new Set(all.map(({ file }) => file))].sort().map(table).join('\n\n')}
`
}

const isCheck = process.argv.includes('--check')
const complain = (text: string): void => {
  console.error(text)
  process.exitCode = 1
}

// Writing needs no run in the lab: the sandbox's defines every scenario, also those of the lab only.
const records = readRecords(isCheck ? worlds : ['sandbox'])
const pages: Readonly<Record<string, (now: string) => string>> = {
  'docs/scenarios.md': () => scenariosPage(records),
  'docs/field-failures.md': () => fieldFailures(readRows(), records),
  'docs/troubleshooting.md': (now) => withProofs(now, records),
}
for (const [name, wanted] of Object.entries(pages)) {
  const path = join(repository, name)
  const now = readFileSync(path, 'utf8')
  const text = wanted(now)
  if (!isCheck) writeFileSync(path, text)
  else if (now !== text) complain(`${name} is not what the scenarios say: run npm run scenarios`)
}
if (isCheck) {
  const isOwed = (scenario: RecordedScenario, world: World): boolean => isFor(scenario, world) && !(world === 'lab' && records.realController && scenario.steersController)
  for (const world of worlds) {
    const missing = [...records.scenarios.values()].filter((scenario) => isOwed(scenario, world) && !scenario.passed.has(world)).map(({ name }) => name)
    // What failed is said where it failed; of a whole world that was not run, a few names do.
    if (missing.length > 0) complain(`${missing.length} scenarios did not pass in the ${world}: ${missing.slice(0, 5).join('; ')}${missing.length > 5 ? ' …' : ''}`)
  }
}
