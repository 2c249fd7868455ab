import { describe, expect, test } from '@jest/globals'
import type { KubernetesObject } from '../../../src/clients/kubernetes/types.ts'
import { findLatestRevisions } from '../../../src/steps/preflight/revisions.ts'

/** `name.revision status`, as Helm labels it. */
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

describe('findLatestRevisions: the latest revision, and the one from which Helm upgrades', () => {
  test.each<{
    name: string
    revisionObjects: KubernetesObject[]
    expected: [name: string, last: number, deployed: number][]
  }>([
    { name: 'no revisions', revisionObjects: [], expected: [] },
    {
      name: 'one revision',
      revisionObjects: createRevisionObjects('a.1 deployed'),
      expected: [['a', 1, 1]],
    },
    {
      name: 'revisions in numerical order',
      revisionObjects: createRevisionObjects('a.9 superseded', 'a.10 deployed', 'a.8 superseded'),
      expected: [['a', 10, 10]],
    },
    {
      name: 'a failed upgrade',
      revisionObjects: createRevisionObjects('a.4 deployed', 'a.5 failed'),
      expected: [['a', 5, 4]],
    },
    {
      name: 'several failed upgrades',
      revisionObjects: createRevisionObjects(
        'a.3 superseded',
        'a.4 deployed',
        'a.5 failed',
        'a.6 failed',
      ),
      expected: [['a', 6, 4]],
    },
    {
      name: 'a pending upgrade',
      revisionObjects: createRevisionObjects('a.4 deployed', 'a.5 pending-upgrade'),
      expected: [['a', 5, 4]],
    },
    {
      name: 'a failed installation',
      revisionObjects: createRevisionObjects('a.1 failed'),
      expected: [['a', 1, 1]],
    },
    {
      name: 'no deployed revision',
      revisionObjects: createRevisionObjects('a.3 superseded', 'a.4 failed'),
      expected: [['a', 4, 4]],
    },
    {
      name: 'several deployed revisions, as after a crash of Helm',
      revisionObjects: createRevisionObjects('a.3 deployed', 'a.4 deployed'),
      expected: [['a', 4, 4]],
    },
    {
      name: 'an uninstalled release with its history',
      revisionObjects: createRevisionObjects('a.1 superseded', 'a.2 uninstalled'),
      expected: [],
    },
    {
      name: 'a reinstalled release',
      revisionObjects: createRevisionObjects('a.2 uninstalled', 'a.3 deployed'),
      expected: [['a', 3, 3]],
    },
    {
      name: 'two releases',
      revisionObjects: createRevisionObjects('a.1 deployed', 'b.7 deployed', 'a.2 failed'),
      expected: [
        ['a', 2, 1],
        ['b', 7, 7],
      ],
    },
    {
      name: 'an object that is not a revision',
      revisionObjects: [
        ...createRevisionObjects('a.1 deployed'),
        { metadata: { name: 'x', uid: 'x', resourceVersion: '1', labels: { owner: 'helm' } } },
      ],
      expected: [['a', 1, 1]],
    },
  ])('$name', ({ revisionObjects, expected }) => {
    expect(findLatestRevisions(revisionObjects)).toEqual(
      expected.map(([name, latestRevision, deployedRevision]) => ({
        latest: formatObjectName(name, latestRevision),
        deployed: formatObjectName(name, deployedRevision),
      })),
    )
  })
})
