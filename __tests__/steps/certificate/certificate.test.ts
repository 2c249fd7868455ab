import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import type { Ingress } from '../../../src/clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../../src/inputs/types.ts'
import { expectArn, plan, toChanges } from '../../../src/steps/certificate/certificate.ts'
import type { Deferred } from '../../../src/steps/deferred.ts'
import {
  selectCertificate,
  type Candidate,
  type CertificatePlan,
} from '../../../src/steps/certificate/selection.ts'
import {
  parseCertificateMaterial,
  type CertificateMaterial,
} from '../../../src/x509/certificate.ts'
import {
  certificateArn as someArn,
  createSettings,
  createTarget,
  host,
  ingress,
} from '../fixtures.ts'

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

const runSelection = (candidates: readonly Candidate[], currentIndex?: number): CertificatePlan =>
  selectCertificate(candidates, {
    ownerTag: ownTarget,
    liveArn: currentIndex === undefined ? undefined : createArn(currentIndex),
    material,
    tags,
  })

/** `use 1`, `reimport 2`, `import`. */
function describePlan({ current, operations }: CertificatePlan): string {
  const action = operations[0]?.action ?? 'use'
  return current ? `${action} ${Number(current.arn.slice(-12))}` : action
}

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
    expect(describePlan(runSelection(candidates(), currentIndex))).toBe(expected)
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
      describePlan(
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

describe('plan', () => {
  const run = { settings: createSettings() }

  test('needs no operation for a certificate that is only used', () => {
    const certificate = { arn: createArn(1), leaf: parseLeaf(oldCertificate) }
    expect(plan(run, { source: 'existing', certificate })).toEqual({
      current: certificate,
      operations: [],
      superseded: [],
    })
  })

  test.each([
    {
      name: 'imports under the ARN of the inputs',
      issued: () => oldCertificate,
      expected: 'reimport 2',
    },
    { name: 'uses the ARN of the inputs', issued: () => renewedCertificate, expected: 'use 2' },
  ])('$name, whatever else ACM contains', ({ issued, expected }) => {
    const reimportTarget = createCandidate(2, issued())
    const candidates = [createCandidate(1, renewedCertificate, ownTag), reimportTarget]
    const desired = { ownerTag: ownTarget, liveArn: createArn(1), material }
    expect(describePlan(plan(run, { source: 'inputs', desired, candidates, reimportTarget }))).toBe(
      expected,
    )
  })
})

describe('expectArn', () => {
  const planOf = (current: CertificatePlan['current']): CertificatePlan => ({
    current,
    operations: [],
    superseded: [],
  })
  const liveIngress = ingress({ 'alb.ingress.kubernetes.io/certificate-arn': createArn(3) })
  const withoutCertificate = createSettings({ certificate: { kind: 'served' } })

  interface ArnCase {
    readonly name: string
    readonly createPlan: () => CertificatePlan | undefined
    readonly settings?: EndpointSettings
    readonly live?: Ingress
    readonly expected: Deferred<string>
  }
  const arnCases: readonly ArnCase[] = [
    {
      name: 'the certificate that is used',
      createPlan: () => planOf({ arn: createArn(1), leaf: parseLeaf(oldCertificate) }),
      expected: { known: true, value: createArn(1) },
    },
    {
      name: 'a certificate that is imported',
      createPlan: () => runSelection([]),
      expected: { known: false, placeholder: '(known after the import)' },
    },
    {
      name: 'no certificate, in a check',
      createPlan: () => planOf(undefined),
      expected: { known: false, placeholder: '(the certificate of the deployment)' },
    },
    {
      name: 'that of the inputs, when ACM cannot be read',
      createPlan: () => undefined,
      settings: createSettings({ certificate: { kind: 'arn', arn: createArn(2) } }),
      expected: { known: true, value: createArn(2) },
    },
    {
      name: 'the current one, when ACM cannot be read',
      createPlan: () => undefined,
      live: liveIngress,
      expected: { known: true, value: createArn(3) },
    },
  ]
  test.each(arnCases)('$name', ({ createPlan, settings = withoutCertificate, live, expected }) => {
    expect(expectArn(settings, createTarget({ ingress: live }), createPlan())).toEqual(expected)
  })
})

describe('toChanges', () => {
  const createReimport = () =>
    ({
      action: 'reimport',
      material,
      tags,
      arn: createArn(1),
      previousLeaf: parseLeaf(oldCertificate),
      why: 'it differs',
    }) as const

  test('describes an import, a re-import and a deletion', () => {
    const description = (issued: IssuedCertificate): unknown =>
      expect.stringMatching(
        new RegExp(
          `^CN=milvus\\.example\\.com, serial ${parseLeaf(issued).serialNumber}, until \\d{4}-`,
        ),
      )
    const change = { step: 'certificate', path: 'certificate' }
    const object = `ACM certificate ${createArn(1)}`
    const leaf = parseLeaf(oldCertificate)
    expect(
      toChanges([
        { action: 'import', material, tags, why: 'ACM has none' },
        createReimport(),
        { action: 'delete', arn: createArn(1), leaf, why: 'it is unused' },
      ]),
    ).toEqual([
      { ...change, object: 'ACM', after: description(renewedCertificate), why: 'ACM has none' },
      {
        ...change,
        object,
        before: description(oldCertificate),
        after: description(renewedCertificate),
        why: 'it differs',
      },
      { ...change, object, before: description(oldCertificate), why: 'it is unused' },
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
    const [change] = toChanges([
      { action: 'import', material: materialWithoutName, tags, why: 'x' },
    ])
    expect(change?.after).toContain(parseLeaf(certificateWithoutName).serialNumber)
  })

  test('never includes the private key', () => {
    const [keyLine = ''] = renewedCertificate.privateKey.split('\n').slice(1)
    const changes = toChanges([{ action: 'import', material, tags, why: 'x' }, createReimport()])
    expect(JSON.stringify(changes)).not.toContain(keyLine)
  })
})
