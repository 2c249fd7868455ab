/** Checks that each permission in the shipped documents for a check is removed in some scenario. */
import { expect, test } from '@jest/globals'
import {
  optionalForCheck,
  requiredForDriftDetection,
  requiredForClassParamsDrift,
  requiredForCheck,
} from '../../testing/required-permissions.ts'
import { loadIamPolicy, loadRbacObjects } from '../../testing/shipped-permissions.ts'

test('the tables of mode check list exactly the permissions of the shipped files', () => {
  const actions = loadIamPolicy(
    { region: 'r', account: 'a', cluster: 'c' },
    '',
    'check',
  ).Statement.flatMap(({ Action }) => Action)
  const verbs = loadRbacObjects('', 'check').flatMap(({ rules = [] }) =>
    rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    ),
  )
  const tables = [...requiredForCheck, ...requiredForDriftDetection, ...requiredForClassParamsDrift]
    .map(({ permission }) => permission)
    .concat(optionalForCheck)
  expect(tables.sort()).toEqual([...actions, ...verbs].sort())
})
