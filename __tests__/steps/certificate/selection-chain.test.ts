/** What ACM may return as the chain of a certificate. */
import { X509Certificate } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import type { Candidate } from '../../../src/steps/certificate/selection.ts'
import {
  authority,
  createCandidate,
  describePlan,
  keyAlgorithm,
  otherCertificates,
  ownTag,
  parseChain,
  parseLeaf,
  renewedCertificate,
  runSelection,
} from './certificate-fixture.ts'

const otherRoot = new X509Certificate(
  (await createCertificateAuthority({ name: 'Other CA', keyAlgorithm })).root,
)

test.each<[string, () => Partial<Candidate>, expected: string]>([
  [
    'the leaf as the chain in ACM',
    () => ({ chain: [parseLeaf(renewedCertificate)] }),
    'reimport 1',
  ],
  [
    'the leaf before the chain in ACM',
    () => ({ chain: [parseLeaf(renewedCertificate), ...parseChain(renewedCertificate)] }),
    'use 1',
  ],
  ['no chain in ACM', () => ({ chain: [] }), 'reimport 1'],
  [
    'the root after the chain in ACM',
    () => ({ chain: [...parseChain(renewedCertificate), new X509Certificate(authority.root)] }),
    'use 1',
  ],
  [
    'another certificate after the chain in ACM',
    () => ({
      chain: [...parseChain(renewedCertificate), parseLeaf(otherCertificates.elsewhere)],
    }),
    'reimport 1',
  ],
  [
    'the root of another CA after the chain in ACM',
    () => ({ chain: [...parseChain(renewedCertificate), otherRoot] }),
    'reimport 1',
  ],
  [
    'the root twice after the chain in ACM',
    () => {
      const root = new X509Certificate(authority.root)
      return { chain: [...parseChain(renewedCertificate), root, root] }
    },
    'reimport 1',
  ],
])('%s', (_, overrides, expected) => {
  expect(
    describePlan(
      runSelection([createCandidate(1, renewedCertificate, { ...ownTag, ...overrides() })]),
    ),
  ).toBe(expected)
})
