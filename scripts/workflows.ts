/**
 * `npm run workflows`: runs actionlint and zizmor, which looks for ways to attack them, on every
 * workflow and action. Both are installed once: actionlint from its Go module, zizmor from PyPI.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../integration/command.ts'
import { cacheDirectory, createDirectoryOnce } from '../testing/cli-tools.ts'
import { repositoryRoot } from '../testing/environment.ts'
import { isWorkflow, readExamples } from './examples.ts'

const actionlintVersion = 'v1.7.12'
const zizmorVersion = '1.32.0'

/** Messages about syntax that GitHub has added since this version of actionlint. */
const newSyntaxMessages = [
  'unexpected key "queue" for "concurrency" section',
  'unexpected key "deployment" for "environment" section',
  'specifying action "\\$/[a-z/]+" in invalid format because ref is missing',
  'reusable workflow call "\\$/[a-z./]+" at "uses" is not following the format',
]

/** A label that users give to their own runners. */
const exampleLabelMessage = 'label "vpc" is unknown'

async function installActionlint(): Promise<string> {
  const directory = join(cacheDirectory, `actionlint-${actionlintVersion}`)
  await createDirectoryOnce(directory, async (path) => {
    const module = `github.com/rhysd/actionlint/cmd/actionlint@${actionlintVersion}`
    await runCommand('go', ['install', module], {
      env: { ...process.env, GOBIN: path, CGO_ENABLED: '0' },
    })
  })
  return join(directory, 'actionlint')
}

async function installZizmor(): Promise<string> {
  const directory = join(cacheDirectory, `zizmor-${zizmorVersion}`)
  await createDirectoryOnce(directory, async (path) => {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', path]
    await runCommand('python3', [...pip, `zizmor==${zizmorVersion}`])
  })
  return join(directory, 'bin/zizmor')
}

const zizmorConfig = '.github/zizmor.yml'

/** All workflows that zizmor and actionlint check, as paths from the root. */
async function listWorkflows(): Promise<string[]> {
  const folders = ['.github/workflows', 'workflow-templates']
  const names = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(repositoryRoot, folder))).map((name) => join(folder, name)),
    ),
  )
  const examples = readExamples(repositoryRoot).filter(isWorkflow)
  return [
    ...names.flat().filter((file) => file.endsWith('.yml')),
    ...examples.map(({ path }) => path),
  ]
}

const actions = ['action.yml', 'deploy', 'fleet']

try {
  const workflows = await listWorkflows()
  const ignoredMessages = [...newSyntaxMessages, exampleLabelMessage].flatMap((message) => [
    '-ignore',
    message,
  ])
  const options = { cwd: repositoryRoot }
  await runCommand(await installActionlint(), ['-color', ...ignoredMessages, ...workflows], options)
  console.log(`actionlint ${actionlintVersion} finds no problems in ${workflows.length} workflows`)
  await runCommand(
    await installZizmor(),
    ['--offline', '--no-progress', '--quiet', '--config', zizmorConfig, ...workflows, ...actions],
    options,
  )
  console.log(`zizmor ${zizmorVersion} finds no problems in the workflows and actions`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
