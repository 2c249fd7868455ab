/** `npm run workflows`: runs actionlint on every workflow. It is built once from its Go module. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../integration/command.ts'
import { cacheDirectory, createDirectoryOnce } from '../testing/cli-tools.ts'
import { repositoryRoot } from '../testing/environment.ts'

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
  // Available on GitHub since 2026-05-07; this version of actionlint does not know it yet.
  await runCommand(
    join(installDirectory, 'actionlint'),
    ['-color', '-ignore', 'unexpected key "queue" for "concurrency" section', ...files],
    { cwd: repositoryRoot },
  )
  console.log(`actionlint ${version} finds no problems in ${files.length} workflows`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
