/** The sandbox's Milvus chart as a package: the files of milvus/, with what a version has otherwise by milvus/versions.yaml. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'fflate'
import { load } from 'js-yaml'
import { merged } from './merged.ts'

/** The Milvus that a chart version brings. Source: appVersion in the public chart's index. */
export const milvusVersions: Readonly<Record<string, string>> = { '4.0.34': '2.2.16', '4.1.36': '2.4.5', '4.2.58': '2.5.16', '5.0.19': '2.6.15' }

/** Any time will do, as long as it is always the same one: packages come out byte for byte alike. */
export const packagedAt = '2026-04-16T00:00:00Z'

/** An entry of versions.yaml. */
interface VersionEntry {
  readonly from: string
  readonly values: object
  readonly dependencies: readonly Dependency[]
}

/** A subchart, as requirements.yaml declares it; `source` is its folder where that is not its name. */
interface Dependency {
  readonly name: string
  readonly version: string
  readonly condition: string
  readonly alias?: string
  readonly source?: string
}

/** The files of a chart by their path in it. */
export type Files = [path: string, content: Buffer][]

const root = fileURLToPath(new URL('milvus/', import.meta.url))

/** Chart.yaml. As the public chart, it keeps its dependencies in a requirements.yaml, which belongs to apiVersion v1. */
export function chartMetadata(version: string, appVersion = milvusVersions[version] ?? '2.6.99'): object {
  return { apiVersion: 'v1', name: 'milvus', version, appVersion, description: "The sandbox's Milvus", home: 'https://milvus.io/', kubeVersion: '^1.10.0-0' }
}

/** The chart as a package. @param more further files of it, by their path */
export async function milvusChart(version: string, appVersion?: string, more: Readonly<Record<string, string>> = {}): Promise<Uint8Array> {
  const { values, dependencies } = entryOf(version, load(await readFile(`${root}versions.yaml`, 'utf8')) as VersionEntry[])
  const defaults = load(await readFile(`${root}values.yaml`, 'utf8')) as object
  const files: Files = [
    ['Chart.yaml', json(chartMetadata(version, appVersion))],
    ['requirements.yaml', json({ dependencies: dependencies.map(({ name, version, condition, alias }) => ({ name, version, condition, alias })) })],
    ['values.yaml', json(merged(defaults, values))],
    ...(await filesOf('templates/', 'templates/')),
    ...Object.entries(more).map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]),
  ]
  for (const { name, version, source = name } of dependencies) {
    files.push([`charts/${name}/Chart.yaml`, json({ apiVersion: 'v1', name, version })], ...(await filesOf(`charts/${source}/`, `charts/${name}/`)))
  }
  return packed('milvus', files)
}

/** Packs the files of a chart, as `helm package` does. */
export function packed(name: string, files: Files): Uint8Array {
  const blocks = files.map(([path, content]) => tarEntry(`${name}/${path}`, content))
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]), { mtime: packagedAt })
}

/** The newest entry that is not newer than the version. A version older than all entries gets the first. */
function entryOf(version: string, entries: readonly VersionEntry[]): VersionEntry {
  const reached = entries.filter(({ from }) => from.localeCompare(version, 'en', { numeric: true }) <= 0)
  const entry = reached.at(-1) ?? entries[0]
  if (!entry) throw new Error('versions.yaml is empty')
  return entry
}

/** JSON is YAML. */
export const json = (content: object): Buffer => Buffer.from(JSON.stringify(content))

/** The files of a folder of the chart, under the name that they have in the package. */
async function filesOf(folder: string, packed: string): Promise<Files> {
  const names = (await readdir(root + folder, { recursive: true })).filter((name) => /\.(yaml|tpl)$/.test(name)).sort()
  return Promise.all(names.map(async (name): Promise<[string, Buffer]> => [packed + name, await readFile(root + folder + name)]))
}

/** One file of a ustar archive. */
function tarEntry(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  header.write(name, 0)
  header.write(octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(Date.parse(packagedAt) / 1000, 12), 100)
  header.write('        0', 148)
  header.write('ustar\x0000', 257)
  header.write(octal(header.reduce((sum, byte) => sum + byte, 0), 7), 148)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}
