import { expect, test } from '@jest/globals'
import { getRevisionHolder, revisionLabels } from '../../../src/locking/revision-labels.ts'
import { toInterruptedOperation } from '../../../src/steps/release/recovery.ts'
import type { StoredRevision } from '../../../src/steps/release/revisions.ts'

const ownLabels = revisionLabels('run-1', 2)

test.each<[string, Record<string, string> | undefined, number, string | undefined]>([
  ['a revision of this action', ownLabels, 2, 'run-1'],
  ['one that inherited its labels', ownLabels, 3, undefined],
  ['a revision of someone else', { owner: 'helm' }, 2, undefined],
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
      object: `v${revision}`,
      holderId: undefined,
    }
  })

test.each<[string, readonly string[], 'failed' | 'deployed']>([
  ['helm was interrupted early', ['2 pending-upgrade', '1 deployed'], 'failed'],
  ['only the last write is missing', ['2 pending-upgrade', '1 superseded'], 'deployed'],
  ['a failed one is in between', ['3 pending-upgrade', '2 failed', '1 deployed'], 'failed'],
  ['it started from a failed installation', ['2 pending-upgrade', '1 failed'], 'failed'],
  [
    'there are older revisions',
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
