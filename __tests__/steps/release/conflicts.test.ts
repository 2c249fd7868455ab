import { expect, test } from '@jest/globals'
import { describeConflicts, type FieldConflict } from '../../../src/steps/release/conflicts.ts'

const createConflict = (
  field: string,
  live: unknown,
  desired: unknown,
  overrides: Partial<FieldConflict> = {},
): FieldConflict => ({
  kind: 'Deployment',
  name: 'proxy',
  field,
  manager: 'kubectl',
  subresource: undefined,
  live,
  desired,
  ...overrides,
})
const imageField = '.spec.template.spec.containers[name="proxy"].image'
const replicasConflict = createConflict('.spec.replicas', 5, 1)

test.each<[string, readonly FieldConflict[], string]>([
  [
    'replicas',
    [replicasConflict],
    'Deployment proxy: .spec.replicas is 5 (set by kubectl) and would become 1',
  ],
  [
    'zero replicas',
    [createConflict('.spec.replicas', 0, 1)],
    'Deployment proxy: .spec.replicas is 0 (set by kubectl) and would become 1',
  ],
  [
    'an image',
    [createConflict(imageField, 'a', 'b', { manager: 'kubectl-set' })],
    `Deployment proxy: ${imageField} is a (set by kubectl-set) and would become b`,
  ],
  [
    'an image of an init container',
    [createConflict(imageField.replace('containers', 'initContainers'), 'a', 'b')],
    `Deployment proxy: ${imageField.replace('containers', 'initContainers')} is a (set by kubectl) and would become b`,
  ],
  [
    'the type of a Service',
    [createConflict('.spec.type', 'NodePort', 'ClusterIP', { kind: 'Service' })],
    'Service proxy: .spec.type is NodePort (set by kubectl) and would become ClusterIP',
  ],
  [
    'an unreadable live object',
    [createConflict('.spec.replicas', undefined, 1)],
    'Deployment proxy: .spec.replicas (set by kubectl)',
  ],
  [
    'a value that may be a secret',
    [createConflict('.data.user.yaml', 'canary', 'other', { kind: 'ConfigMap' })],
    'ConfigMap proxy: .data.user.yaml (set by kubectl)',
  ],
  [
    'a variable that ends like a public field',
    [
      createConflict(
        '.spec.template.spec.containers[name="proxy"].env[name="image"].value',
        'canary',
        'b',
      ),
    ],
    'Deployment proxy: .spec.template.spec.containers[name="proxy"].env[name="image"].value (set by kubectl)',
  ],
  [
    'an annotation that ends like a public field',
    [createConflict('.metadata.annotations.x.image', 'canary', 'b')],
    'Deployment proxy: .metadata.annotations.x.image (set by kubectl)',
  ],
  [
    'several conflicts',
    [replicasConflict, replicasConflict],
    Array(2)
      .fill('Deployment proxy: .spec.replicas is 5 (set by kubectl) and would become 1')
      .join('; '),
  ],
])('describeConflicts: %s', (_, conflicts, expected) => {
  expect(describeConflicts(conflicts)).toBe(expected)
})

test('describeConflicts lists only the first conflicts', () => {
  expect(describeConflicts(Array<FieldConflict>(15).fill(replicasConflict))).toMatch(
    /; and 3 more fields$/,
  )
})
