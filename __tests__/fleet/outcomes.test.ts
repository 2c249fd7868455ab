import { expect, test } from '@jest/globals'
import { combineOutcomes, readOutcomes } from '../../src/fleet/outcomes.ts'

test('of several outcomes of a target, the one that was uploaded last counts', () => {
  const combined = combineOutcomes([
    { uploadedAt: 3, outcomes: [{ name: 'a', succeeded: true }] },
    {
      uploadedAt: 1,
      outcomes: [
        { name: 'a', succeeded: false },
        { name: 'b', succeeded: false },
      ],
    },
    { uploadedAt: 2, outcomes: [{ name: 'a', succeeded: false }] },
  ])
  expect([...combined]).toEqual([
    ['a', true],
    ['b', false],
  ])
})

test.each(['', '{}', 'null', '[1]', '[{"name":"a"}]', '[{"name":1,"succeeded":true}]'])(
  'rejects the outcomes %j',
  (text) => {
    expect(() => readOutcomes(text)).toThrow('is not from this action')
  },
)
