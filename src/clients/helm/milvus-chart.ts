/**
 * Finds Milvus' chart in a release. It is the release's own chart, or a subchart of it; a chart of
 * another vendor may have the same name.
 */
import { parseManifestObject, parseManifest, type ManifestObject } from './manifest-objects.ts'
import type { ReleaseRevision } from './release-storage.ts'

/**
 * The name of the chart, and the value of `app.kubernetes.io/name` where neither nameOverride nor
 * an alias changes it.
 */
export const milvusChartName = 'milvus'

/** The components whose Service is Milvus' API. Source: milvus-helm, templates/service.yaml. */
export const apiComponents = ['proxy', 'standalone']

export const nameLabel = 'app.kubernetes.io/name'

type Labels = Readonly<Record<string, unknown>>

/**
 * Whether an object belongs to a component of Milvus' chart in this release. Pulsar's objects have
 * a label `component` too, but not the recommended labels. Source: milvus-helm,
 * templates/_helpers.tpl, milvus.matchLabels.
 */
export const isMilvusComponent = (labels: Labels | undefined, release: string): boolean =>
  labels?.['component'] !== undefined &&
  labels[nameLabel] !== undefined &&
  labels['app.kubernetes.io/instance'] === release

export const isApiComponent = (labels: Labels | undefined): boolean =>
  apiComponents.some((component) => component === labels?.['component'])

/** Whether a Service has the port of Milvus' API, by its name or number. */
export const hasMilvusPort = (
  ports: readonly { readonly name?: string; readonly port?: number }[] | undefined,
): boolean => ports?.some(({ name, port }) => name === 'milvus' || port === 19530) ?? false

/** A Service of a manifest. */
export interface RenderedService {
  readonly name: string
  readonly labels: Labels
  /** With Kubernetes' default where the manifest does not set it. */
  readonly type: string
  readonly hasMilvusPort: boolean
  /**
   * The subcharts that contain its template, from the outermost; undefined when the manifest does
   * not name its template.
   */
  readonly subcharts: readonly string[] | undefined
}

interface ServiceManifest {
  readonly metadata?: { readonly name?: string; readonly labels?: Labels }
  readonly spec?: { readonly type?: string; readonly ports?: Parameters<typeof hasMilvusPort>[0] }
}

const parseFields = (object: ManifestObject): ServiceManifest => parseManifestObject(object) ?? {}

/** The Services of a manifest. */
export function findServices(manifest: string): RenderedService[] {
  return parseManifest(manifest)
    .filter(({ kind }) => kind === 'Service')
    .map((object) => {
      const { metadata, spec } = parseFields(object)
      return {
        name: metadata?.name ?? object.name,
        labels: metadata?.labels ?? {},
        type: spec?.type ?? 'ClusterIP',
        hasMilvusPort: hasMilvusPort(spec?.ports),
        subcharts: parseSubcharts(object),
      }
    })
}

/**
 * Parses the comment above each object, in which Helm names its template and the subcharts that
 * contain it, by their aliases: `# Source: platform/charts/vectors/templates/service.yaml`. Source:
 * Helm, pkg/chart/chart.go, ChartFullPath; pkg/action/action.go, renderResources.
 */
function parseSubcharts({ text }: ManifestObject): string[] | undefined {
  const [, subchartPath] =
    /^# Source: [^/\n]+((?:\/charts\/[^/\n]+)*)\/templates\//m.exec(text) ?? []
  return subchartPath?.split('/charts/').filter((name) => name !== '')
}

type RenderedRelease = Pick<ReleaseRevision, 'name' | 'chart' | 'manifest'>

/** The Services of a release that serve Milvus' API, judging by their labels. */
export const findApiServices = ({
  name,
  manifest,
}: Pick<RenderedRelease, 'name' | 'manifest'>): RenderedService[] =>
  findServices(manifest).filter(
    ({ labels }) => isApiComponent(labels) && isMilvusComponent(labels, name),
  )

/** Whether a release contains Milvus, as its chart or as a subchart of it. */
export function isMilvusRelease(revision: RenderedRelease): boolean {
  return (
    revision.chart.name === milvusChartName ||
    findApiServices(revision).some(
      ({ labels, hasMilvusPort: hasPort }) => hasPort || labels[nameLabel] === milvusChartName,
    )
  )
}

/** The likeliest of Services with the labels of the API, which other charts may use too. */
const selectMilvusService = (services: readonly RenderedService[]): RenderedService | undefined =>
  services.find((service) => service.hasMilvusPort) ?? services[0]

/**
 * The version of Milvus in a release. The appVersion of an umbrella chart is not that of Milvus,
 * but Milvus' chart sets a label with its own.
 */
export function getMilvusVersion(revision: RenderedRelease): string {
  if (revision.chart.name === milvusChartName) return revision.chart.appVersion
  const version = selectMilvusService(findApiServices(revision))?.labels[
    'app.kubernetes.io/version'
  ]
  return typeof version === 'string' ? version : 'of an unknown version'
}

/** Whether the release contains an object of Milvus' own chart. */
export const hasMilvusComponents = ({ name, manifest }: RenderedRelease): boolean =>
  parseManifest(manifest).some((object) =>
    isMilvusComponent(parseFields(object).metadata?.labels, name),
  )

/**
 * Where the values of Milvus' chart are in those of the release: at the root when it is the
 * release's own chart, under `search`, `vectors` when it is the subchart `vectors` of the subchart
 * `search`. The metadata of the release names only direct subcharts; it is used when a
 * post-renderer removed Helm's comments from the manifest.
 * @param service name of the Service of Milvus' API; when absent, the likeliest one
 */
export function findValuesPath(revision: RenderedRelease, service?: string): readonly string[] {
  const renderedService =
    service === undefined
      ? selectMilvusService(findApiServices(revision))
      : findServices(revision.manifest).find(({ name }) => name === service)
  if (renderedService?.subcharts !== undefined) return renderedService.subcharts
  if (revision.chart.name === milvusChartName) return []
  const [milvusDependency, secondDependency] = (revision.chart.dependencies ?? []).filter(
    (dependency) => dependency.includes(milvusChartName),
  )
  return milvusDependency !== undefined && secondDependency === undefined ? [milvusDependency] : []
}

/** The path of the value that sets the type of the Service, in the values of the release. */
export const serviceTypePath = (valuesPath: readonly string[]): readonly string[] => [
  ...valuesPath,
  'service',
  'type',
]
