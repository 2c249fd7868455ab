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
    name: 'no field that a retained revision also sets',
    live: createContainerSpec(createEnvVars('A')),
    failedRevision: createContainerSpec(createEnvVars('A')),
    retainedRevisions: [createContainerSpec(), createContainerSpec(createEnvVars('A'))],
    expected: [],
  },
  {
    name: 'a label beside one of another field manager',
    live: { labels: { a: '1', team: 'x', theirs: '2' } },
    failedRevision: { labels: { a: '1', team: 'x' } },
    retainedRevisions: [{ labels: { a: '1' } }],
    expected: ['labels/team'],
  },
  {
    name: 'the whole map when only the failed revision sets labels',
    live: { labels: { team: 'x' } },
    failedRevision: { labels: { team: 'x' } },
    retainedRevisions: [{}],
    expected: ['labels'],
  },
  {
    name: 'the only label of Helm beside one of another field manager',
    live: { labels: { team: 'x', theirs: '2' } },
    failedRevision: { labels: { team: 'x' } },
    retainedRevisions: [{}],
    expected: ['labels/team'],
  },
  {
    name: 'no label that another field manager has changed since',
    live: { labels: { team: 'theirs', b: '1' } },
    failedRevision: { labels: { team: 'x' } },
    retainedRevisions: [{ labels: { b: '1' } }],
    expected: [],
  },
  {
    name: 'no label that Helm had not applied yet',
    live: { labels: { b: '1' } },
    failedRevision: { labels: { b: '1', team: 'x' } },
    retainedRevisions: [{ labels: { b: '1' } }],
    expected: [],
  },
  {
    name: 'a probe with defaults of the Kubernetes API',
    live: createContainerSpec({
      livenessProbe: { httpGet: { path: '/', port: 1, scheme: 'HTTP' }, timeoutSeconds: 1 },
    }),
    failedRevision: createContainerSpec({ livenessProbe: { httpGet: { path: '/', port: 1 } } }),
    retainedRevisions: [createContainerSpec()],
    expected: ['spec/containers/0/livenessProbe'],
  },
  {
    name: 'environment variables, the last first',
    live: createContainerSpec(createEnvVars('A', 'B', 'C', 'D')),
    failedRevision: createContainerSpec(createEnvVars('A', 'B', 'D')),
    retainedRevisions: [createContainerSpec(createEnvVars('A'))],
    expected: ['spec/containers/0/env/3', 'spec/containers/0/env/1'],
  },
  {
    name: 'a volume mount, identified by its path instead of its volume name',
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
    name: 'no item of a list that is replaced as a whole',
    live: { args: ['a', 'b'] },
    failedRevision: { args: ['a', 'b'] },
    retainedRevisions: [{ args: ['a'] }],
    expected: [],
  },
  {
    name: 'a list that only the failed revision sets',
    live: { args: ['a', 'b'] },
    failedRevision: { args: ['a', 'b'] },
    retainedRevisions: [{}],
    expected: ['args'],
  },
]

test.each(cases)(
  'findOrphanedFields: $name',
  ({ live, failedRevision, retainedRevisions, expected }) => {
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
  },
)
