import { describe, expect, test } from '@jest/globals'
import { createExtension, type ChainCertificateOptions } from '../../testing/chain-certificates.ts'
import {
  formatExpiryWarning,
  formatIssuerExpiryWarning,
  formatMixedKeysWarning,
  listClientWarnings,
} from '../../src/x509/warnings.ts'
import { parseCertificateMaterial, type CertificateMaterial } from '../../src/x509/certificate.ts'
import {
  authority,
  host,
  keyAlgorithm,
  millisecondsPerDay,
  now,
  parseLeaf,
} from './issued-certificates.ts'
import { createChain } from './openssl-agreement/agreement-fixture.ts'
import { joinPems } from './openssl-agreement/agreement-cases.ts'

describe('formatExpiryWarning', () => {
  test.each<{ lifetime: number; left: number; threshold?: number; warning?: RegExp }>([
    { lifetime: 90, left: 40 },
    { lifetime: 90, left: 29.5, warning: /expires in 29 days, on / },
    { lifetime: 398, left: 31 },
    { lifetime: 398, left: 29.5, warning: /expires in 29 days, on / },
    { lifetime: 6, left: 2.5 },
    { lifetime: 6, left: 1.5, warning: /expires in 1 day, on / },
    { lifetime: 6, left: 0.25, warning: /expires in (5|6) hours, on / },
    { lifetime: 90, left: 40, threshold: 60, warning: /expires in (39|40) days, on / },
    { lifetime: 90, left: 29, threshold: 14 },
    { lifetime: 90, left: 13, threshold: 0 },
  ])(
    'for a lifetime of $lifetime days with $left left and threshold $threshold',
    async ({ lifetime, left, threshold, warning }) => {
      const issued = await authority.issue({
        hosts: [host],
        keyAlgorithm,
        notBefore: new Date(now - (lifetime - left) * millisecondsPerDay),
        notAfter: new Date(now + left * millisecondsPerDay),
      })
      const text = formatExpiryWarning(parseLeaf(issued.certificate), threshold, now)
      if (warning) expect(text).toMatch(warning)
      else expect(text).toBeUndefined()
    },
  )
})

async function createMaterial(
  overrides: Parameters<typeof createChain>[0],
  withRoot = false,
): Promise<CertificateMaterial> {
  const { leaf, intermediate, root } = await createChain(overrides)
  return parseCertificateMaterial({
    certificate: leaf.pem,
    chain: joinPems(withRoot ? [intermediate, root] : [intermediate]),
    privateKey: leaf.privateKey,
  })
}

describe('formatIssuerExpiryWarning', () => {
  test.each<{
    name: string
    overrides: Parameters<typeof createChain>[0]
    threshold?: number
    isWarning: boolean
  }>([
    { name: 'ends after the leaf', overrides: { leaf: { validTo: 5 } }, isWarning: false },
    {
      name: 'ends before the leaf, soon',
      overrides: { intermediate: { validFrom: -300, validTo: 5 } },
      isWarning: true,
    },
    {
      name: 'ends before the leaf, later',
      overrides: { intermediate: { validTo: 60 } },
      isWarning: false,
    },
    {
      name: 'ends before the leaf, within the threshold',
      overrides: { intermediate: { validTo: 60 } },
      threshold: 70,
      isWarning: true,
    },
    {
      name: 'ends soon, without warnings',
      overrides: { intermediate: { validFrom: -300, validTo: 5 } },
      threshold: 0,
      isWarning: false,
    },
    {
      name: 'is a root that ends soon',
      overrides: { root: { validFrom: -300, validTo: 5 } },
      isWarning: false,
    },
  ])('an issuer that $name', async ({ overrides, threshold, isWarning }) => {
    const material = await createMaterial(overrides, true)
    const warning = formatIssuerExpiryWarning(material, threshold, now)
    if (isWarning)
      expect(warning).toMatch(
        /^Certificate CN=Intermediate in the chain expires in \d+ days, on .*, before the certificate itself: /,
      )
    else expect(warning).toBeUndefined()
  })
})

describe('listClientWarnings', () => {
  const mustStaple = createExtension('1.3.6.1.5.5.7.1.24', false)
  test.each<{ name: string; leaf: Partial<ChainCertificateOptions>; warnings: RegExp[] }>([
    { name: 'an RSA key of 2048 bits', leaf: { keyAlgorithm: 'RSA_2048' }, warnings: [] },
    { name: 'an RSA key of 1024 bits', leaf: { keyAlgorithm: 'RSA_1024' }, warnings: [/1024-bit/] },
    { name: 'a key on P-384', leaf: { keyAlgorithm: 'EC_secp384r1' }, warnings: [] },
    {
      name: 'a key on P-521',
      leaf: { keyAlgorithm: 'EC_secp521r1' },
      warnings: [/P-521.*pymilvus/],
    },
    { name: 'must-staple', leaf: { extensions: [mustStaple] }, warnings: [/must-staple/] },
    {
      name: 'a weak key and must-staple',
      leaf: { keyAlgorithm: 'RSA_1024', extensions: [mustStaple] },
      warnings: [/1024-bit/, /must-staple/],
    },
  ])('$name', async ({ leaf, warnings }) => {
    const material = await createMaterial({ leaf })
    expect(listClientWarnings(material.leaf)).toEqual(
      warnings.map((pattern) => expect.stringMatching(pattern)),
    )
  })
})

test.each([
  { leaf: 'EC_prime256v1', intermediate: 'EC_secp384r1', isWarning: false },
  { leaf: 'RSA_2048', intermediate: 'RSA_3072', isWarning: false },
  { leaf: 'RSA_2048', intermediate: 'EC_prime256v1', isWarning: true },
  { leaf: 'EC_prime256v1', intermediate: 'RSA_2048', isWarning: true },
] as const)('$leaf signed by $intermediate', async ({ leaf, intermediate, isWarning }) => {
  const warning = formatMixedKeysWarning(
    await createMaterial({
      leaf: { keyAlgorithm: leaf },
      intermediate: { keyAlgorithm: intermediate },
    }),
  )
  if (isWarning)
    expect(warning).toMatch(
      new RegExp(`a key of type ${leaf}, and its issuer one of type ${intermediate}: ACM may `),
    )
  else expect(warning).toBeUndefined()
})
