import { describe, expect, test } from '@jest/globals'
import type { AnyObject } from '../../src/kubernetes/types.ts'
import { newestRevisions } from '../../src/steps/preflight/release.ts'

/** `name.revision status`, as helm labels it. */
function objects(...revisions: string[]): AnyObject[] {
  return revisions.map((text) => {
    const [, name = '', version = '', status = ''] = /^(.+)\.(\d+) (.+)$/.exec(text) ?? []
    return { metadata: { name: `sh.helm.release.v1.${name}.v${version}`, uid: text, resourceVersion: '1', labels: { owner: 'helm', name, version, status } } }
  })
}

const object = (name: string, revision: number): string => `sh.helm.release.v1.${name}.v${revision}`

describe('newestRevisions: what is newest, and what helm starts an upgrade from', () => {
  test.each<[string, AnyObject[], [name: string, last: number, current: number][]]>([
    ['nothing', [], []],
    ['one', objects('a.1 deployed'), [['a', 1, 1]]],
    ['by number, not by text', objects('a.9 superseded', 'a.10 deployed', 'a.8 superseded'), [['a', 10, 10]]],
    ['an upgrade that failed', objects('a.4 deployed', 'a.5 failed'), [['a', 5, 4]]],
    ['several that failed', objects('a.3 superseded', 'a.4 deployed', 'a.5 failed', 'a.6 failed'), [['a', 6, 4]]],
    ['an upgrade that is under way', objects('a.4 deployed', 'a.5 pending-upgrade'), [['a', 5, 4]]],
    ['an install that failed', objects('a.1 failed'), [['a', 1, 1]]],
    ['nothing deployed any more', objects('a.3 superseded', 'a.4 failed'), [['a', 4, 4]]],
    ['several deployed, as after a crash of helm: the newest', objects('a.3 deployed', 'a.4 deployed'), [['a', 4, 4]]],
    ['uninstalled with its history kept', objects('a.1 superseded', 'a.2 uninstalled'), []],
    ['uninstalled and installed again', objects('a.2 uninstalled', 'a.3 deployed'), [['a', 3, 3]]],
    ['two releases', objects('a.1 deployed', 'b.7 deployed', 'a.2 failed'), [['a', 2, 1], ['b', 7, 7]]],
    ['an object that is no revision', [...objects('a.1 deployed'), { metadata: { name: 'x', uid: 'x', resourceVersion: '1', labels: { owner: 'helm' } } }], [['a', 1, 1]]],
  ])('%s', (_, given, expected) => {
    expect(newestRevisions(given)).toEqual(expected.map(([name, last, current]) => ({ last: object(name, last), current: object(name, current) })))
  })
})
