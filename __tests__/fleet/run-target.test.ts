import { expect, test } from '@jest/globals'
import { readJobResults } from '../../src/fleet/deploy/job-results.ts'
import {
  chooseCertificate,
  readCommonInputs,
  readJobTargets,
} from '../../src/fleet/deploy/run-target.ts'

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

test('a target with a secret of its own does not get the certificate of the job', () => {
  const inputs = {
    host: 'milvus.example.com',
    certificate: 'PEM',
    'private-key': 'PEM',
    'certificate-chain': 'PEM',
  }
  expect(chooseCertificate(inputs)).toEqual(inputs)
  expect(chooseCertificate({ ...inputs, 'certificate-secret': 'milvus-tls' })).toEqual({
    host: 'milvus.example.com',
    'certificate-secret': 'milvus-tls',
    certificate: '',
    'private-key': '',
    'certificate-chain': '',
  })
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
