/** `npm run workflows`: runs actionlint on every workflow. It is built once from its Go module. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../integration/command.ts'
import { cacheDirectory, createDirectoryOnce } from '../testing/cli-tools.ts'
import { repositoryRoot } from '../testing/environment.ts'

/** Messages about syntax that GitHub has added since this version of actionlint. */
const newSyntaxMessages = [
  'unexpected key "queue" for "concurrency" section',
  'unexpected key "deployment" for "environment" section',
  'specifying action "\\$/[a-z/]+" in invalid format because ref is missing',
]

const version = 'v1.7.12'
const installDirectory = join(cacheDirectory, `actionlint-${version}`)
await createDirectoryOnce(installDirectory, async (binDirectory) => {
  await runCommand('go', ['install', `github.com/rhysd/actionlint/cmd/actionlint@${version}`], {
    env: { ...process.env, GOBIN: binDirectory, CGO_ENABLED: '0' },
  })
})
const folders = ['.github/workflows', 'workflow-templates'].map((folder) =>
  join(repositoryRoot, folder),
)
const files = (
  await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  )
)
  .flat()
  .filter((file) => file.endsWith('.yml'))
try {
  const ignoredMessages = newSyntaxMessages.flatMap((message) => ['-ignore', message])
  await runCommand(join(installDirectory, 'actionlint'), ['-color', ...ignoredMessages, ...files], {
    cwd: repositoryRoot,
  })
  console.log(`actionlint ${version} finds no problems in ${files.length} workflows`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
