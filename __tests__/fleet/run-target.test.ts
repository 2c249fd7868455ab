import { expect, test } from '@jest/globals'
import { readJobResults } from '../../src/fleet/deploy/job-results.ts'
import { readCommonInputs, readJobTargets } from '../../src/fleet/deploy/run-target.ts'

const target = { name: 'a', inputs: { host: 'milvus.example.com' } }
const result = {
  name: 'a',
  host: 'milvus.example.com',
  outcome: 'success',
  outputs: { drift: 'false' },
}
const jobResults = { attempt: 2, mode: 'deploy', dryRun: false, targets: [result] }

test('reads the outputs of the other fleet actions', () => {
  expect(readJobTargets(JSON.stringify([target]))).toEqual([target])
  expect(readCommonInputs(JSON.stringify(target.inputs))).toEqual(target.inputs)
  expect(readJobResults(JSON.stringify(jobResults))).toEqual(jobResults)
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
  '{"attempt":1,"mode":"check","dryRun":false,"targets":[{"name":"a","host":"h","outcome":"success"}]}',
  '{"attempt":"1","mode":"check","dryRun":false,"targets":[]}',
])('rejects %j', (text) => {
  if (text !== '{}')
    expect(() => readCommonInputs(text)).toThrow(/^Input common-inputs is not a JSON object/)
  expect(() => readJobTargets(text)).toThrow(
    /^Input targets is not a list of targets from fleet\/plan\./,
  )
  expect(() => readJobResults(text)).toThrow(/^fleet\/deploy did not write it\./)
})
