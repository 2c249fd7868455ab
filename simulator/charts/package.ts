/**
 * Packages the simulator's Milvus chart: the files of milvus/, with the differences between
 * versions from milvus/versions.yaml.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { load } from 'js-yaml'
import { mergeValues } from './merge-values.ts'

/** The Milvus version of a chart version. Source: appVersion in the public chart's index. */
export const appVersions: Readonly<Record<string, string>> = {
  '4.0.34': '2.2.16',
  '4.1.36': '2.4.5',
  '4.2.58': '2.5.16',
  '5.0.19': '2.6.15',
}

/** The Milvus version of a chart version, also of one that the public chart does not have. */
export const getAppVersion = (version: string): string => appVersions[version] ?? '2.6.99'

/** An arbitrary constant, so that packages are byte-for-byte reproducible. */
export const packageTimestamp = '2026-04-16T00:00:00Z'

/** An entry of versions.yaml. */
interface VersionEntry {
  readonly from: string
  readonly values: object
  readonly dependencies: readonly Dependency[]
}

/**
 * A subchart as declared in requirements.yaml. `source` is its folder if that differs from its
 * name.
 */
interface Dependency {
  readonly name: string
  readonly version: string
  readonly condition: string
  readonly alias?: string
  readonly source?: string
}

/** The files of a chart with their paths in it. */
export type ChartFiles = [path: string, content: Buffer][]

const chartDirectory = fileURLToPath(new URL('milvus/', import.meta.url))

/**
 * Chart.yaml. Like the public chart, this one lists its dependencies in requirements.yaml, which
 * requires apiVersion v1.
 */
export function buildChartMetadata(version: string, appVersion = getAppVersion(version)): object {
  return {
    apiVersion: 'v1',
    name: 'milvus',
    version,
    appVersion,
    description: "The simulator's Milvus",
    home: 'https://milvus.io/',
    kubeVersion: '^1.10.0-0',
  }
}

const packagedCharts = new Map<string, Promise<Uint8Array>>()

/** Packages an unchanged chart version once in this process, since each environment serves it. */
export function getMilvusChart(version: string): Promise<Uint8Array> {
  const packaged = packagedCharts.get(version) ?? buildMilvusChart(version)
  packagedCharts.set(version, packaged)
  return packaged
}

/**
 * Builds the package of a chart version.
 * @param extraFiles additional files, by their path in the chart
 */
export async function buildMilvusChart(
  version: string,
  appVersion?: string,
  extraFiles: Readonly<Record<string, string>> = {},
): Promise<Uint8Array> {
  const { values, dependencies } = findVersionEntry(
    version,
    load(await readFile(`${chartDirectory}versions.yaml`, 'utf8')) as VersionEntry[],
  )
  const defaults = load(await readFile(`${chartDirectory}values.yaml`, 'utf8')) as object
  const files: ChartFiles = [
    ['Chart.yaml', encodeJson(buildChartMetadata(version, appVersion))],
    [
      'requirements.yaml',
      encodeJson({
        dependencies: dependencies.map(({ name, version, condition, alias }) => ({
          name,
          version,
          condition,
          alias,
        })),
      }),
    ],
    ['values.yaml', encodeJson(mergeValues(defaults, values))],
    ...(await readFiles('templates/', 'templates/')),
    ...Object.entries(extraFiles).map(([name, text]): [string, Buffer] => [
      name,
      Buffer.from(text),
    ]),
  ]
  for (const { name, version, source = name } of dependencies) {
    files.push(
      [`charts/${name}/Chart.yaml`, encodeJson({ apiVersion: 'v1', name, version })],
      ...(await readFiles(`charts/${source}/`, `charts/${name}/`)),
    )
  }
  return packChart('milvus', files)
}

/** Packs the files of a chart, as `helm package` does. */
export function packChart(name: string, files: ChartFiles): Uint8Array {
  const blocks = files.map(([path, content]) => buildTarEntry(`${name}/${path}`, content))
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

/** The newest entry that is not newer than the version; the first entry if all are newer. */
function findVersionEntry(version: string, entries: readonly VersionEntry[]): VersionEntry {
  const applicable = entries.filter(
    ({ from }) => from.localeCompare(version, 'en', { numeric: true }) <= 0,
  )
  const entry = applicable.at(-1) ?? entries[0]
  if (!entry) throw new Error('versions.yaml is empty')
  return entry
}

/** JSON is valid YAML. */
export const encodeJson = (content: object): Buffer => Buffer.from(JSON.stringify(content))

/**
 * Reads a folder of the chart.
 * @returns its files with their paths in the package
 */
async function readFiles(folder: string, packagePath: string): Promise<ChartFiles> {
  const names = (await readdir(chartDirectory + folder, { recursive: true }))
    .filter((name) => /\.(yaml|tpl)$/.test(name))
    .sort()
  return Promise.all(
    names.map(async (name): Promise<[string, Buffer]> => [
      packagePath + name,
      await readFile(chartDirectory + folder + name),
    ]),
  )
}

/** Builds the entry of a file in a ustar archive. */
function buildTarEntry(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  const formatOctal = (value: number, length: number): string =>
    `${value.toString(8).padStart(length - 1, '0')}\0`
  header.write(name, 0)
  header.write(
    formatOctal(0o644, 8) +
      formatOctal(0, 8) +
      formatOctal(0, 8) +
      formatOctal(content.length, 12) +
      formatOctal(Date.parse(packageTimestamp) / 1000, 12),
    100,
  )
  header.write('        0', 148)
  header.write('ustar\x0000', 257)
  header.write(
    formatOctal(
      header.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  )
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}
