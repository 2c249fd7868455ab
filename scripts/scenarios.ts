/**
 * `npm run scenarios` writes docs/scenarios.md from what `npm test` and `npm run lab` recorded of their last whole runs: which
 * scenario ran where. With `-- --check` it only compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { scenarioRecord } from '../sandbox/scenario-record.ts'
import { repository } from '../sandbox/world.ts'

/** A line of a record: a scenario was defined, or it passed. */
interface Line {
  readonly world: 'sandbox' | 'lab'
  readonly controller: 'stand-in' | 'real'
  readonly file: string
  readonly name: string
  readonly only?: 'sandbox' | 'lab'
  readonly why?: string
  readonly steersController?: boolean
  readonly passed?: true
}

function read(world: 'sandbox' | 'lab'): Line[] {
  try {
    return readFileSync(scenarioRecord(world), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line)
  } catch (error) {
    throw new Error(`There is no record of a whole run in the ${world}: run ${world === 'lab' ? 'npm run lab' : 'npm test'} first.`, { cause: error })
  }
}

const lines = [...read('sandbox'), ...read('lab')]
const passed = new Set(lines.filter((line) => line.passed).map(({ world, name }) => `${world} ${name}`))
const real = lines.some(({ controller }) => controller === 'real')
const defined = new Map(lines.filter((line) => line.passed === undefined).map((line) => [line.name, line]))

/** What stands in the column of a world. */
function cell({ name, only, why = '', steersController }: Line, world: 'sandbox' | 'lab'): string {
  if (passed.has(`${world} ${name}`)) return world === 'lab' && steersController === true ? 'passed ¹' : 'passed'
  if (only !== undefined && only !== world) return `not here: ${why}`
  return world === 'lab' && real && steersController === true ? 'not with a real controller ¹' : 'FAILED'
}

const files = [...new Set([...defined.values()].map(({ file }) => file))].sort()
const table = (file: string): string => [
  `## ${file.replace('.test.ts', '')}`, '', '| scenario | sandbox | lab |', '|---|---|---|',
  ...[...defined.values()].filter((line) => line.file === file).map((line) => `| ${line.name} | ${cell(line, 'sandbox')} | ${cell(line, 'lab')} |`),
].join('\n')
const count = (world: string): number => [...passed].filter((each) => each.startsWith(`${world} `)).length

const text = `# Scenarios

Written by \`npm run scenarios\` from the last whole runs of \`npm test\` (sandbox: ${count('sandbox')} passed) and \`npm run lab\` (lab: ${count('lab')} passed). Each runs \`dist/\` as a runner does, in a world of its own; in the lab, pymilvus and the SDK for Node make, search and drop collections through the load balancer after every run that changed something.

The sandbox is ours. In the lab the Kubernetes control plane, helm 3 and 4, kubectl, Milvus, the TLS and HTTP/2 of the load balancer (Envoy) and the clients are real ones, and AWS is moto, with what stands before it for what moto does not do (\`lab/parts/\`).

The load balancer controller was ${real ? 'a real one (LAB_CONTROLLER) in the lab' : 'the stand-in in both worlds: no registry that the lab installs from has the real one. So what any row says of the controller is what the stand-in does, written to observations of v3.5.0; `LAB_CONTROLLER=/path/to/binary npm run lab` repeats them with a real one'}.

¹ Rows that only the stand-in can prove: they use switches that a real controller has not (silence, a delay, ids that EC2 does not know).

${files.map(table).join('\n\n')}
`
const path = join(repository, 'docs/scenarios.md')
if (!process.argv.includes('--check')) writeFileSync(path, text)
else if (readFileSync(path, 'utf8') !== text) {
  console.error('docs/scenarios.md is not what the last runs recorded: run npm run scenarios')
  process.exitCode = 1
}
