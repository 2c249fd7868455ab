/**
 * The revisions of releases as Helm stores them in the cluster. Source: Helm, pkg/storage/driver
 * (labels, encoding) and pkg/release.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { isDeepStrictEqual } from 'node:util'
import { releaseUnreadable } from '../../failures/release.ts'
import { isPlainObject } from '../../util/objects.ts'

/** In which objects Helm stores revisions: its storage drivers `secret` and `configmap`. */
export type StorageKind = 'Secret' | 'ConfigMap'

/** One revision of a release. */
export interface ReleaseRevision {
  readonly name: string
  readonly revision: number
  /**
   * `deployed`, `failed`, `superseded`, `uninstalled`, `pending-install`, `pending-upgrade`,
   * `pending-rollback`.
   */
  readonly status: string
  readonly chart: {
    readonly name: string
    readonly version: string
    readonly appVersion: string
    /** Its maintainer and home page, by its metadata. */
    readonly origin?: string | undefined
    /** The names of its enabled direct subcharts: the alias where there is one. */
    readonly dependencies?: readonly string[] | undefined
  }
  /** The values that the user set. Secret. */
  readonly values: Readonly<Record<string, unknown>>
  /** YAML of its objects. Secret. */
  readonly manifest: string
  /** ISO 8601. */
  readonly deployedAt: string
  /**
   * Whether Helm applied it server-side, as Helm 4 does with releases that it installed. Helm 3
   * never does, and does not store it.
   */
  readonly serverSide: boolean
}

/** The labels that Helm sets on the object of each revision. */
export interface RevisionLabels {
  readonly name: string
  readonly revision: number
  readonly status: string
}

/** Selects the objects of all releases. */
export const releaseSelector = 'owner=helm'

/** Parses Helm's labels; undefined for an object that is not a revision. */
export function parseRevisionLabels(
  labels: Readonly<Record<string, string>> | undefined,
): RevisionLabels | undefined {
  const { name, version, status } = labels ?? {}
  return name !== undefined &&
    status !== undefined &&
    version !== undefined &&
    /^\d{1,15}$/.test(version)
    ? { name, revision: Number(version), status }
    : undefined
}

/**
 * Decodes a revision: base64 of gzip of JSON.
 * @param encoded the field `release`; of a Secret with the API's second layer of base64
 * @param objectName for the error
 * @throws ActionError `release-unreadable`
 */
export function decodeRevision(
  encoded: string,
  kind: StorageKind,
  objectName: string,
): ReleaseRevision {
  return translateDecodeErrors(kind, objectName, () => {
    const release = JSON.parse(unwrapRevision(encoded, kind)) as StoredRelease
    const { metadata } = release.chart
    return {
      name: requireString(release.name),
      revision: requireInteger(release.version),
      status: requireString(release.info.status),
      chart: {
        name: requireString(metadata.name),
        version: requireString(metadata.version),
        appVersion: requireString(metadata.appVersion ?? ''),
        origin: formatOrigin(metadata),
        dependencies: readDependencies(metadata),
      },
      values: requireObject(release.config ?? {}),
      manifest: requireString(release.manifest ?? ''),
      deployedAt: requireString(release.info.last_deployed ?? ''),
      // Source: Helm 4, pkg/release/v1/release.go, ApplyMethod.
      serverSide: release.apply_method === 'ssa',
    }
  })
}

/**
 * Replaces the status of a revision, and keeps everything else as Helm wrote it, numbers to the
 * last digit.
 * @param encoded as for decodeRevision
 * @returns the new field `release`
 * @throws ActionError `release-unreadable`
 */
export function replaceStatus(
  encoded: string,
  kind: StorageKind,
  objectName: string,
  { status, description }: { readonly status: string; readonly description: string },
): string {
  return translateDecodeErrors(kind, objectName, () => {
    const release = JSON.parse(unwrapRevision(encoded, kind), preserveNumberText) as StoredRelease
    const json = JSON.stringify({ ...release, info: { ...release.info, status, description } })
    const text = gzipSync(json, { level: 9 }).toString('base64')
    return kind === 'Secret' ? Buffer.from(text).toString('base64') : text
  })
}

/**
 * A reviver of JSON.parse that keeps the digits of numbers. Source: ECMAScript, "JSON.parse source
 * text access".
 */
function preserveNumberText(
  _key: string,
  value: unknown,
  { source }: { readonly source?: string } = {},
): unknown {
  return typeof value === 'number' && source !== undefined ? rawJson(source) : value
}

const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/** The JSON of a revision, without base64 and gzip. */
function unwrapRevision(encoded: string, kind: StorageKind): string {
  const text = kind === 'Secret' ? Buffer.from(encoded, 'base64').toString() : encoded
  const bytes = Buffer.from(text, 'base64')
  // Very old releases are not compressed. Helm checks the magic number of gzip too.
  const isCompressed = bytes.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]))
  return (isCompressed ? gunzipSync(bytes, { maxOutputLength: maxReleaseBytes }) : bytes).toString()
}

/** @throws ActionError `release-unreadable` when `decode` throws */
function translateDecodeErrors<T>(kind: StorageKind, objectName: string, decode: () => T): T {
  try {
    return decode()
  } catch {
    // The parser's error quotes the text, which may contain values of the user: it is dropped, not
    // even kept as the cause.
    throw releaseUnreadable(kind, objectName)
  }
}

/** The JSON that Helm stores, before its types are checked. */
interface StoredRelease {
  readonly name: unknown
  readonly version: unknown
  readonly info: { readonly status: unknown; readonly last_deployed?: unknown }
  readonly chart: { readonly metadata: StoredMetadata }
  readonly config?: unknown
  readonly manifest?: unknown
  readonly apply_method?: unknown
}

interface StoredMetadata {
  readonly name: unknown
  readonly version: unknown
  readonly appVersion?: unknown
  readonly home?: unknown
  readonly maintainers?: unknown
  readonly dependencies?: unknown
}

/** The names of the entries of a list; none for anything else. */
const readNames = (list: unknown): string[] =>
  (Array.isArray(list) ? list : []).flatMap((entry: unknown) =>
    isPlainObject(entry) && typeof entry['name'] === 'string' ? [entry['name']] : [],
  )

function formatOrigin({ maintainers, home }: StoredMetadata): string | undefined {
  const [maintainer] = readNames(maintainers)
  const details = [maintainer, home].filter((detail) => typeof detail === 'string')
  return details.length === 0 ? undefined : details.join(', ')
}

function readDependencies({ dependencies }: StoredMetadata): string[] | undefined {
  const names = readNames(dependencies)
  return names.length === 0 ? undefined : names
}

/**
 * Bytes after decompression. A Secret of 1 MiB holds about 20 MiB of manifest and chart; without a
 * limit, gzip could expand it a thousandfold.
 */
const maxReleaseBytes = 64 * 2 ** 20

function createTypeAssertion<T>(
  isExpectedType: (value: unknown) => value is T,
): (value: unknown) => T {
  return (value) => {
    if (!isExpectedType(value)) throw new TypeError('a field has another type')
    return value
  }
}

const requireString = createTypeAssertion((value) => typeof value === 'string')
const requireInteger = createTypeAssertion((value): value is number => Number.isSafeInteger(value))
const requireObject = createTypeAssertion((value) => isPlainObject(value))

/**
 * The paths at which the desired values would change the current ones. A null removes the chart's
 * default and is stored by Helm, so that it equals only a null.
 */
export function findDifferingPaths(
  desired: Readonly<Record<string, unknown>>,
  current: unknown,
  prefix = '',
): string[] {
  return Object.entries(desired).flatMap(([key, value]) => {
    const path = prefix ? `${prefix}.${key}` : key
    const currentValue =
      isPlainObject(current) && Object.hasOwn(current, key) ? current[key] : undefined
    const nestedPaths = isPlainObject(value) ? findDifferingPaths(value, currentValue, path) : []
    // Replacing a scalar by a map is a difference, even by an empty one.
    if (
      isPlainObject(value) &&
      (nestedPaths.length > 0 || isPlainObject(currentValue) || currentValue === undefined)
    )
      return nestedPaths
    return isDeepStrictEqual(value, currentValue) ? [] : [path]
  })
}

/**
 * The desired values without nulls that are stored already: set a second time, Helm 3 removes the
 * stored null, and the chart's default applies again. Measured with Helm 3.17 and
 * --reset-then-reuse-values.
 */
export function omitStoredNulls(
  desired: Readonly<Record<string, unknown>>,
  current: unknown,
): Record<string, unknown> {
  const stored = isPlainObject(current) ? current : {}
  const remainingEntries = Object.entries(desired).filter(
    ([key, value]) => value !== null || stored[key] !== null,
  )
  return Object.fromEntries(
    remainingEntries.map(([key, value]) => [
      key,
      isPlainObject(value) ? omitStoredNulls(value, stored[key]) : value,
    ]),
  )
}
