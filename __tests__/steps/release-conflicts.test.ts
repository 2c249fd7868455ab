import { expect, test } from '@jest/globals'
import { describeConflicts, type Conflict } from '../../src/steps/release-conflicts.ts'

const conflict = (field: string, live: unknown, wanted: unknown, more: Partial<Conflict> = {}): Conflict => ({ kind: 'Deployment', name: 'proxy', field, manager: 'kubectl', subresource: undefined, live, wanted, ...more })
const image = '.spec.template.spec.containers[name="proxy"].image'
const replicas = conflict('.spec.replicas', 5, 1)

test.each<[string, readonly Conflict[], string]>([
  ['replicas', [replicas], 'Deployment proxy: .spec.replicas is 5 (set by kubectl) and would become 1'],
  ['no pods', [conflict('.spec.replicas', 0, 1)], 'Deployment proxy: .spec.replicas is 0 (set by kubectl) and would become 1'],
  ['an image', [conflict(image, 'a', 'b', { manager: 'kubectl-set' })], `Deployment proxy: ${image} is a (set by kubectl-set) and would become b`],
  ['an image of an init container', [conflict(image.replace('containers', 'initContainers'), 'a', 'b')], `Deployment proxy: ${image.replace('containers', 'initContainers')} is a (set by kubectl) and would become b`],
  ['the type of a Service', [conflict('.spec.type', 'NodePort', 'ClusterIP', { kind: 'Service' })], 'Service proxy: .spec.type is NodePort (set by kubectl) and would become ClusterIP'],
  ['a live object that may not be read', [conflict('.spec.replicas', undefined, 1)], 'Deployment proxy: .spec.replicas (set by kubectl)'],
  ['a value that may be a secret', [conflict('.data.user.yaml', 'canary', 'other', { kind: 'ConfigMap' })], 'ConfigMap proxy: .data.user.yaml (set by kubectl)'],
  ['a variable that ends like a field that is shown', [conflict('.spec.template.spec.containers[name="proxy"].env[name="image"].value', 'canary', 'b')], 'Deployment proxy: .spec.template.spec.containers[name="proxy"].env[name="image"].value (set by kubectl)'],
  ['an annotation that ends like one', [conflict('.metadata.annotations.x.image', 'canary', 'b')], 'Deployment proxy: .metadata.annotations.x.image (set by kubectl)'],
  ['several', [replicas, replicas], Array(2).fill('Deployment proxy: .spec.replicas is 5 (set by kubectl) and would become 1').join('; ')],
])('%s', (_, conflicts, expected) => {
  expect(describeConflicts(conflicts)).toBe(expected)
})

test('more than a person reads are counted', () => {
  expect(describeConflicts(Array<Conflict>(15).fill(replicas))).toMatch(/; and 3 more fields$/)
})
