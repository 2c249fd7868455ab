/** What the API itself sets on an object when it is written: its name, metadata and generation. */
import { randomUUID } from 'node:crypto'
import { invalid } from './api-errors.ts'
import type { Subresource } from './managed-fields.ts'
import type { Resource } from './resources.ts'
import {
  isDeepEqual,
  formatTimestamp,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

/** The object with a name, generated from `generateName` when it has none. */
export function withGeneratedName(resource: Resource, object: KubernetesObject): KubernetesObject {
  const { name, generateName } = object.metadata
  if (name) return object
  if (!generateName)
    throw invalid(resource, '', [
      {
        reason: 'FieldValueRequired',
        field: 'metadata.name',
        message: 'Required value: name or generateName is required',
      },
    ])
  return {
    ...object,
    metadata: { ...object.metadata, name: generateName + randomUUID().slice(0, 5) },
  }
}

/** A write to the object keeps the live status; a write to the status keeps everything else. */
export function keepReadOnlyParts(
  resource: Resource,
  live: KubernetesObject,
  object: KubernetesObject,
  subresource: '' | Subresource,
): KubernetesObject {
  if (subresource === 'status')
    return { ...live, ...(object['status'] === undefined ? {} : { status: object['status'] }) }
  if (!resource.hasStatus) return object
  return live['status'] === undefined
    ? omitField(object, 'status')
    : { ...object, status: live['status'] }
}

const systemFields = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
]
const collectionFields = ['labels', 'annotations', 'finalizers', 'ownerReferences']

/** The metadata that is stored: what was submitted, with the fields that only the API sets. */
export function buildMetadata(
  resource: Resource,
  live: KubernetesObject | undefined,
  object: KubernetesObject,
): KubernetesObject['metadata'] {
  const submitted = object.metadata
  const systemValues = live
    ? Object.fromEntries(
        systemFields.flatMap((field) =>
          live.metadata[field] === undefined ? [] : [[field, live.metadata[field]]],
        ),
      )
    : {
        uid: randomUUID(),
        creationTimestamp: formatTimestamp(),
        ...(resource.hasGeneration ? { generation: 1 } : {}),
      }
  // The API does not store empty maps and lists.
  const isEmptyCollection = (field: string, value: Json | undefined): boolean =>
    collectionFields.includes(field) && Object.keys(value ?? {}).length === 0
  const keptFields = Object.entries(submitted).filter(
    ([field, value]) =>
      !/^(generation|deletion\w+)$/.test(field) && !isEmptyCollection(field, value),
  )
  return { ...Object.fromEntries(keptFields), name: submitted.name, ...systemValues }
}

/** Increments `generation` when anything but metadata and status changes. */
export function incrementGeneration(
  resource: Resource,
  live: KubernetesObject | undefined,
  object: KubernetesObject,
): KubernetesObject {
  if (!live || !resource.hasGeneration) return object
  const desiredState = (each: KubernetesObject): JsonObject => ({
    ...each,
    metadata: null,
    status: null,
  })
  return isDeepEqual(desiredState(live), desiredState(object))
    ? object
    : {
        ...object,
        metadata: { ...object.metadata, generation: (live.metadata.generation ?? 0) + 1 },
      }
}

/** A copy without one field. */
export function omitField(object: KubernetesObject, field: string): KubernetesObject {
  const result = { ...object }
  Reflect.deleteProperty(result, field)
  return result
}
