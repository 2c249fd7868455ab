import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import { plan } from '../../../src/steps/certificate/certificate.ts'
import {
  selectCertificate,
  type Candidate,
  type CertificateDecision,
} from '../../../src/steps/certificate/selection.ts'
import {
  parseCertificateMaterial,
  type CertificateMaterial,
} from '../../../src/x509/certificate.ts'
import { certificateArn as someArn, host } from '../fixtures.ts'

const key = 'EC_prime256v1'
const ownTarget = 'uid-of-namespace/milvus-demo'
const tags = { 'milvus-alb-action/target': ownTarget }
const createArn = (index: number): string =>
  someArn.replace(/0{12}$/, String(index).padStart(12, '0'))

let authority: CertificateAuthority,
  renewedCertificate: IssuedCertificate,
  oldCertificate: IssuedCertificate,
  material: CertificateMaterial
const otherCertificates: Record<'bigger' | 'elsewhere' | 'more' | 'mixed', IssuedCertificate> =
  {} as never

beforeAll(async () => {
  authority = await createCertificateAuthority({ keyAlgorithm: key })
  const issueCertificate = (
    hosts: string[],
    keyAlgorithm: Parameters<CertificateAuthority['issue']>[0]['keyAlgorithm'] = key,
  ): Promise<IssuedCertificate> => authority.issue({ hosts, keyAlgorithm })
  oldCertificate = await issueCertificate([host])
  renewedCertificate = await issueCertificate([host])
  otherCertificates.bigger = await issueCertificate([host], 'EC_secp384r1')
  otherCertificates.elsewhere = await issueCertificate(['other.example.com'])
  otherCertificates.more = await issueCertificate(['old.example.com', host])
  otherCertificates.mixed = await issueCertificate([host.toUpperCase()])
  material = parseCertificateMaterial({
    certificate: renewedCertificate.certificate,
    chain: renewedCertificate.chain,
    privateKey: renewedCertificate.privateKey,
  })
})

const parseLeaf = (issued: IssuedCertificate): X509Certificate =>
  new X509Certificate(issued.certificate)
const parseChain = (issued: IssuedCertificate): X509Certificate[] => [
  new X509Certificate(issued.chain),
]

/** A candidate in ACM: by default imported, without owner, and with its chain. */
const createCandidate = (
  index: number,
  issued: IssuedCertificate,
  overrides: Partial<Candidate> = {},
): Candidate => ({
  arn: createArn(index),
  isImported: true,
  leaf: parseLeaf(issued),
  chain: parseChain(issued),
  ownerTag: undefined,
  ...overrides,
})
const ownTag = { ownerTag: ownTarget }
const otherTag = { ownerTag: 'uid-of-namespace/another' }

const runSelection = (
  candidates: readonly Candidate[],
  currentIndex?: number,
): CertificateDecision =>
  selectCertificate(candidates, {
    ownerTag: ownTarget,
    liveArn: currentIndex === undefined ? undefined : createArn(currentIndex),
    material,
    tags,
  })

/** `use 1`, `reimport 2`, `import`. */
const describeDecision = (decision: CertificateDecision): string =>
  !('arn' in decision) ? decision.action : `${decision.action} ${Number(decision.arn.slice(-12))}`

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
      'an owned certificate from before the renewal, with more names',
      () => [createCandidate(1, otherCertificates.more, ownTag)],
      undefined,
      'reimport 1',
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
    expect(describeDecision(runSelection(candidates(), currentIndex))).toBe(expected)
  })

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
  ])('%s', (_, overrides, expected) => {
    expect(
      describeDecision(
        runSelection([createCandidate(1, renewedCertificate, { ...ownTag, ...overrides() })]),
      ),
    ).toBe(expected)
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
  ])('explains a new import: %s', (_, candidate, why) => {
    const decision = runSelection([candidate()], 1)
    expect(decision).toMatchObject({
      action: 'import',
      tags,
      why: expect.stringMatching(why) as unknown,
    })
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
    expect(runSelection([createCandidate(1, oldCertificate, ownTag)])).toMatchObject({
      why: 'it differs from input certificate',
      previousLeaf: { serialNumber: parseLeaf(oldCertificate).serialNumber },
    })
    expect(
      runSelection([createCandidate(1, renewedCertificate, { ...ownTag, chain: [] })]),
    ).toMatchObject({ why: 'the chain differs from the inputs' })
  })
})

describe('plan', () => {
  test('returns no change for a certificate that is reused', () => {
    expect(
      plan({ action: 'use', arn: createArn(1), leaf: parseLeaf(oldCertificate), superseded: [] }),
    ).toEqual([])
  })

  test('describes an import and a re-import', () => {
    const description = (issued: IssuedCertificate): unknown =>
      expect.stringMatching(
        new RegExp(
          `^CN=milvus\\.example\\.com, serial ${parseLeaf(issued).serialNumber}, until \\d{4}-`,
        ),
      )
    expect(plan({ action: 'import', material, tags, superseded: [], why: 'ACM has none' })).toEqual(
      [
        {
          step: 'certificate',
          object: 'ACM',
          path: 'certificate',
          after: description(renewedCertificate),
          why: 'ACM has none',
        },
      ],
    )
    expect(
      plan({
        action: 'reimport',
        material,
        tags,
        superseded: [],
        arn: createArn(1),
        previousLeaf: parseLeaf(oldCertificate),
        why: 'it differs',
      }),
    ).toEqual([
      {
        step: 'certificate',
        object: `ACM certificate ${createArn(1)}`,
        path: 'certificate',
        before: description(oldCertificate),
        after: description(renewedCertificate),
        why: 'it differs',
      },
    ])
  })

  test('describes a certificate without a subject', async () => {
    const certificateWithoutName = await authority.issue({
      hosts: [host],
      commonName: null,
      keyAlgorithm: key,
    })
    const materialWithoutName = parseCertificateMaterial({
      certificate: certificateWithoutName.certificate,
      chain: certificateWithoutName.chain,
      privateKey: certificateWithoutName.privateKey,
    })
    expect(
      plan({ action: 'import', material: materialWithoutName, tags, superseded: [], why: 'x' })[0]
        ?.after,
    ).toContain(parseLeaf(certificateWithoutName).serialNumber)
  })

  test('never includes the private key', () => {
    const [keyLine = ''] = renewedCertificate.privateKey.split('\n').slice(1)
    expect(
      JSON.stringify([
        ...plan({ action: 'import', material, tags, superseded: [], why: 'x' }),
        ...plan({
          action: 'reimport',
          material,
          tags,
          superseded: [],
          arn: createArn(1),
          previousLeaf: parseLeaf(oldCertificate),
          why: 'x',
        }),
      ]),
    ).not.toContain(keyLine)
  })
})
