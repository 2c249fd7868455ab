import { expect, test } from '@jest/globals'
import { getRevisionHolder, revisionLabels } from '../../../src/locking/revision-labels.ts'
import { toInterruptedOperation } from '../../../src/steps/release/recovery.ts'
import type { StoredRevision } from '../../../src/steps/release/release.ts'

const ownLabels = revisionLabels('run-1', 2)

test.each<[string, Record<string, string> | undefined, number, string | undefined]>([
  ['a revision of ours', ownLabels, 2, 'run-1'],
  ['one that inherited our labels', ownLabels, 3, undefined],
  ['one of somebody else', { owner: 'helm' }, 2, undefined],
  ['one without labels', undefined, 2, undefined],
])('makerOf %s', (_, labels, revision, expected) => {
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
  ['helm was in the middle', ['2 pending-upgrade', '1 deployed'], 'failed'],
  ['only the last write is missing', ['2 pending-upgrade', '1 superseded'], 'deployed'],
  ['a failed one is in between', ['3 pending-upgrade', '2 failed', '1 deployed'], 'failed'],
  ['it began from one that had failed to install', ['2 pending-upgrade', '1 failed'], 'failed'],
  [
    'there are older ones',
    ['5 pending-upgrade', '4 superseded', '3 superseded', '2 deployed'],
    'failed',
  ],
])('%s: the pending revision becomes', (_, descriptions, expected) => {
  const history = createRevisions(...descriptions)
  const [latest] = history
  expect(latest && toInterruptedOperation('milvus-demo', latest, history).finalStatus).toBe(
    expected,
  )
})
