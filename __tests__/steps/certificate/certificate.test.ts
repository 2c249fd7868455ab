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

/** A candidate in ACM: imported, of nobody, with its chain, unless said otherwise. */
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

describe('choose', () => {
  test.each<[string, () => Candidate[], live: number | undefined, expected: string]>([
    ['nothing in ACM', () => [], undefined, 'import'],
    ['a live ARN that ACM does not know', () => [], 9, 'import'],
    ['ours, equal', () => [createCandidate(1, renewedCertificate, ownTag)], undefined, 'use 1'],
    [
      'ours, of before the renewal',
      () => [createCandidate(1, oldCertificate, ownTag)],
      undefined,
      'reimport 1',
    ],
    [
      'ours, of before the renewal, with more names',
      () => [createCandidate(1, otherCertificates.more, ownTag)],
      undefined,
      'reimport 1',
    ],
    [
      'ours and equal goes before ours and in use',
      () => [
        createCandidate(1, oldCertificate, ownTag),
        createCandidate(2, renewedCertificate, ownTag),
      ],
      1,
      'use 2',
    ],
    [
      'of two of ours the one in use',
      () => [
        createCandidate(1, oldCertificate, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      2,
      'reimport 2',
    ],
    [
      'of two of ours, neither in use, the first',
      () => [
        createCandidate(1, oldCertificate, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      undefined,
      'reimport 1',
    ],
    [
      'ours goes before the one in use',
      () => [createCandidate(1, oldCertificate), createCandidate(2, oldCertificate, ownTag)],
      1,
      'reimport 2',
    ],
    [
      'ours goes before an equal one of nobody',
      () => [createCandidate(1, renewedCertificate), createCandidate(2, oldCertificate, ownTag)],
      undefined,
      'reimport 2',
    ],
    [
      'the one in use, put there by hand',
      () => [createCandidate(1, oldCertificate)],
      1,
      'reimport 1',
    ],
    ['the one in use, equal', () => [createCandidate(1, renewedCertificate)], 1, 'use 1'],
    ['an equal one of nobody', () => [createCandidate(1, renewedCertificate)], undefined, 'use 1'],
    [
      'an equal one of another target',
      () => [createCandidate(1, renewedCertificate, otherTag)],
      undefined,
      'use 1',
    ],
    [
      'one of nobody that differs is left alone',
      () => [createCandidate(1, oldCertificate)],
      undefined,
      'import',
    ],
    [
      'one of another target that differs is left alone',
      () => [createCandidate(1, oldCertificate, otherTag)],
      undefined,
      'import',
    ],
    [
      'one of another target is left alone, even when our Ingress uses it',
      () => [createCandidate(1, oldCertificate, otherTag)],
      1,
      'import',
    ],
    [
      'ours, of another type of key',
      () => [createCandidate(1, otherCertificates.bigger, ownTag)],
      1,
      'import',
    ],
    [
      'ours, without a name in common',
      () => [createCandidate(1, otherCertificates.elsewhere, ownTag)],
      1,
      'import',
    ],
    [
      'ours, whose name is in capitals: DNS names have no case',
      () => [createCandidate(1, otherCertificates.mixed, ownTag)],
      1,
      'reimport 1',
    ],
    [
      'the one in use, issued by ACM',
      () => [createCandidate(1, oldCertificate, { isImported: false })],
      1,
      'import',
    ],
    [
      'the one in use, issued by ACM, and an equal one beside it',
      () => [
        createCandidate(1, oldCertificate, { isImported: false }),
        createCandidate(2, renewedCertificate),
      ],
      1,
      'use 2',
    ],
    [
      'ours of another type of key, and an equal one beside it',
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
      'ACM answers with the leaf where there is no chain',
      () => ({ chain: [parseLeaf(renewedCertificate)] }),
      'reimport 1',
    ],
    [
      'ACM answers with the leaf before the chain',
      () => ({ chain: [parseLeaf(renewedCertificate), ...parseChain(renewedCertificate)] }),
      'use 1',
    ],
    ['the chain is missing', () => ({ chain: [] }), 'reimport 1'],
    [
      'the chain has the root too',
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
      'issued by ACM',
      () => createCandidate(1, oldCertificate, { isImported: false }),
      /^it cannot be imported under \S+0001: it was issued by ACM$/,
    ],
    [
      'another type of key',
      () => createCandidate(1, otherCertificates.bigger, ownTag),
      /^it cannot be imported under \S+0001: its key is EC_secp384r1, not EC_prime256v1$/,
    ],
    [
      'no name in common',
      () => createCandidate(1, otherCertificates.elsewhere, ownTag),
      /^it cannot be imported under \S+0001: it has no DNS name in common with the new certificate$/,
    ],
  ])('says why it imports a new one: %s', (_, candidate, why) => {
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
      'one of another type of key, which the Ingress serves',
      () => [createCandidate(1, otherCertificates.bigger, ownTag)],
      1,
      [1],
    ],
    [
      'what a run left that was killed',
      () => [
        createCandidate(1, renewedCertificate, ownTag),
        createCandidate(2, oldCertificate, ownTag),
      ],
      1,
      [2],
    ],
    [
      'never one of nobody, of another target, or issued by ACM',
      () => [
        createCandidate(1, renewedCertificate, ownTag),
        createCandidate(2, oldCertificate),
        createCandidate(3, oldCertificate, otherTag),
        createCandidate(4, oldCertificate, { ...ownTag, isImported: false }),
      ],
      1,
      [],
    ],
  ])('leftovers: %s', (_, candidates, currentIndex, expected) => {
    expect(
      runSelection(candidates(), currentIndex).superseded.map((candidate) =>
        Number(candidate.arn.slice(-12)),
      ),
    ).toEqual(expected)
  })

  test('says what a re-import is for', () => {
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
  test('nothing for one that is used as it is', () => {
    expect(
      plan({ action: 'use', arn: createArn(1), leaf: parseLeaf(oldCertificate), superseded: [] }),
    ).toEqual([])
  })

  test('an import and a re-import, in words for people', () => {
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

  test('a certificate without a subject', async () => {
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

  test('the key is in no change', () => {
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
