/** Inputs values and secret-values. */
import { expect, test } from '@jest/globals'
import { captureInputError, formatProblems, minimalInputs, readInputs } from './read-inputs.ts'

test('secret-values are merged over values', () => {
  const inputs = {
    values:
      'minio: {bucketName: a, secretKey: public}\ntolerations: [{key: a}]\nproxy: {replicas: 2}',
    'secret-values': '{"minio": {"secretKey": "secret"}, "tolerations": [], "proxy": null}',
  }
  expect(readInputs({ ...minimalInputs, ...inputs }).values).toEqual({
    minio: { bucketName: 'a', secretKey: 'secret' },
    tolerations: [],
    proxy: null,
  })
})

test('secret-values that cannot be read are not quoted', () => {
  const error = captureInputError({ ...minimalInputs, 'secret-values': 'a: canary\n b: canary' })
  expect(formatProblems(error)).toEqual([
    'input-invalid: Input secret-values is not valid YAML: syntax error in line 2, column 3.',
  ])
  expect(error.remedy).not.toContain('canary')
})

test('secret-values change a release that cutover: never keeps', () => {
  const error = captureInputError({ ...minimalInputs, cutover: 'never', 'secret-values': 'a: b' })
  expect(formatProblems(error)).toEqual([
    'inputs-conflict: Input cutover is never, which leaves the release unchanged, but secret-values would change it.',
  ])
})
