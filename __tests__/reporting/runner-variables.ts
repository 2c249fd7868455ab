/** The variables of a runner that the report reads. A test sets those that it needs. */
const names = [
  'GITHUB_OUTPUT',
  'GITHUB_ACTION_REPOSITORY',
  'GITHUB_ACTION_REF',
  'GITHUB_SERVER_URL',
]
let savedEnvironment: NodeJS.ProcessEnv

export function clearRunnerVariables(): void {
  savedEnvironment = { ...process.env }
  deleteVariables()
}

export function restoreRunnerVariables(): void {
  deleteVariables()
  Object.assign(process.env, savedEnvironment)
}

function deleteVariables(): void {
  for (const name of names) Reflect.deleteProperty(process.env, name)
}
