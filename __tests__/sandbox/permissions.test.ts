/** Every permission that docs ship for a check is taken away in some scenario. */
import { expect, test } from '@jest/globals'
import { dispensableForCheck, leavingDriftUnknown, leavingParamsUnknown, neededForCheck } from '../../sandbox/permission-table.ts'
import { shippedPolicy, shippedRoles } from '../../sandbox/permissions.ts'

test('the tables of a check have each permission that its files ship, and no other', () => {
  const actions = shippedPolicy({ region: 'r', account: 'a', cluster: 'c' }, '', 'check').Statement.flatMap(({ Action }) => Action)
  const verbs = shippedRoles('', 'check').flatMap(({ rules = [] }) => rules.flatMap(({ resources, verbs }) => resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`))))
  const tables = [...neededForCheck, ...leavingDriftUnknown, ...leavingParamsUnknown].map(({ permission }) => permission).concat(dispensableForCheck)
  expect(tables.sort()).toEqual([...actions, ...verbs].sort())
})
