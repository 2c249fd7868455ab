/** Parsers of the inputs chart and chart-repository. Pure. */
import {
  isArchiveUrl,
  parseChartReference,
  versionFromTag,
  type ChartReference,
} from '../clients/helm/chart-reference.ts'
import { rejectFileContent } from './file-paths.ts'
import { InvalidInputError } from './invalid-input.ts'

/** Helm would get a URL as an argument, which other processes can read. */
function rejectUrlCredentials(url: URL): void {
  if (url.username === '' && url.password === '') return
  throw new InvalidInputError(
    'contains credentials, which Helm would expose in its arguments.',
    'Set chart-username and chart-password instead.',
  )
}

/** A chart as Helm names it. Rejects what cannot name a chart. */
export function parseChartName(name: string): string {
  rejectFileContent(name)
  const reference = parseChartReference(name)
  if (reference.kind === 'registry') assertRegistryReference(name, reference)
  if (reference.kind === 'archive') assertArchiveUrl(reference.url)
  return name
}

function assertRegistryReference(
  name: string,
  { host, chart, digest }: Extract<ChartReference, { kind: 'registry' }>,
): void {
  if (host === '' || chart === '')
    throw new InvalidInputError(
      `is ${name}, which does not name a chart in the registry.`,
      'Use the full reference, for example oci://registry.example.com/charts/milvus.',
    )
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new InvalidInputError(
      `contains the digest ${digest}, which is not sha256: with 64 hexadecimal digits.`,
      'Use the digest that "helm push" or "helm pull" prints.',
    )
}

function assertArchiveUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url) rejectUrlCredentials(url)
  if (!url || !isArchiveUrl(url))
    throw new InvalidInputError(
      'is a URL, but not of a packaged chart (.tgz).',
      'Set chart-repository to the URL of the repository, and chart to a name, for example milvus.',
    )
}

/** The URL of a chart repository, to which Helm appends /index.yaml. */
export function parseChartRepository(raw: string): string {
  if (raw.startsWith('oci://'))
    throw new InvalidInputError(
      'is an OCI registry, not the URL of a chart repository.',
      `For an OCI registry, put the oci:// reference in chart, for example ${raw.replace(/\/$/, '')}/milvus, and leave chart-repository empty.`,
    )
  const url = URL.canParse(raw) ? new URL(raw) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new InvalidInputError(
      'is not an http or https URL.',
      'Use the URL of a chart repository, for example https://zilliztech.github.io/milvus-helm/. Put a directory or an archive in chart.',
    )
  rejectUrlCredentials(url)
  if (isArchiveUrl(url))
    throw new InvalidInputError(
      'is the URL of a packaged chart, not of a chart repository.',
      'Put the URL in chart, and leave chart-repository empty.',
    )
  if (url.pathname.endsWith('/index.yaml'))
    throw new InvalidInputError(
      'ends in index.yaml, which Helm appends.',
      `Use ${raw.replace(/index\.yaml.*$/, '')} instead.`,
    )
  return raw
}

/** The version in the reference of a chart; undefined if it contains none. */
export function versionFromChartName(name: string): string | undefined {
  const reference = parseChartReference(name)
  return reference.kind === 'registry' ? versionFromTag(reference.tag) : undefined
}
