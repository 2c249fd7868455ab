import { describe, expect, test } from '@jest/globals'
import type { Candidate } from '../../../src/steps/certificate/selection.ts'
import {
  createCandidate,
  describePlan,
  oldCertificate,
  otherCertificates,
  otherTag,
  ownTag,
  parseLeaf,
  renewedCertificate,
  runSelection,
  tags,
  wildcardMaterial,
} from './certificate-fixture.ts'

describe('selectCertificate', () => {
  test.each<[string, () => Candidate[], live: number | undefined, expected: string]>([
    ['no certificate in ACM', () => [], undefined, 'import'],
    ['a live ARN that is not in ACM', () => [], 9, 'import'],
    [
      'an equal owned certificate',
      () => [createCandidate(1, renewedCertificate, ownTag)],
      undefined,
      'use 1',
    ],
    [
      'an owned certificate from before the renewal',
      () => [createCandidate(1, oldCertificate, ownTag)],
      undefined,
      'reimport 1',
    ],
    [
      'an owned certificate with more names, which others may use',
      () => [createCandidate(1, otherCertificates.more, ownTag)],
      1,
      'import',
    ],
    [
      'an owned certificate beside one with more names',
      () => [
        createCandidate(1, otherCertificates.more, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      1,
      'reimport 2',
    ],
    [
      'an owned certificate that loses more names, and an equal one of another target',
      () => [
        createCandidate(1, otherCertificates.more, ownTag),
        createCandidate(2, renewedCertificate, otherTag),
      ],
      1,
      'use 2',
    ],
    [
      'an equal owned certificate beside a live owned one',
      () => [
        createCandidate(1, oldCertificate, ownTag),
        createCandidate(2, renewedCertificate, ownTag),
      ],
      1,
      'use 2',
    ],
    [
      'the live one of two owned certificates',
      () => [
        createCandidate(1, oldCertificate, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      2,
      'reimport 2',
    ],
    [
      'the first of two owned certificates, if none is live',
      () => [
        createCandidate(1, oldCertificate, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      undefined,
      'reimport 1',
    ],
    [
      'an owned certificate beside the live one',
      () => [createCandidate(1, oldCertificate), createCandidate(2, oldCertificate, ownTag)],
      1,
      'reimport 2',
    ],
    [
      'an owned certificate beside an equal one without owner',
      () => [createCandidate(1, renewedCertificate), createCandidate(2, oldCertificate, ownTag)],
      undefined,
      'reimport 2',
    ],
    [
      'a live certificate that was imported manually',
      () => [createCandidate(1, oldCertificate)],
      1,
      'reimport 1',
    ],
    ['an equal live certificate', () => [createCandidate(1, renewedCertificate)], 1, 'use 1'],
    [
      'an equal certificate without owner',
      () => [createCandidate(1, renewedCertificate)],
      undefined,
      'use 1',
    ],
    [
      'an equal certificate of another target',
      () => [createCandidate(1, renewedCertificate, otherTag)],
      undefined,
      'use 1',
    ],
    [
      'a different certificate without owner',
      () => [createCandidate(1, oldCertificate)],
      undefined,
      'import',
    ],
    [
      'a different certificate of another target',
      () => [createCandidate(1, oldCertificate, otherTag)],
      undefined,
      'import',
    ],
    [
      'a different live certificate of another target',
      () => [createCandidate(1, oldCertificate, otherTag)],
      1,
      'import',
    ],
    [
      'an owned certificate with another key type',
      () => [createCandidate(1, otherCertificates.bigger, ownTag)],
      1,
      'import',
    ],
    [
      'an owned certificate without a shared DNS name',
      () => [createCandidate(1, otherCertificates.elsewhere, ownTag)],
      1,
      'import',
    ],
    [
      'an owned certificate with its DNS name in another case',
      () => [createCandidate(1, otherCertificates.mixed, ownTag)],
      1,
      'reimport 1',
    ],
    [
      'a live certificate that ACM issued',
      () => [createCandidate(1, oldCertificate, { isImported: false })],
      1,
      'import',
    ],
    [
      'a live certificate that ACM issued, and an equal one',
      () => [
        createCandidate(1, oldCertificate, { isImported: false }),
        createCandidate(2, renewedCertificate),
      ],
      1,
      'use 2',
    ],
    [
      'an owned certificate with another key type, and an equal one',
      () => [
        createCandidate(1, otherCertificates.bigger, ownTag),
        createCandidate(2, renewedCertificate),
      ],
      1,
      'use 2',
    ],
  ])('%s', (_, candidates, currentIndex, expected) => {
    expect(describePlan(runSelection(candidates(), currentIndex))).toBe(expected)
  })

  test('re-imports a wildcard that covers all names of the owned certificate', () => {
    const candidate = createCandidate(1, otherCertificates.more, ownTag)
    expect(describePlan(runSelection([candidate], 1, wildcardMaterial))).toBe('reimport 1')
  })

  test.each<[string, () => Candidate, RegExp]>([
    [
      'a certificate that ACM issued',
      () => createCandidate(1, oldCertificate, { isImported: false }),
      /^it cannot be imported under \S+0001: it was issued by ACM$/,
    ],
    [
      'a certificate with another key type',
      () => createCandidate(1, otherCertificates.bigger, ownTag),
      /^it cannot be imported under \S+0001: its key is EC_secp384r1, not EC_prime256v1$/,
    ],
    [
      'a certificate without a shared DNS name',
      () => createCandidate(1, otherCertificates.elsewhere, ownTag),
      /^it cannot be imported under \S+0001: it has no DNS name in common with the new certificate$/,
    ],
    [
      'an owned certificate with more names',
      () => createCandidate(1, otherCertificates.more, ownTag),
      /^it cannot be imported under \S+0001: it covers old\.example\.com, which the new certificate does not$/,
    ],
  ])('explains a new import: %s', (_, candidate, why) => {
    const { operations } = runSelection([candidate()], 1)
    expect(operations).toMatchObject([
      { action: 'import', tags, why: expect.stringMatching(why) as unknown },
    ])
  })

  test.each<[string, () => Candidate[], live: number | undefined, expected: number[]]>([
    ['none', () => [createCandidate(1, renewedCertificate, ownTag)], 1, []],
    [
      'a live certificate with another key type',
      () => [createCandidate(1, otherCertificates.bigger, ownTag)],
      1,
      [1],
    ],
    [
      'a live certificate with more names',
      () => [createCandidate(1, otherCertificates.more, ownTag)],
      1,
      [1],
    ],
    [
      'a certificate of a killed run',
      () => [
        createCandidate(1, renewedCertificate, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      1,
      [2],
    ],
    [
      'none without owner, of another target, or issued by ACM',
      () => [
        createCandidate(1, renewedCertificate, ownTag),
        createCandidate(2, oldCertificate),
        createCandidate(3, oldCertificate, otherTag),
        createCandidate(4, oldCertificate, { ...ownTag, isImported: false }),
      ],
      1,
      [],
    ],
  ])('superseded: %s', (_, candidates, currentIndex, expected) => {
    expect(
      runSelection(candidates(), currentIndex).superseded.map((candidate) =>
        Number(candidate.arn.slice(-12)),
      ),
    ).toEqual(expected)
  })

  test('explains a re-import', () => {
    expect(runSelection([createCandidate(1, oldCertificate, ownTag)]).operations).toMatchObject([
      {
        why: 'it differs from input certificate',
        previousLeaf: { serialNumber: parseLeaf(oldCertificate).serialNumber },
      },
    ])
    expect(
      runSelection([createCandidate(1, renewedCertificate, { ...ownTag, chain: [] })]).operations,
    ).toMatchObject([{ why: 'the chain differs from the inputs' }])
  })
})
