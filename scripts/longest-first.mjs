/**
 * The order in which jest takes up the tests of faults: those that take longest first, so that no
 * worker is left alone with one at the end.
 */
import { basename } from 'node:path'

const longest = [
  'killed-going-back',
  'killed',
  'wire',
  'cancelled',
  'cancelled-going-back',
  'long-run',
  'wire-waits',
  'together',
  'lying-apis',
  'disk',
  'lies',
  'bad-files',
]

export default class LongestFirst {
  sort(tests) {
    const rank = ({ path }) =>
      (longest.indexOf(basename(path, '.test.ts')) + longest.length + 1) % (longest.length + 1)
    return tests.toSorted((one, other) => rank(one) - rank(other))
  }

  /** jest asks for this when all is done; nothing is kept. */
  cacheResults() {}
}
