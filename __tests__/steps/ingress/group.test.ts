/** The finalizers of the controller, and the groups that they name. */
import { expect, test } from '@jest/globals'
import { isControllerFinalizer } from '../../../src/steps/ingress/group.ts'

test.each([
  ['ingress.k8s.aws/resources', true],
  ['group.ingress.k8s.aws/shared', true],
  ['ingress.eks.amazonaws.com/resources', true],
  ['group.ingress.eks.amazonaws.com/shared', true],
  ['group.ingress.eks.amazonaws.com/', false],
  ['ingress.eks.amazonaws.com/other', false],
  ['example.com/hold', false],
])('%s is a finalizer of the controller: %s', (finalizer, expected) => {
  expect(isControllerFinalizer(finalizer)).toBe(expected)
})
