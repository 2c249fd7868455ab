/**
 * `npm run scenarios` writes what follows from the last whole runs of `npm test` and `npm run lab`: docs/scenarios.md (which
 * scenario ran where), docs/field-failures.md (which failure of the field is proven by which), and the last line of each section of
 * docs/troubleshooting.md. With `-- --check` it only compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../sandbox/world.ts'
import { fieldFailures, readRows, withProofs } from './field-failures.ts'
import { readRecords, type RecordedScenario, type Records, type World } from './records.ts'

/** What stands in the column of a world. */
function cell({ passed, only, steersController }: RecordedScenario, world: World, realController: boolean): string {
  if (passed.has(world)) return world === 'lab' && steersController ? 'passed ¹' : 'passed'
  if (only && only.world !== world) return `not here: ${only.why}`
  return world === 'lab' && realController && steersController ? 'not with a real controller ¹' : 'FAILED'
}

/** docs/scenarios.md. */
function scenariosPage({ scenarios, realController }: Records): string {
  const all = [...scenarios.values()]
  const count = (world: World): number => all.filter(({ passed }) => passed.has(world)).length
  const table = (file: string): string => [
    `## ${file.replace('.test.ts', '')}`, '', '| scenario | sandbox | lab |', '|---|---|---|',
    ...all.filter((scenario) => scenario.file === file).map((scenario) => `| ${scenario.name} | ${cell(scenario, 'sandbox', realController)} | ${cell(scenario, 'lab', realController)} |`),
  ].join('\n')
  return `# Scenarios

Written by \`npm run scenarios\` from the last whole runs of \`npm test\` (sandbox: ${count('sandbox')} passed) and \`npm run lab\` (lab: ${count('lab')} passed). Each runs \`dist/\` as a runner does, in a world of its own; in the lab, pymilvus and the SDK for Node make, search and drop collections through the load balancer after every run that changed something. [Failures of the field](field-failures.md) says which of them proves what.

The sandbox is ours. In the lab the Kubernetes control plane, helm 3 and 4, kubectl, Milvus, the TLS and HTTP/2 of the load balancer (Envoy) and the clients are real ones, and AWS is moto, with what stands before it for what moto does not do (\`lab/parts/\`).

The load balancer controller was ${realController ? 'a real one (LAB_CONTROLLER) in the lab' : 'the stand-in in both worlds: no registry that the lab installs from has the real one. So what any row says of the controller is what the stand-in does, written to observations of v3.5.0; `LAB_CONTROLLER=/path/to/binary npm run lab` repeats them with a real one'}.

¹ Rows that only the stand-in can prove: they use switches that a real controller has not (silence, a delay, ids that EC2 does not know).

${[...new Set(all.map(({ file }) => file))].sort().map(table).join('\n\n')}
`
}

const records = readRecords()
const pages: Readonly<Record<string, (now: string) => string>> = {
  'docs/scenarios.md': () => scenariosPage(records),
  'docs/field-failures.md': () => fieldFailures(readRows(), records),
  'docs/troubleshooting.md': (now) => withProofs(now, records),
}
for (const [name, wanted] of Object.entries(pages)) {
  const path = join(repository, name)
  const now = readFileSync(path, 'utf8')
  const text = wanted(now)
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (now !== text) {
    console.error(`${name} is not what the last runs recorded: run npm run scenarios`)
    process.exitCode = 1
  }
}
