/** Runs the longest resilience tests first, so that no worker is alone with one at the end. */
import { basename } from 'node:path'

const longest = [
  'killed-reverting',
  'killed',
  'api-faults',
  'cancelled',
  'cancelled-reverting',
  'long-run',
  'mid-run-faults',
  'event-stream-faults',
  'concurrent-runs',
  'hostile-apis',
  'hostile-aws',
  'disk-failures',
  'untrusted-responses',
  'untrusted-text',
  'malformed-files',
  'malformed-fleet-files',
  'malformed-releases',
]

export default class LongestFirst {
  sort(tests) {
    const rank = ({ path }) =>
      (longest.indexOf(basename(path, '.test.ts')) + longest.length + 1) % (longest.length + 1)
    return tests.toSorted((one, other) => rank(one) - rank(other))
  }

  /** Required by jest. Nothing is cached. */
  cacheResults() {}
}
