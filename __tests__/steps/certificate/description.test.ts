import { expect, test } from '@jest/globals'
import { describeCertificate } from '../../../src/steps/certificate/description.ts'
import { host } from '../fixtures.ts'
import { authority, keyAlgorithm, parseLeaf } from './certificate-fixture.ts'

test.each([
  { name: 'a common name', commonName: host, subject: `CN=${host}` },
  { name: 'no subject', commonName: null, subject: host },
])('describeCertificate: $name', async ({ commonName, subject }) => {
  const issued = await authority.issue({ hosts: [host], commonName, keyAlgorithm })
  expect(describeCertificate(parseLeaf(issued)).split(', serial ')[0]).toBe(subject)
})
