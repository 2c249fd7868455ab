/**
 * Parses the name of a chart as Helm does. Source: Helm, pkg/action/install.go, LocateChart;
 * pkg/registry/reference.go.
 */

/** A chart, by where Helm searches it. */
export type ChartReference =
  /** A name in the repository of input chart-repository. */
  | { readonly kind: 'repository'; readonly chart: string }
  /** `oci://HOST/PATH`, with a tag, a digest, both or neither. */
  | {
      readonly kind: 'registry'
      readonly repository: string
      readonly host: string
      readonly chart: string
      readonly tag: string | undefined
      readonly digest: string | undefined
    }
  /** The URL of a packaged chart. */
  | { readonly kind: 'archive'; readonly url: string }
  | { readonly kind: 'path'; readonly path: string }
  /**
   * A path if it exists, otherwise a chart of a repository that "helm repo add" added on this
   * machine: only the file system tells.
   */
  | {
      readonly kind: 'path-or-alias'
      readonly path: string
      readonly alias: string
      readonly chart: string
    }

const isChartArchive = (name: string): boolean => /\.(tgz|tar\.gz)$/.test(name)

/** Parses the name of a chart. Pure: the chart need not exist. */
export function parseChartReference(name: string): ChartReference {
  if (name.startsWith('oci://')) return parseRegistryReference(name)
  if (/^https?:\/\//.test(name)) return { kind: 'archive', url: name }
  if (/^[./]/.test(name) || isChartArchive(name)) return { kind: 'path', path: name }
  const [alias = '', chart, ...deeper] = name.split('/')
  if (chart === undefined) return { kind: 'repository', chart: name }
  // Neither the name of a repository nor that of a chart contains a slash. Source: Helm,
  // pkg/cmd/repo_add.go; pkg/chart/metadata.go, Validate. Measured with Helm 3.17 and 4.1.
  if (chart === '' || deeper.length > 0) return { kind: 'path', path: name }
  return { kind: 'path-or-alias', path: name, alias, chart }
}

function parseRegistryReference(reference: string): ChartReference {
  const [location = '', digest] = reference.slice('oci://'.length).split('@')
  const [host = '', ...segments] = location.replace(/\/$/, '').split('/')
  const [chart = '', tag] = segments.pop()?.split(':') ?? []
  return {
    kind: 'registry',
    repository: `oci://${[host, ...segments, chart].join('/')}`,
    host,
    chart,
    tag,
    digest,
  }
}

/**
 * The version that a tag stands for; undefined for a tag that is not a version. Tags cannot contain
 * `+`, and use `_` for it. Source: Helm, pkg/registry/util.go.
 */
export function versionFromTag(tag: string | undefined): string | undefined {
  return tag !== undefined && /^v?\d+\.\d+\.\d+/.test(tag) ? tag.replace('_', '+') : undefined
}

/** The name of a chart without its tag and digest, for another version of it. */
export function stripTag(name: string): string {
  const reference = parseChartReference(name)
  return reference.kind === 'registry' ? reference.repository : name
}

/** Whether two versions are the same for Helm, which accepts a leading v. */
export const isSameVersion = (a: string, b: string): boolean =>
  a.replace(/^v/, '') === b.replace(/^v/, '')

/** Whether a URL can be that of a packaged chart. */
export const isArchiveUrl = (url: URL): boolean => isChartArchive(url.pathname)
