import { describe, expect, test } from '@jest/globals'
import {
  fieldsOwnedByKubectl,
  foreignAnnotations,
  findFieldManagers,
  ownedAnnotations,
  transferManagedFields,
} from '../../../src/clients/kubernetes/field-ownership.ts'
import type {
  KubernetesObject,
  FieldsV1,
  ManagedFieldsEntry,
} from '../../../src/clients/kubernetes/types.ts'

const createObject = (...managedFields: ManagedFieldsEntry[]): KubernetesObject => ({
  metadata: { name: 'x', uid: 'u', resourceVersion: '1', managedFields },
})
const createAnnotationFields = (...keys: string[]): FieldsV1 => ({
  'f:metadata': {
    'f:annotations': { '.': {}, ...Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) },
  },
})

describe('ownedAnnotations', () => {
  const fields = {
    ...createAnnotationFields('alb.ingress.kubernetes.io/scheme', 'team'),
    'f:spec': { 'f:rules': {} },
  }
  test.each<{ name: string; live: KubernetesObject; expected: string[] }>([
    {
      name: 'fields that this manager applied',
      live: createObject({ manager: 'me', operation: 'Apply', fieldsV1: fields }),
      expected: ['alb.ingress.kubernetes.io/scheme', 'team'],
    },
    {
      name: 'fields of this manager beside those of another one',
      live: createObject(
        { manager: 'controller', operation: 'Update', fieldsV1: fields },
        { manager: 'me', operation: 'Apply', fieldsV1: createAnnotationFields('own') },
      ),
      expected: ['own'],
    },
    {
      name: 'fields that this manager updated',
      live: createObject({ manager: 'me', operation: 'Update', fieldsV1: fields }),
      expected: [],
    },
    {
      name: 'fields that this manager applied to the status',
      live: createObject({
        manager: 'me',
        operation: 'Apply',
        subresource: 'status',
        fieldsV1: fields,
      }),
      expected: [],
    },
    {
      name: 'fields that another manager applied',
      live: createObject({ manager: 'kubectl', operation: 'Apply', fieldsV1: fields }),
      expected: [],
    },
    {
      name: 'applied fields without annotations',
      live: createObject({ manager: 'me', operation: 'Apply', fieldsV1: { 'f:spec': {} } }),
      expected: [],
    },
    { name: 'an object without managers', live: createObject(), expected: [] },
    {
      name: 'an object without managedFields',
      live: { metadata: { name: 'x', uid: 'u', resourceVersion: '1' } },
      expected: [],
    },
  ])('$name', ({ live, expected }) => {
    expect([...ownedAnnotations(live, 'me')]).toEqual(expected)
  })
})

describe('findFieldManagers', () => {
  const kubectlEdit: ManagedFieldsEntry = {
    manager: 'kubectl-edit',
    operation: 'Update',
    time: '2026-11-27T02:13:00Z',
    fieldsV1: createAnnotationFields('scheme'),
  }
  const olderEdit: ManagedFieldsEntry = {
    ...kubectlEdit,
    manager: 'kubectl-annotate',
    time: '2026-11-26T00:00:00Z',
  }
  const ownEntry: ManagedFieldsEntry = {
    manager: 'me',
    operation: 'Apply',
    time: '2026-11-28T00:00:00Z',
    fieldsV1: createAnnotationFields('other'),
  }
  test.each<{ name: string; live: KubernetesObject; managers: string[] }>([
    {
      name: 'one of two field managers',
      live: createObject(ownEntry, kubectlEdit),
      managers: ['kubectl-edit'],
    },
    {
      name: 'several field managers, the newest first',
      live: createObject(olderEdit, kubectlEdit),
      managers: ['kubectl-edit', 'kubectl-annotate'],
    },
    {
      name: 'a field manager of the status',
      live: createObject({ ...kubectlEdit, subresource: 'status' }),
      managers: [],
    },
    { name: 'no field manager of this field', live: createObject(ownEntry), managers: [] },
    {
      name: 'an object without managedFields',
      live: { metadata: { name: 'x', uid: 'u', resourceVersion: '1' } },
      managers: [],
    },
  ])('$name', ({ live, managers }) => {
    expect(
      findFieldManagers(live, ['f:metadata', 'f:annotations', 'f:scheme']).map(
        ({ manager }) => manager,
      ),
    ).toEqual(managers)
  })
})

describe('foreignAnnotations: what stays when this action no longer applies it', () => {
  const applied: ManagedFieldsEntry = {
    manager: 'me',
    operation: 'Apply',
    fieldsV1: createAnnotationFields('scheme'),
  }
  const annotations = { scheme: 'internal' }
  test.each<{ name: string; entries: readonly ManagedFieldsEntry[]; isForeign: boolean }>([
    { name: 'an annotation of nobody', entries: [], isForeign: true },
    { name: 'one of this action', entries: [applied], isForeign: false },
    {
      name: 'one that this action set otherwise than by an apply',
      entries: [{ ...applied, operation: 'Update' }],
      isForeign: true,
    },
    {
      name: 'one of another field manager',
      entries: [{ ...applied, manager: 'argocd' }],
      isForeign: true,
    },
    {
      name: 'one that both have applied',
      entries: [applied, { ...applied, manager: 'argocd' }],
      isForeign: true,
    },
  ])('$name', ({ entries, isForeign }) => {
    const object = createObject(...entries)
    const live = { metadata: { ...object.metadata, annotations } }
    expect(foreignAnnotations(live, 'me')).toEqual(isForeign ? annotations : {})
    expect(foreignAnnotations(undefined, 'me')).toEqual({})
  })
})

const desiredFields: FieldsV1 = {
  'f:metadata': { 'f:annotations': { 'f:scheme': {}, 'f:certificate-arn': {} } },
  'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
}
/** As a real apiserver writes it after the guide's kubectl apply. */
const kubectlEntry: ManagedFieldsEntry = {
  manager: 'kubectl-client-side-apply',
  operation: 'Update',
  apiVersion: 'networking.k8s.io/v1',
  fieldsType: 'FieldsV1',
  time: '2026-01-01T00:00:00Z',
  fieldsV1: {
    ...createAnnotationFields(
      'kubectl.kubernetes.io/last-applied-configuration',
      'scheme',
      'extra',
    ),
    'f:spec': { 'f:ingressClassName': {}, 'f:rules': {}, 'f:tls': {} },
  },
}
const controllerEntry: ManagedFieldsEntry = {
  manager: 'controller',
  operation: 'Update',
  apiVersion: 'networking.k8s.io/v1',
  fieldsV1: { 'f:metadata': { 'f:finalizers': {} } },
}

describe('fieldsOwnedByKubectl', () => {
  test.each<{ name: string; live: KubernetesObject; expected: FieldsV1 }>([
    {
      name: 'fields that kubectl and this action set',
      live: createObject(controllerEntry, kubectlEntry),
      expected: {
        'f:metadata': { 'f:annotations': { 'f:scheme': {} } },
        'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
      },
    },
    {
      name: 'fields that only kubectl sets',
      live: createObject({ ...kubectlEntry, fieldsV1: createAnnotationFields('extra') }),
      expected: {},
    },
    {
      name: 'kubectl apply --server-side',
      live: createObject({ ...kubectlEntry, manager: 'kubectl', operation: 'Apply' }),
      expected: {},
    },
    {
      name: 'status fields of kubectl',
      live: createObject({ ...kubectlEntry, subresource: 'status' }),
      expected: {},
    },
    { name: 'only other field managers', live: createObject(controllerEntry), expected: {} },
    { name: 'no field managers', live: createObject(), expected: {} },
  ])('$name', ({ live, expected }) => {
    expect(fieldsOwnedByKubectl(live, desiredFields)).toEqual(expected)
  })
})

describe('transferManagedFields', () => {
  const now = '2026-01-02T03:04:05Z'
  const remainingFields = {
    ...createAnnotationFields('kubectl.kubernetes.io/last-applied-configuration', 'extra'),
    'f:spec': { 'f:tls': {} },
  }

  test('moves the shared fields, leaves the rest to kubectl and keeps other managers unchanged', () => {
    expect(
      transferManagedFields(createObject(controllerEntry, kubectlEntry), desiredFields, 'me', now),
    ).toEqual([
      controllerEntry,
      { ...kubectlEntry, fieldsV1: remainingFields },
      {
        manager: 'me',
        operation: 'Apply',
        apiVersion: 'networking.k8s.io/v1',
        fieldsType: 'FieldsV1',
        time: now,
        fieldsV1: {
          'f:metadata': { 'f:annotations': { 'f:scheme': {} } },
          'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
        },
      },
    ])
  })

  test('adds to the fields that this action already owns', () => {
    const ownEntry: ManagedFieldsEntry = {
      manager: 'me',
      operation: 'Apply',
      apiVersion: 'networking.k8s.io/v1',
      fieldsType: 'FieldsV1',
      time: 'then',
      fieldsV1: createAnnotationFields('own'),
    }
    const [, , transferredEntry, ...otherEntries] = transferManagedFields(
      createObject(ownEntry, controllerEntry, kubectlEntry),
      desiredFields,
      'me',
      now,
    )
    expect(otherEntries).toEqual([])
    expect(transferredEntry).toEqual({
      ...ownEntry,
      time: now,
      fieldsV1: {
        'f:metadata': { 'f:annotations': { '.': {}, 'f:own': {}, 'f:scheme': {} } },
        'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
      },
    })
  })

  test('leaves kubectl none of the desired fields', () => {
    expect(
      fieldsOwnedByKubectl(
        createObject(
          ...transferManagedFields(createObject(kubectlEntry), desiredFields, 'me', now),
        ),
        desiredFields,
      ),
    ).toEqual({})
  })
})
