import { expect, test } from '@jest/globals'
import { getRevisionHolder, revisionLabels } from '../../../src/locking/revision-labels.ts'
import { toInterruptedOperation } from '../../../src/steps/release/recovery.ts'
import type { StoredRevision } from '../../../src/steps/preflight/revisions.ts'

const ownLabels = revisionLabels('run-1', 2)

test.each<[string, Record<string, string> | undefined, number, string | undefined]>([
  ['a revision of this action', ownLabels, 2, 'run-1'],
  ['a revision with inherited labels', ownLabels, 3, undefined],
  ['a revision of another tool', { owner: 'helm' }, 2, undefined],
  ['a revision without labels', undefined, 2, undefined],
])('getRevisionHolder: %s', (_, labels, revision, expected) => {
  expect(getRevisionHolder(labels, revision)).toBe(expected)
})

/** Revisions, the newest first, as `number status`. */
const createRevisions = (...descriptions: readonly string[]): StoredRevision[] =>
  descriptions.map((text) => {
    const [revision = '', status = ''] = text.split(' ')
    return {
      name: 'milvus-demo',
      revision: Number(revision),
      status,
      objectName: `v${revision}`,
      holderId: undefined,
    }
  })

test.each<[string, readonly string[], 'failed' | 'deployed']>([
  ['an early interruption', ['2 pending-upgrade', '1 deployed'], 'failed'],
  ['an interruption before the last write', ['2 pending-upgrade', '1 superseded'], 'deployed'],
  ['a failed revision in between', ['3 pending-upgrade', '2 failed', '1 deployed'], 'failed'],
  ['an upgrade of a failed installation', ['2 pending-upgrade', '1 failed'], 'failed'],
  [
    'older revisions',
    ['5 pending-upgrade', '4 superseded', '3 superseded', '2 deployed'],
    'failed',
  ],
])('toInterruptedOperation: %s', (_, descriptions, expected) => {
  const history = createRevisions(...descriptions)
  const [latest] = history
  expect(latest && toInterruptedOperation('milvus-demo', latest, history).finalStatus).toBe(
    expected,
  )
})
