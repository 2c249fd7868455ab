import { expect, test } from '@jest/globals'
import { compareTargets, type AbandonedTarget } from '../../src/fleet/plan/pull-request.ts'
import type { FleetTarget } from '../../src/fleet/plan/targets.ts'

const createTarget = (name: string, overrides: Partial<FleetTarget> = {}): FleetTarget => ({
  name,
  environment: 'production',
  checkEnvironment: 'check',
  roleToAssume: '',
  checkRoleToAssume: '',
  runsOn: [],
  inputs: { region: 'us-east-2', cluster: name, host: `${name}.example.com` },
  ...overrides,
})
const a = createTarget('a')
const b = createTarget('b')

test.each<{
  name: string
  base: readonly FleetTarget[]
  targets: readonly FleetTarget[]
  changed: readonly string[]
  abandoned?: readonly AbandonedTarget[]
}>([
  { name: 'nothing differs', base: [a, b], targets: [b, a], changed: [] },
  {
    name: 'the order of inputs is irrelevant',
    base: [a],
    targets: [{ ...a, inputs: Object.fromEntries(Object.entries(a.inputs).reverse()) }],
    changed: [],
  },
  { name: 'a new file', base: [], targets: [a, b], changed: ['a', 'b'] },
  { name: 'a new target', base: [a], targets: [a, b], changed: ['b'] },
  {
    name: 'an input of one target',
    base: [a, b],
    targets: [a, { ...b, inputs: { ...b.inputs, scheme: 'internal' } }],
    changed: ['b'],
  },
  {
    name: 'the role of a target',
    base: [{ ...a, roleToAssume: 'arn:aws:iam::111122223333:role/old' }],
    targets: [{ ...a, roleToAssume: 'arn:aws:iam::111122223333:role/new' }],
    changed: ['a'],
  },
  {
    name: 'the account of a target',
    base: [{ ...a, roleToAssume: 'arn:aws:iam::111122223333:role/milvus' }],
    targets: [{ ...a, roleToAssume: 'arn:aws:iam::444455556666:role/milvus' }],
    changed: ['a'],
    abandoned: [{ name: 'a', isMoved: true }],
  },
  {
    name: 'a removed target',
    base: [a, b],
    targets: [a],
    changed: [],
    abandoned: [{ name: 'b', isMoved: false }],
  },
  {
    name: 'a renamed target',
    base: [a],
    targets: [{ ...a, name: 'c' }],
    changed: ['c'],
    abandoned: [{ name: 'a', newName: 'c', isMoved: false }],
  },
  {
    name: 'a target that moves to another namespace',
    base: [a],
    targets: [{ ...a, inputs: { ...a.inputs, namespace: 'other' } }],
    changed: ['a'],
    abandoned: [{ name: 'a', isMoved: true }],
  },
  {
    name: 'another name of the Ingress',
    base: [a],
    targets: [{ ...a, inputs: { ...a.inputs, 'ingress-name': 'other' } }],
    changed: ['a'],
    abandoned: [{ name: 'a', isMoved: true }],
  },
])('a pull request that changes $name', ({ base, targets, changed, abandoned = [] }) => {
  const comparison = compareTargets(targets, base)
  expect({ ...comparison, changed: comparison.changed.map(({ name }) => name) }).toEqual({
    changed,
    abandoned,
  })
})
