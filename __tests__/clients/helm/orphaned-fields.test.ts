import { expect, test } from '@jest/globals'
import { findOrphanedFields } from '../../../src/clients/helm/orphaned-fields.ts'

const createContainerSpec = (overrides: object = {}) => ({
  spec: { containers: [{ name: 'milvus', image: 'a', ...overrides }] },
})
const createEnvVars = (...names: string[]) => ({ env: names.map((name) => ({ name, value: 'x' })) })
const createVolumeMounts = (...paths: string[]) => ({
  volumeMounts: paths.map((mountPath) => ({ name: 'data', mountPath })),
})

/** An object, and what is to be taken out of it. */
interface TestCase {
  readonly name: string
  readonly live: object
  readonly failedRevision: object
  readonly retainedRevisions: readonly object[]
  readonly expected: readonly string[]
}

const cases: readonly TestCase[] = [
  {
    name: 'nothing, where the next revision is the failed one again',
    live: createContainerSpec(createEnvVars('A')),
    failedRevision: createContainerSpec(createEnvVars('A')),
    retainedRevisions: [createContainerSpec(), createContainerSpec(createEnvVars('A'))],
    expected: [],
  },
  {
    name: 'a label beside that of someone else',
    live: { labels: { a: '1', team: 'x', theirs: '2' } },
    failedRevision: { labels: { a: '1', team: 'x' } },
    retainedRevisions: [{ labels: { a: '1' } }],
    expected: ['labels/team'],
  },
  {
    name: 'labels that are all of the failed revision',
    live: { labels: { team: 'x' } },
    failedRevision: { labels: { team: 'x' } },
    retainedRevisions: [{}],
    expected: ['labels'],
  },
  {
    name: 'labels of the failed revision, where there were none before and others have put theirs',
    live: { labels: { team: 'x', theirs: '2' } },
    failedRevision: { labels: { team: 'x' } },
    retainedRevisions: [{}],
    expected: ['labels/team'],
  },
  {
    name: 'what someone else has changed since stays',
    live: { labels: { team: 'theirs', b: '1' } },
    failedRevision: { labels: { team: 'x' } },
    retainedRevisions: [{ labels: { b: '1' } }],
    expected: [],
  },
  {
    name: 'what helm had not yet applied',
    live: { labels: { b: '1' } },
    failedRevision: { labels: { b: '1', team: 'x' } },
    retainedRevisions: [{ labels: { b: '1' } }],
    expected: [],
  },
  {
    name: 'a probe, with what the API adds by itself',
    live: createContainerSpec({
      livenessProbe: { httpGet: { path: '/', port: 1, scheme: 'HTTP' }, timeoutSeconds: 1 },
    }),
    failedRevision: createContainerSpec({ livenessProbe: { httpGet: { path: '/', port: 1 } } }),
    retainedRevisions: [createContainerSpec()],
    expected: ['spec/containers/0/livenessProbe'],
  },
  {
    name: 'variables, the last first',
    live: createContainerSpec(createEnvVars('A', 'B', 'C', 'D')),
    failedRevision: createContainerSpec(createEnvVars('A', 'B', 'D')),
    retainedRevisions: [createContainerSpec(createEnvVars('A'))],
    expected: ['spec/containers/0/env/3', 'spec/containers/0/env/1'],
  },
  {
    name: 'a mount: it is known by its path, not by the name of its volume',
    live: createContainerSpec(createVolumeMounts('/new', '/old')),
    failedRevision: createContainerSpec(createVolumeMounts('/new')),
    retainedRevisions: [createContainerSpec(createVolumeMounts('/old'))],
    expected: ['spec/containers/0/volumeMounts/0'],
  },
  {
    name: 'a container',
    live: { containers: [{ name: 'milvus' }, { name: 'exporter' }] },
    failedRevision: { containers: [{ name: 'exporter' }, { name: 'milvus' }] },
    retainedRevisions: [{ containers: [{ name: 'milvus' }] }],
    expected: ['containers/1'],
  },
  {
    name: 'a list that is replaced as a whole',
    live: { args: ['a', 'b'] },
    failedRevision: { args: ['a', 'b'] },
    retainedRevisions: [{ args: ['a'] }],
    expected: [],
  },
  {
    name: 'a list of one revision alone',
    live: { args: ['a', 'b'] },
    failedRevision: { args: ['a', 'b'] },
    retainedRevisions: [{}],
    expected: ['args'],
  },
]

test.each(cases)('$name', ({ live, failedRevision, retainedRevisions, expected }) => {
  const orphanedFields = findOrphanedFields(live, failedRevision, retainedRevisions)
  expect(orphanedFields.map(({ path }) => path.join('/'))).toEqual(expected)
  // Each field to remove must exist, and its test must hold beforehand.
  for (const {
    path,
    test: { path: testPath, value },
  } of orphanedFields) {
    expect(testPath.slice(0, path.length)).toEqual(path)
    expect(
      testPath.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], live),
    ).toEqual(value)
  }
})
