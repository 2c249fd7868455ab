/** The objects of the public chart, as chart-inventory.yaml records them. */
export interface RenderedObject {
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: {
    readonly replicas?: number
    readonly type?: string
    readonly clusterIP?: string
    readonly ports?: { name: string; port: number }[]
    readonly selector?: object
    readonly template?: object
  }
}

/** The versions and modes that an entry applies to. */
export interface InventoryEntry {
  readonly versions: readonly string[]
  readonly modes: readonly string[]
}

export interface Difference {
  readonly object: string
  readonly removed?: boolean
  readonly changed?: Readonly<Record<string, readonly string[]>>
}

export interface Inventory {
  readonly objects: readonly (InventoryEntry & { readonly objects: readonly object[] })[]
  readonly upgrade: readonly (InventoryEntry & { readonly differences: readonly Difference[] })[]
}

export const indexByName = (objects: readonly RenderedObject[]): Map<string, RenderedObject> =>
  new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]))

const mainLabels = [
  'app.kubernetes.io/name',
  'app.kubernetes.io/instance',
  'component',
  'app',
  'release',
  'cluster',
]

/** An object in the format of the inventory. */
export function toInventoryEntry({
  kind,
  metadata: { name, labels = {} },
  spec = {},
}: RenderedObject): object {
  const entry = {
    kind,
    name,
    labels: Object.fromEntries(
      Object.entries(labels).filter(([label]) => mainLabels.includes(label)),
    ),
  }
  if (kind === 'Deployment' || kind === 'StatefulSet') return { ...entry, replicas: spec.replicas }
  if (kind !== 'Service') return entry
  const ports = Object.fromEntries((spec.ports ?? []).map(({ name, port }) => [name, port]))
  return {
    ...entry,
    type: spec.type,
    ports,
    selector: spec.selector,
    ...(spec.clusterIP === 'None' ? { headless: true } : {}),
  }
}

/**
 * The differences between two documents, by paths such as
 * `spec.template.spec.containers[etcd].image`.
 */
export function differences(before: unknown, after: unknown, path = ''): Record<string, unknown[]> {
  if (before === after) return {}
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null)
    return { [path]: [before, after] }
  const [one, other] = [entries(before), entries(after)]
  const join = (key: string): string => {
    if (Array.isArray(before)) return `${path}[${key}]`
    return path === '' ? key : `${path}.${key}`
  }
  return Object.assign(
    {},
    ...[...new Set([...one.keys(), ...other.keys()])].map((key) =>
      differences(one.get(key), other.get(key), join(key)),
    ),
  ) as Record<string, unknown[]>
}

/** The items of a list are identified by their names, where they have one. */
function entries(value: object): Map<string, unknown> {
  if (!Array.isArray(value)) return new Map(Object.entries(value))
  return new Map(
    value.map((item: unknown, index) => [
      typeof item === 'object' && item !== null && 'name' in item
        ? String(item.name)
        : String(index),
      item,
    ]),
  )
}
