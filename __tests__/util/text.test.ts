import { expect, test } from '@jest/globals'
import { formatDuration } from '../../src/util/text.ts'

test.each([
  [-5, '0 seconds'],
  [1_000, '1 second'],
  [40_000, '40 seconds'],
  [119_000, '119 seconds'],
  [14.5 * 60_000, '14 minutes'],
  [3 * 3_600_000, '3 hours'],
  [47 * 3_600_000, '47 hours'],
  [50 * 3_600_000, '2 days'],
])('formats %d ms as %s', (milliseconds, expected) => {
  expect(formatDuration(milliseconds)).toBe(expected)
})
