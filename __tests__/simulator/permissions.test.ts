/** Checks that each permission in the shipped documents for a check is removed in some scenario. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { repositoryRoot } from '../../testing/environment.ts'
import {
  optionalForCheck,
  requiredForDriftDetection,
  requiredForClassParamsDrift,
  requiredForCheck,
} from '../../testing/required-permissions.ts'
import {
  isAllowedByPolicy,
  loadIamPolicy,
  loadRbacObjects,
  otherTag,
  type PermissionSet,
} from '../../testing/shipped-permissions.ts'

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

test('a policy names no partition, so that it is valid in China and GovCloud', () => {
  const directory = join(repositoryRoot, 'docs/permissions')
  const policies = readdirSync(directory).filter((name) => name.endsWith('.json'))
  const texts = policies.map((name) => readFileSync(join(directory, name), 'utf8'))
  const partitions = texts.flatMap((text) => text.match(/\barn:[^:]*/g) ?? [])
  expect(new Set(partitions)).toEqual(new Set(['arn:PARTITION']))
})

const location = { region: 'us-east-2', account: '111122223333', cluster: 'production' }

test('the hardened policy allows no action that the other one does not, and leaves out none', () => {
  const listActions = (permissionSet: PermissionSet): string[] =>
    loadIamPolicy(location, '', permissionSet).Statement.flatMap(({ Action }) => Action)
  expect(new Set(listActions('hardened'))).toEqual(new Set(listActions('deploy')))
})

const ownTags = { 'milvus-alb-action/target': 'uid/milvus' }
const otherTags = { [otherTag]: 'search' }

test.each<{
  name: string
  action: string
  request?: Record<string, string>
  resource?: Record<string, string>
  isAllowed: boolean
}>([
  { name: 'import with its tags', action: 'ImportCertificate', request: ownTags, isAllowed: true },
  {
    name: 'tag a new certificate',
    action: 'AddTagsToCertificate',
    request: ownTags,
    isAllowed: true,
  },
  { name: 'import without tags', action: 'ImportCertificate', isAllowed: false },
  {
    name: 'import with other tags',
    action: 'ImportCertificate',
    request: otherTags,
    isAllowed: false,
  },
  { name: 'replace its own', action: 'ImportCertificate', resource: ownTags, isAllowed: true },
  {
    name: 'replace one of others',
    action: 'ImportCertificate',
    resource: otherTags,
    isAllowed: false,
  },
  { name: 'delete its own', action: 'DeleteCertificate', resource: ownTags, isAllowed: true },
  {
    name: 'delete one of others',
    action: 'DeleteCertificate',
    resource: otherTags,
    isAllowed: false,
  },
  { name: 'delete one without tags', action: 'DeleteCertificate', isAllowed: false },
  {
    name: 'claim one of others by its tag',
    action: 'AddTagsToCertificate',
    request: ownTags,
    resource: otherTags,
    isAllowed: false,
  },
  {
    name: 'set other tags',
    action: 'AddTagsToCertificate',
    request: otherTags,
    resource: ownTags,
    isAllowed: false,
  },
])(
  'the hardened policy and $name: $isAllowed',
  ({ action, request = {}, resource = {}, isAllowed }) => {
    const tags = {
      request: new Map(Object.entries(request)),
      resource: new Map(Object.entries(resource)),
    }
    const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/1'
    const policy = loadIamPolicy(location, '', 'hardened')
    expect(isAllowedByPolicy(policy, `acm:${action}`, arn, tags)).toBe(isAllowed)
  },
)
