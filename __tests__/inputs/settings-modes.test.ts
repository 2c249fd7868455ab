/** What the inputs set in modes other than deploy. */
import { expect, test } from '@jest/globals'
import { issued, minimalInputs, readEndpointInputs, readInputs } from './read-inputs.ts'

test('a removal has neither a host nor a certificate', () => {
  const settings = readInputs({ ...minimalInputs, mode: 'destroy' })
  expect(settings).not.toHaveProperty('host')
  expect(settings).not.toHaveProperty('certificate')
})

test.each([{ mode: 'check' }, { 'dry-run': 'true' }])(
  '%j: a certificate without its key',
  (inputs) => {
    const { certificate } = readEndpointInputs({
      ...minimalInputs,
      ...inputs,
      'certificate-arn': '',
      certificate: issued.fullchain,
    })
    expect(certificate).toMatchObject({
      kind: 'material',
      material: { privateKey: '', unrelatedCertificates: [] },
    })
  },
)
