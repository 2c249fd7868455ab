import { describe, expect, test } from '@jest/globals'
import { hasApplied, ownedAnnotations } from '../../src/kubernetes/ownership.ts'
import type { AnyObject, ManagedFields } from '../../src/kubernetes/types.ts'

const object = (...managedFields: ManagedFields[]): AnyObject => ({ metadata: { name: 'x', uid: 'u', resourceVersion: '1', managedFields } })
const annotations = { 'f:metadata': { 'f:annotations': { '.': {}, 'f:alb.ingress.kubernetes.io/scheme': {}, 'f:team': {} } }, 'f:spec': { 'f:rules': {} } }

describe('ownership by managedFields', () => {
  test.each<[string, AnyObject, string[], boolean]>([
    ['applied', object({ manager: 'me', operation: 'Apply', fieldsV1: annotations }), ['alb.ingress.kubernetes.io/scheme', 'team'], true],
    ['applied beside others', object({ manager: 'controller', operation: 'Update', fieldsV1: annotations }, { manager: 'me', operation: 'Apply', fieldsV1: { 'f:metadata': { 'f:annotations': { 'f:own': {} } } } }), ['own'], true],
    ['written, not applied', object({ manager: 'me', operation: 'Update', fieldsV1: annotations }), [], false],
    ['applied to the status', object({ manager: 'me', operation: 'Apply', subresource: 'status', fieldsV1: annotations }), [], false],
    ['applied by another', object({ manager: 'kubectl', operation: 'Apply', fieldsV1: annotations }), [], false],
    ['applied without annotations', object({ manager: 'me', operation: 'Apply', fieldsV1: { 'f:spec': {} } }), [], true],
    ['by nobody', object(), [], false],
    ['without managedFields', { metadata: { name: 'x', uid: 'u', resourceVersion: '1' } }, [], false],
  ])('%s', (_, live, owned, applied) => {
    expect([[...ownedAnnotations(live, 'me')], hasApplied(live, 'me')]).toEqual([owned, applied])
  })
})
