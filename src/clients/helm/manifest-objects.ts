/** Parses the objects of a manifest: their group, resource, namespace and name. */

import { load } from 'js-yaml'
import { helmSchema } from './yaml-schema.ts'

/** One object of a manifest. */
export interface ManifestObject {
  readonly apiVersion: string
  readonly group: string
  readonly kind: string
  /** The plural of the kind, as in RBAC; undefined when only the cluster knows it. */
  readonly resource: string | undefined
  readonly name: string
  /** Undefined when the object does not set it: it then is in the namespace of the release. */
  readonly namespace: string | undefined
  /** YAML. Secret. */
  readonly text: string
}

/** The objects of a manifest, in its order. A text need not be valid YAML for js-yaml. */
export function parseManifest(manifest: string): ManifestObject[] {
  return manifest.split(/^---.*$/m).flatMap((document) => {
    const [kind, apiVersion = ''] = [
      readTopLevelField(document, 'kind'),
      readTopLevelField(document, 'apiVersion'),
    ]
    if (kind === undefined) return []
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
    const readMetadataField = createMetadataReader(document)
    return [
      {
        apiVersion,
        group,
        kind,
        resource: resourceForKind(group, kind),
        name: readMetadataField('name') ?? '(without a name)',
        namespace: readMetadataField('namespace'),
        text: document.trim(),
      },
    ]
  })
}

/** The fields of an object; undefined when it is not valid YAML for js-yaml. Secret. */
export const parseManifestObject = ({ text }: ManifestObject): unknown => parseYaml(text)

function parseYaml(text: string): unknown {
  try {
    return load(text, { schema: helmSchema })
  } catch {
    return undefined
  }
}

const readTopLevelField = (document: string, field: string): string | undefined =>
  new RegExp(`^${field}: *["']?([\\w./-]+)`, 'm').exec(document)?.[1]

/**
 * Reads fields directly under metadata, with any indentation. The document is parsed as YAML only
 * when metadata is on one line (`metadata: {name: x}`).
 */
function createMetadataReader(document: string): (field: string) => string | undefined {
  const metadata = /^metadata: *\n((?:[ \t]+.*\n?|\n)*)/m.exec(document)?.[1]
  if (metadata === undefined) {
    const fields = parseYaml(document) as
      { readonly metadata?: Readonly<Record<string, unknown>> | null } | null | undefined
    return (field) => {
      const value = fields?.metadata?.[field]
      return typeof value === 'string' ? value : undefined
    }
  }
  const indent = /^ +/m.exec(metadata)?.[0] ?? ''
  return (field) => new RegExp(`^${indent}${field}: *["']?([^"'\\s]+)`, 'm').exec(metadata)?.[1]
}

/**
 * API groups whose plurals are regular: those built into Kubernetes, and that of Prometheus.
 * Source: Kubernetes API reference; prometheus-operator, example/prometheus-operator-crd.
 */
const groupsWithRegularPlurals = new Set([
  '',
  'apps',
  'autoscaling',
  'batch',
  'extensions',
  'policy',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
  'monitoring.coreos.com',
])

/**
 * The resource of a kind, by the rule with which Kubernetes itself guesses it. The rule is right
 * for all built-in kinds; authors of custom resources choose their plurals freely. Source:
 * k8s.io/apimachinery, pkg/api/meta/restmapper.go, UnsafeGuessKindToResource.
 * @returns undefined for kinds of other groups
 */
export function resourceForKind(group: string, kind: string): string | undefined {
  if (!groupsWithRegularPlurals.has(group)) return undefined
  const singular = kind.toLowerCase()
  if (singular === 'endpoints') return singular
  if (singular.endsWith('s')) return `${singular}es`
  return singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}s`
}

/** Built-in groups without namespaced kinds. Source: k8s.io/api, genclient:nonNamespaced. */
const clusterScopedGroups = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'node.k8s.io',
])

/** Kinds outside of namespaces in other built-in groups. Source: the same. */
const clusterScopedKinds = new Set([
  'ComponentStatus',
  'Namespace',
  'Node',
  'PersistentVolume',
  'CertificateSigningRequest',
  'ClusterTrustBundle',
  'IPAddress',
  'IngressClass',
  'ServiceCIDR',
  'ClusterRole',
  'ClusterRoleBinding',
  'DeviceClass',
  'DeviceTaintRule',
  'ResourcePoolStatusRequest',
  'ResourceSlice',
  'PriorityClass',
  'CSIDriver',
  'CSINode',
  'StorageClass',
  'VolumeAttachment',
  'VolumeAttributesClass',
])

/** Whether an object whose resource is known is outside of namespaces. */
export const isClusterScoped = ({ group, kind }: ManifestObject): boolean =>
  clusterScopedGroups.has(group) || clusterScopedKinds.has(kind)
