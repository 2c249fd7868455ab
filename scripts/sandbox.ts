/**
 * `npm run sandbox`: runs a simulator with Milvus until Ctrl-C, and prints how to use it by hand.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startSimulator } from '../simulator/simulator.ts'

const environment = await startSimulator()
await environment.installMilvus()
const inputsPath = join(environment.directory, 'inputs.yml')
// JSON is valid YAML, which `npm run local` reads.
await writeFile(inputsPath, JSON.stringify(environment.inputs(), null, 2), { mode: 0o600 })
const { PATH: path = '', ...variables } = environment.runnerEnv()
for (const [name, value] of Object.entries({ ...variables, KUBECONFIG: environment.kubeconfig }))
  console.log(`export ${name}='${value}'`)
// In the other terminal, npm and kubectl may be anywhere.
console.log(`export PATH='${path}':"$PATH"`)
console.log(
  [
    '',
    '# In another terminal, with the lines above:',
    `#   npm run local -- ${inputsPath}`,
    `#   kubectl get ingress,services -n ${environment.namespace}`,
    '# Ctrl-C ends it.',
  ].join('\n'),
)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await environment.close()
