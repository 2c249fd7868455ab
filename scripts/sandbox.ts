/** `npm run sandbox`: keeps a sandbox with Milvus in it until Ctrl-C, and says how to use it by hand. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startSandbox } from '../sandbox/sandbox.ts'

const world = await startSandbox()
await world.installMilvus()
const inputs = join(world.directory, 'inputs.yml')
// JSON is YAML: what `npm run local` takes.
await writeFile(inputs, JSON.stringify(world.inputs(), null, 2), { mode: 0o600 })
for (const [name, value] of Object.entries({ ...world.environment(), KUBECONFIG: world.kubeconfig })) console.log(`export ${name}='${value}'`)
console.log(`\n# In another terminal, with the lines above:\n#   npm run local -- ${inputs}\n#   kubectl get ingress,services -n ${world.namespace}\n# Ctrl-C ends it.`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await world.close()
