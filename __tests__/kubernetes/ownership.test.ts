import { describe, expect, test } from '@jest/globals'
import { heldByKubectl, holders, ownedAnnotations, takeOver } from '../../src/kubernetes/ownership.ts'
import type { AnyObject, FieldTree, ManagedFields } from '../../src/kubernetes/types.ts'

const object = (...managedFields: ManagedFields[]): AnyObject => ({ metadata: { name: 'x', uid: 'u', resourceVersion: '1', managedFields } })
const annotated = (...keys: string[]): FieldTree => ({ 'f:metadata': { 'f:annotations': { '.': {}, ...Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) } } })

describe('ownedAnnotations', () => {
  const fields = { ...annotated('alb.ingress.kubernetes.io/scheme', 'team'), 'f:spec': { 'f:rules': {} } }
  test.each<[string, AnyObject, string[]]>([
    ['applied', object({ manager: 'me', operation: 'Apply', fieldsV1: fields }), ['alb.ingress.kubernetes.io/scheme', 'team']],
    ['applied beside others', object({ manager: 'controller', operation: 'Update', fieldsV1: fields }, { manager: 'me', operation: 'Apply', fieldsV1: annotated('own') }), ['own']],
    ['written, not applied', object({ manager: 'me', operation: 'Update', fieldsV1: fields }), []],
    ['applied to the status', object({ manager: 'me', operation: 'Apply', subresource: 'status', fieldsV1: fields }), []],
    ['applied by another', object({ manager: 'kubectl', operation: 'Apply', fieldsV1: fields }), []],
    ['applied without annotations', object({ manager: 'me', operation: 'Apply', fieldsV1: { 'f:spec': {} } }), []],
    ['by nobody', object(), []],
    ['without managedFields', { metadata: { name: 'x', uid: 'u', resourceVersion: '1' } }, []],
  ])('%s', (_, live, owned) => {
    expect([...ownedAnnotations(live, 'me')]).toEqual(owned)
  })
})

describe('holders', () => {
  const edit: ManagedFields = { manager: 'kubectl-edit', operation: 'Update', time: '2026-11-27T02:13:00Z', fieldsV1: annotated('scheme') }
  const older: ManagedFields = { ...edit, manager: 'kubectl-annotate', time: '2026-11-26T00:00:00Z' }
  const mine: ManagedFields = { manager: 'me', operation: 'Apply', time: '2026-11-28T00:00:00Z', fieldsV1: annotated('other') }
  test.each<[string, AnyObject, string[]]>([
    ['one of two managers', object(mine, edit), ['kubectl-edit']],
    ['several, the newest first', object(older, edit), ['kubectl-edit', 'kubectl-annotate']],
    ['one by its status', object({ ...edit, subresource: 'status' }), []],
    ['nobody', object(mine), []],
    ['without managedFields', { metadata: { name: 'x', uid: 'u', resourceVersion: '1' } }, []],
  ])('%s', (_, live, managers) => {
    expect(holders(live, ['f:metadata', 'f:annotations', 'f:scheme']).map(({ manager }) => manager)).toEqual(managers)
  })
})

const wanted: FieldTree = { 'f:metadata': { 'f:annotations': { 'f:scheme': {}, 'f:certificate-arn': {} } }, 'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} } }
/** As a real apiserver writes it after the guide's kubectl apply. */
const kubectl: ManagedFields = {
  manager: 'kubectl-client-side-apply', operation: 'Update', apiVersion: 'networking.k8s.io/v1', fieldsType: 'FieldsV1', time: '2026-01-01T00:00:00Z',
  fieldsV1: { ...annotated('kubectl.kubernetes.io/last-applied-configuration', 'scheme', 'extra'), 'f:spec': { 'f:ingressClassName': {}, 'f:rules': {}, 'f:tls': {} } },
}
const controller: ManagedFields = { manager: 'controller', operation: 'Update', apiVersion: 'networking.k8s.io/v1', fieldsV1: { 'f:metadata': { 'f:finalizers': {} } } }

describe('heldByKubectl', () => {
  test.each<[string, AnyObject, FieldTree]>([
    ['what both set', object(controller, kubectl), { 'f:metadata': { 'f:annotations': { 'f:scheme': {} } }, 'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} } }],
    ['fields that only kubectl sets', object({ ...kubectl, fieldsV1: annotated('extra') }), {}],
    ['kubectl apply --server-side', object({ ...kubectl, manager: 'kubectl', operation: 'Apply' }), {}],
    ['a status of kubectl', object({ ...kubectl, subresource: 'status' }), {}],
    ['others only', object(controller), {}],
    ['nobody', object(), {}],
  ])('%s', (_, live, held) => {
    expect(heldByKubectl(live, wanted)).toEqual(held)
  })
})

describe('takeOver', () => {
  const now = '2026-01-02T03:04:05Z'
  const left = { ...annotated('kubectl.kubernetes.io/last-applied-configuration', 'extra'), 'f:spec': { 'f:tls': {} } }

  test('moves what both set, leaves the rest to kubectl, and nobody else is touched', () => {
    expect(takeOver(object(controller, kubectl), wanted, 'me', now)).toEqual([
      controller,
      { ...kubectl, fieldsV1: left },
      { manager: 'me', operation: 'Apply', apiVersion: 'networking.k8s.io/v1', fieldsType: 'FieldsV1', time: now, fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:scheme': {} } }, 'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} } } },
    ])
  })

  test('adds to what is ours already', () => {
    const ours: ManagedFields = { manager: 'me', operation: 'Apply', apiVersion: 'networking.k8s.io/v1', fieldsType: 'FieldsV1', time: 'then', fieldsV1: annotated('own') }
    const [, , moved, ...more] = takeOver(object(ours, controller, kubectl), wanted, 'me', now)
    expect(more).toEqual([])
    expect(moved).toEqual({ ...ours, time: now, fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {}, 'f:own': {}, 'f:scheme': {} } }, 'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} } } })
  })

  test('once is enough', () => {
    expect(heldByKubectl(object(...takeOver(object(kubectl), wanted, 'me', now)), wanted)).toEqual({})
  })
})
