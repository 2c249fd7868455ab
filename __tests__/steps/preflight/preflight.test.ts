import { describe, expect, test } from '@jest/globals'
import type { KubernetesObject } from '../../../src/clients/kubernetes/types.ts'
import { findLatestRevisions } from '../../../src/steps/preflight/revisions.ts'

/** `name.revision status`, as helm labels it. */
function createRevisionObjects(...revisions: string[]): KubernetesObject[] {
  return revisions.map((text) => {
    const [, name = '', version = '', status = ''] = /^(.+)\.(\d+) (.+)$/.exec(text) ?? []
    return {
      metadata: {
        name: `sh.helm.release.v1.${name}.v${version}`,
        uid: text,
        resourceVersion: '1',
        labels: { owner: 'helm', name, version, status },
      },
    }
  })
}

const formatObjectName = (name: string, revision: number): string =>
  `sh.helm.release.v1.${name}.v${revision}`

describe('findLatestRevisions: the latest revision, and the one from which helm upgrades', () => {
  test.each<[string, KubernetesObject[], [name: string, last: number, deployed: number][]]>([
    ['no revisions', [], []],
    ['one revision', createRevisionObjects('a.1 deployed'), [['a', 1, 1]]],
    [
      'revisions in numerical order',
      createRevisionObjects('a.9 superseded', 'a.10 deployed', 'a.8 superseded'),
      [['a', 10, 10]],
    ],
    ['a failed upgrade', createRevisionObjects('a.4 deployed', 'a.5 failed'), [['a', 5, 4]]],
    [
      'several failed upgrades',
      createRevisionObjects('a.3 superseded', 'a.4 deployed', 'a.5 failed', 'a.6 failed'),
      [['a', 6, 4]],
    ],
    [
      'a pending upgrade',
      createRevisionObjects('a.4 deployed', 'a.5 pending-upgrade'),
      [['a', 5, 4]],
    ],
    ['a failed installation', createRevisionObjects('a.1 failed'), [['a', 1, 1]]],
    ['no deployed revision', createRevisionObjects('a.3 superseded', 'a.4 failed'), [['a', 4, 4]]],
    [
      'several deployed revisions, as after a crash of helm',
      createRevisionObjects('a.3 deployed', 'a.4 deployed'),
      [['a', 4, 4]],
    ],
    [
      'an uninstalled release with its history',
      createRevisionObjects('a.1 superseded', 'a.2 uninstalled'),
      [],
    ],
    [
      'a reinstalled release',
      createRevisionObjects('a.2 uninstalled', 'a.3 deployed'),
      [['a', 3, 3]],
    ],
    [
      'two releases',
      createRevisionObjects('a.1 deployed', 'b.7 deployed', 'a.2 failed'),
      [
        ['a', 2, 1],
        ['b', 7, 7],
      ],
    ],
    [
      'an object that is not a revision',
      [
        ...createRevisionObjects('a.1 deployed'),
        { metadata: { name: 'x', uid: 'x', resourceVersion: '1', labels: { owner: 'helm' } } },
      ],
      [['a', 1, 1]],
    ],
  ])('%s', (_, revisionObjects, expected) => {
    expect(findLatestRevisions(revisionObjects)).toEqual(
      expected.map(([name, latestRevision, deployedRevision]) => ({
        latest: formatObjectName(name, latestRevision),
        deployed: formatObjectName(name, deployedRevision),
      })),
    )
  })
})
