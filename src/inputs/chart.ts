/** Where the chart comes from: the inputs chart and chart-repository. */
import {
  isArchiveUrl,
  parseChartReference,
  versionFromTag,
} from '../clients/helm/chart-reference.ts'
import { InvalidInputError } from './parsers.ts'

const createUrlCredentialsError = (): InvalidInputError =>
  new InvalidInputError(
    'has credentials in it, which helm would show in its arguments.',
    'Give them as chart-username and chart-password.',
  )

/** The name of the chart, as helm takes it, but for forms that cannot mean a chart. */
export function parseChartName(name: string): string {
  const reference = parseChartReference(name)
  if (reference.kind === 'registry' && (reference.host === '' || reference.chart === '')) {
    throw new InvalidInputError(
      `is ${name}, which names no chart of the registry.`,
      'Give the whole reference, for example oci://registry.example.com/charts/milvus.',
    )
  }
  if (
    reference.kind === 'registry' &&
    reference.digest !== undefined &&
    !/^sha256:[0-9a-f]{64}$/.test(reference.digest)
  ) {
    throw new InvalidInputError(
      `has the digest ${reference.digest}, which is not sha256: and 64 hexadecimal digits.`,
      'Give it as "helm push" or "helm pull" prints it.',
    )
  }
  if (reference.kind === 'archive') {
    const url = URL.canParse(name) ? new URL(name) : undefined
    if (url && (url.username || url.password)) throw createUrlCredentialsError()
    if (!url || !isArchiveUrl(url))
      throw new InvalidInputError(
        'is a URL, and not one of a packaged chart (.tgz).',
        'Put the URL of the repository into chart-repository and give the name of the chart here, for example milvus.',
      )
  }
  return name
}

/** The URL of a chart repository: what helm appends /index.yaml to. */
export function parseChartRepository(raw: string): string {
  if (raw.startsWith('oci://'))
    throw new InvalidInputError(
      'is a registry, not the URL of a chart repository.',
      `Give the reference in chart, for example ${raw.replace(/\/$/, '')}/milvus; chart-repository can stay empty.`,
    )
  const url = URL.canParse(raw) ? new URL(raw) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidInputError(
      'is not a URL.',
      'Give the URL of a chart repository, for example https://zilliztech.github.io/milvus-helm/; a directory or an archive goes into chart.',
    )
  if (url.username || url.password) throw createUrlCredentialsError()
  if (isArchiveUrl(url))
    throw new InvalidInputError(
      'is the URL of a packaged chart, not of a chart repository.',
      'Give it in chart; chart-repository can stay empty.',
    )
  if (url.pathname.endsWith('/index.yaml'))
    throw new InvalidInputError(
      'ends in index.yaml, which helm appends itself.',
      `Give it without: ${raw.replace(/index\.yaml.*$/, '')}.`,
    )
  return raw
}

/** The version that the name of a chart asks for; undefined when it does not. */
export function versionFromChartName(name: string | undefined): string | undefined {
  const reference = name === undefined ? undefined : parseChartReference(name)
  return reference?.kind === 'registry' ? versionFromTag(reference.tag) : undefined
}
