import { expect, test } from '@jest/globals'
import { readJobTargets, readResults } from '../../src/fleet/deploy/run-target.ts'

const target = { name: 'a', inputs: { host: 'milvus.example.com' } }
const result = {
  name: 'a',
  host: 'milvus.example.com',
  outcome: 'success',
  outputs: { drift: 'false' },
}

test('reads the outputs of the other fleet actions', () => {
  expect(readJobTargets(JSON.stringify([target]))).toEqual([target])
  expect(readResults(JSON.stringify([result]), 7)).toEqual([result])
})

test.each([
  '',
  '{',
  'null',
  '{}',
  '[null]',
  '[[]]',
  '[{"name":"a","inputs":null}]',
  '[{"name":"a","inputs":{"host":7}}]',
  '[{"name":"a","host":"h","outcome":"success"}]',
])('rejects %j', (text) => {
  expect(() => readJobTargets(text)).toThrow(
    /^Input targets is not a list of targets from fleet\/plan\./,
  )
  expect(() => readResults(text, 7)).toThrow(
    /^Artifact 7 of this run has the name of results, but fleet\/deploy did not write it\./,
  )
})
