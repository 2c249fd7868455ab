import { expect, test } from '@jest/globals'
import { environmentsMissing } from '../../src/failures/fleet.ts'
import { findMissingEnvironments } from '../../src/fleet/plan/environments.ts'
import type { FleetTarget } from '../../src/fleet/plan/targets.ts'

const createTarget = (name: string, environment: string, checkEnvironment = ''): FleetTarget => ({
  name,
  environment,
  checkEnvironment,
  roleToAssume: '',
  checkRoleToAssume: '',
  runsOn: [],
  inputs: {},
})

test.each<{
  name: string
  targets: FleetTarget[]
  check?: boolean
  missing: [name: string, ...targetNames: string[]][]
}>([
  {
    name: 'an environment that exists',
    targets: [createTarget('a', 'production')],
    missing: [],
  },
  {
    name: 'an environment that GitHub spells differently',
    targets: [createTarget('a', 'PRODUCTION')],
    missing: [],
  },
  {
    name: 'an environment of two targets that does not exist',
    targets: [
      createTarget('a', 'prod'),
      createTarget('b', 'production'),
      createTarget('c', 'prod'),
    ],
    missing: [['prod', 'a', 'c']],
  },
  { name: 'a target without an environment', targets: [createTarget('a', '')], missing: [] },
  {
    name: 'the environment of a check',
    targets: [createTarget('a', 'prod', 'production')],
    check: true,
    missing: [],
  },
  {
    name: 'an environment of a check that does not exist',
    targets: [createTarget('a', 'production', 'look')],
    check: true,
    missing: [['look', 'a']],
  },
])('$name', ({ targets, check = false, missing }) => {
  expect(
    findMissingEnvironments(targets, ['production'], ({ environment, checkEnvironment }) => [
      check ? checkEnvironment : environment,
    ]).map(({ name, targetNames }) => [name, ...targetNames]),
  ).toEqual(missing)
})

test('both environments of a target are looked up, each once', () => {
  const targets = [createTarget('a', 'prod', 'look'), createTarget('b', 'look', 'look')]
  expect(
    findMissingEnvironments(targets, [], ({ environment, checkEnvironment }) => [
      environment,
      checkEnvironment,
    ]),
  ).toEqual([
    { name: 'prod', targetNames: ['a'] },
    { name: 'look', targetNames: ['a', 'b'] },
  ])
})

test('many missing environments are counted', () => {
  const environments = Array.from({ length: 300 }, (_, index) => ({
    name: `e${index}`,
    targetNames: ['a', 'b'],
  }))
  expect(environmentsMissing(environments).message).toContain(
    'environments e0 (targets a, b), e1 (targets a, b), e2 (targets a, b), e3 (targets a, b), e4 (targets a, b) and 295 more.',
  )
})
