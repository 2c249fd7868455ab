/** Fetches the chart, so that what is looked at before anything changes is what is applied. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { throwIfCancelled } from '../core/waiting.ts'
import { chartFailure } from './failures.ts'
import { run, type HelmOptions } from './process.ts'

/** A chart, and where it comes from. */
export interface ChartSource {
  /** A chart of `repository`, an oci:// reference or a path. */
  readonly name: string
  readonly repository: string
  readonly version: string
  /** For the repository or registry; undefined leaves it to what the runner has. Secret. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined
}

/**
 * @returns the path of the chart: itself, when it is one
 * @throws ActionError `chart-not-found`, `chart-repository-unreachable`, `cancelled`
 */
export async function fetchChart(source: ChartSource, options: HelmOptions): Promise<string> {
  const { name, version, credentials } = source
  if (/^\.{0,2}\//.test(name)) return name
  const isOci = name.startsWith('oci://')
  const destination = join(options.directory, 'chart')
  const secrets = { repository: join(options.directory, 'repositories.yaml'), registry: join(options.directory, 'registry.json') }
  const helm = async (args: string[], environment: Record<string, string>, input?: string): Promise<void> => {
    const { exitCode, stderr } = await run(args, { ...options, environment: { ...options.environment, ...environment } }, input)
    throwIfCancelled(options.signal)
    if (exitCode !== 0) throw chartFailure(stderr, exitCode, { name, version, from: isOci ? registryOf(name) : source.repository, hasCredentials: credentials !== undefined })
  }
  const pull = (reference: string[], environment: Record<string, string> = {}): Promise<void> => helm(['pull', ...reference, '--version', version, '--destination', destination], environment)
  await rm(destination, { recursive: true, force: true })
  await mkdir(destination)
  try {
    if (isOci) {
      if (credentials) await writeFile(secrets.registry, dockerConfig(registryOf(name), credentials), { mode: 0o600 })
      await pull([name], credentials && { HELM_REGISTRY_CONFIG: secrets.registry })
    } else if (credentials) {
      const own = { HELM_REPOSITORY_CONFIG: secrets.repository }
      await helm(['repo', 'add', 'target', source.repository, '--username', credentials.username, '--password-stdin'], own, credentials.password)
      await pull([`target/${name}`], own)
    } else await pull([name, '--repo', source.repository])
  } finally {
    if (credentials) await Promise.all(Object.values(secrets).map((path) => rm(path, { force: true })))
  }
  const [file = ''] = await readdir(destination)
  return join(destination, file)
}

const registryOf = (reference: string): string => reference.split('/')[2] ?? ''

/**
 * What `helm registry login` would write; but that also tries the login against the root of the registry, which some do not
 * serve, and hands the password to the keychain of a machine that has one. Source: Docker, config.json, auths.
 */
function dockerConfig(registry: string, { username, password }: { username: string; password: string }): string {
  return JSON.stringify({ auths: { [registry]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } } })
}
