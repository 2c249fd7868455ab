import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createAuthority, type Authority, type IssuedCertificate } from '../../sandbox/certificates.ts'
import { plan } from '../../src/steps/certificate.ts'
import { choose, type Candidate, type Facts } from '../../src/steps/certificate-choice.ts'
import { readMaterial, type CertificateMaterial } from '../../src/x509/certificate.ts'
import { arn as someArn, host } from './fixtures.ts'

const key = 'EC_prime256v1'
const mine = 'uid-of-namespace/milvus-demo'
const tags = { 'milvus-alb-action/target': mine }
const arn = (number: number): string => someArn.replace(/0{12}$/, String(number).padStart(12, '0'))

let authority: Authority, renewed: IssuedCertificate, before: IssuedCertificate, material: CertificateMaterial
const others: Record<'bigger' | 'elsewhere' | 'more' | 'mixed', IssuedCertificate> = {} as never

beforeAll(async () => {
  authority = await createAuthority({ key })
  const issue = (hosts: string[], more: Parameters<Authority['issue']>[0]['key'] = key): Promise<IssuedCertificate> => authority.issue({ hosts, key: more })
  before = await issue([host])
  renewed = await issue([host])
  others.bigger = await issue([host], 'EC_secp384r1')
  others.elsewhere = await issue(['other.example.com'])
  others.more = await issue(['old.example.com', host])
  others.mixed = await issue([host.toUpperCase()])
  material = readMaterial({ certificate: renewed.certificate, chain: renewed.chain, privateKey: renewed.privateKey })
})

const leaf = (issued: IssuedCertificate): X509Certificate => new X509Certificate(issued.certificate)
const above = (issued: IssuedCertificate): X509Certificate[] => [new X509Certificate(issued.chain)]

/** A candidate in ACM: imported, of nobody, with its chain, unless said otherwise. */
const held = (number: number, issued: IssuedCertificate, more: Partial<Candidate> = {}): Candidate => ({ arn: arn(number), imported: true, leaf: leaf(issued), chain: above(issued), target: undefined, ...more })
const ours = { target: mine }
const theirs = { target: 'uid-of-namespace/another' }

const decide = (candidates: readonly Candidate[], live?: number): Facts => choose(candidates, { value: mine, liveArn: live === undefined ? undefined : arn(live), material, tags })

/** `use 1`, `reimport 2`, `import`. */
const told = (facts: Facts): string => (!('arn' in facts) ? facts.action : `${facts.action} ${Number(facts.arn.slice(-12))}`)

describe('choose', () => {
  test.each<[string, () => Candidate[], live: number | undefined, expected: string]>([
    ['nothing in ACM', () => [], undefined, 'import'],
    ['a live ARN that ACM does not know', () => [], 9, 'import'],
    ['ours, equal', () => [held(1, renewed, ours)], undefined, 'use 1'],
    ['ours, of before the renewal', () => [held(1, before, ours)], undefined, 'reimport 1'],
    ['ours, of before the renewal, with more names', () => [held(1, others.more, ours)], undefined, 'reimport 1'],
    ['ours and equal goes before ours and in use', () => [held(1, before, ours), held(2, renewed, ours)], 1, 'use 2'],
    ['of two of ours the one in use', () => [held(1, before, ours), held(2, before, ours)], 2, 'reimport 2'],
    ['of two of ours, neither in use, the first', () => [held(1, before, ours), held(2, before, ours)], undefined, 'reimport 1'],
    ['ours goes before the one in use', () => [held(1, before), held(2, before, ours)], 1, 'reimport 2'],
    ['ours goes before an equal one of nobody', () => [held(1, renewed), held(2, before, ours)], undefined, 'reimport 2'],
    ['the one in use, put there by hand', () => [held(1, before)], 1, 'reimport 1'],
    ['the one in use, equal', () => [held(1, renewed)], 1, 'use 1'],
    ['an equal one of nobody', () => [held(1, renewed)], undefined, 'use 1'],
    ['an equal one of another target', () => [held(1, renewed, theirs)], undefined, 'use 1'],
    ['one of nobody that differs is left alone', () => [held(1, before)], undefined, 'import'],
    ['one of another target that differs is left alone', () => [held(1, before, theirs)], undefined, 'import'],
    ['one of another target is left alone, even when our Ingress uses it', () => [held(1, before, theirs)], 1, 'import'],
    ['ours, of another type of key', () => [held(1, others.bigger, ours)], 1, 'import'],
    ['ours, without a name in common', () => [held(1, others.elsewhere, ours)], 1, 'import'],
    ['ours, whose name is in capitals: DNS names have no case', () => [held(1, others.mixed, ours)], 1, 'reimport 1'],
    ['the one in use, issued by ACM', () => [held(1, before, { imported: false })], 1, 'import'],
    ['the one in use, issued by ACM, and an equal one beside it', () => [held(1, before, { imported: false }), held(2, renewed)], 1, 'use 2'],
    ['ours of another type of key, and an equal one beside it', () => [held(1, others.bigger, ours), held(2, renewed)], 1, 'use 2'],
  ])('%s', (_, candidates, live, expected) => {
    expect(told(decide(candidates(), live))).toBe(expected)
  })

  test.each<[string, () => Partial<Candidate>, expected: string]>([
    ['ACM answers with the leaf where there is no chain', () => ({ chain: [leaf(renewed)] }), 'reimport 1'],
    ['ACM answers with the leaf before the chain', () => ({ chain: [leaf(renewed), ...above(renewed)] }), 'use 1'],
    ['the chain is missing', () => ({ chain: [] }), 'reimport 1'],
    ['the chain has the root too', () => ({ chain: [...above(renewed), new X509Certificate(authority.root)] }), 'use 1'],
  ])('%s', (_, more, expected) => {
    expect(told(decide([held(1, renewed, { ...ours, ...more() })]))).toBe(expected)
  })

  test.each<[string, () => Candidate, RegExp]>([
    ['issued by ACM', () => held(1, before, { imported: false }), /0001 cannot take it: it was issued by ACM$/],
    ['another type of key', () => held(1, others.bigger, ours), /0001 cannot take it: its key is EC_secp384r1, not EC_prime256v1$/],
    ['no name in common', () => held(1, others.elsewhere, ours), /0001 cannot take it: it has no name in common$/],
  ])('says why it imports a new one: %s', (_, candidate, why) => {
    const facts = decide([candidate()], 1)
    expect(facts).toMatchObject({ action: 'import', tags, why: expect.stringMatching(why) as unknown })
  })

  test.each<[string, () => Candidate[], live: number | undefined, expected: number[]]>([
    ['none', () => [held(1, renewed, ours)], 1, []],
    ['one of another type of key, which the Ingress serves', () => [held(1, others.bigger, ours)], 1, [1]],
    ['what a run left that was killed', () => [held(1, renewed, ours), held(2, before, ours)], 1, [2]],
    ['never one of nobody, of another target, or issued by ACM', () => [held(1, renewed, ours), held(2, before), held(3, before, theirs), held(4, before, { ...ours, imported: false })], 1, []],
  ])('leftovers: %s', (_, candidates, live, expected) => {
    expect(decide(candidates(), live).leftovers.map((candidate) => Number(candidate.arn.slice(-12)))).toEqual(expected)
  })

  test('says what a re-import is for', () => {
    expect(decide([held(1, before, ours)])).toMatchObject({ why: 'it differs from the one given', before: { serialNumber: leaf(before).serialNumber } })
    expect(decide([held(1, renewed, { ...ours, chain: [] })])).toMatchObject({ why: 'its chain differs' })
  })
})

describe('plan', () => {
  test('nothing for one that is used as it is', () => {
    expect(plan({ action: 'use', arn: arn(1), leaf: leaf(before), leftovers: [] })).toEqual([])
  })

  test('an import and a re-import, in words for people', () => {
    const description = (issued: IssuedCertificate): unknown => expect.stringMatching(new RegExp(`^CN=milvus\\.example\\.com, serial ${leaf(issued).serialNumber}, until \\d{4}-`))
    expect(plan({ action: 'import', material, tags, leftovers: [], why: 'ACM has none' })).toEqual([{ step: 'certificate', object: 'ACM', path: 'certificate', after: description(renewed), why: 'ACM has none' }])
    expect(plan({ action: 'reimport', material, tags, leftovers: [], arn: arn(1), before: leaf(before), why: 'it differs' })).toEqual([{ step: 'certificate', object: `ACM certificate ${arn(1)}`, path: 'certificate', before: description(before), after: description(renewed), why: 'it differs' }])
  })

  test('a certificate without a subject', async () => {
    const nameless = await authority.issue({ hosts: [host], commonName: null, key })
    const own = readMaterial({ certificate: nameless.certificate, chain: nameless.chain, privateKey: nameless.privateKey })
    expect(plan({ action: 'import', material: own, tags, leftovers: [], why: 'x' })[0]?.after).toContain(leaf(nameless).serialNumber)
  })

  test('the key is in no change', () => {
    const [line = ''] = renewed.privateKey.split('\n').slice(1)
    expect(JSON.stringify([...plan({ action: 'import', material, tags, leftovers: [], why: 'x' }), ...plan({ action: 'reimport', material, tags, leftovers: [], arn: arn(1), before: leaf(before), why: 'x' })])).not.toContain(line)
  })
})
