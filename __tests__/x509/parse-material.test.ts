import { describe, expect, test } from '@jest/globals'
import { toPem } from '../../src/x509/certificate.ts'
import { parseCertificates } from '../../src/x509/parse.ts'
import { parseCertificateMaterial, type CertificateMaterial } from '../../src/x509/certificate.ts'
import {
  authority,
  listProblemCodes,
  otherAuthority,
  otherCertificate,
  parseLeaf,
  parseMaterial,
  validCertificate,
} from './issued-certificates.ts'

const { certificate, chain, fullchain, privateKey } = validCertificate
const { intermediate, root } = authority

interface Case {
  readonly name: string
  readonly inputs: { readonly certificate: string; readonly chain?: string }
  /** PEM. */
  readonly chain: readonly string[]
  /** PEM. */
  readonly unrelated?: readonly string[]
}

describe('parseCertificateMaterial finds the leaf and puts the chain in order', () => {
  test.each<Case>([
    {
      name: 'leaf and chain',
      inputs: { certificate, chain },
      chain: [intermediate],
    },
    {
      name: 'a full chain in one input',
      inputs: { certificate: fullchain },
      chain: [intermediate],
    },
    {
      name: 'a leaf, and a full chain as the chain',
      inputs: { certificate, chain: fullchain },
      chain: [intermediate],
    },
    {
      name: 'the full chain in both inputs',
      inputs: { certificate: fullchain, chain: fullchain },
      chain: [intermediate],
    },
    {
      name: 'a chain that starts with the root',
      inputs: { certificate, chain: root + intermediate },
      chain: [intermediate, root],
    },
    {
      name: 'everything in reverse order in one input',
      inputs: { certificate: root + intermediate + certificate },
      chain: [intermediate, root],
    },
    {
      name: 'a leaf and chain that are swapped',
      inputs: { certificate: intermediate, chain: certificate },
      chain: [intermediate],
    },
    {
      name: 'the leaf without a chain',
      inputs: { certificate },
      chain: [],
    },
    {
      name: 'the chain of an earlier CA',
      inputs: { certificate, chain: otherAuthority.intermediate },
      chain: [],
      unrelated: [otherAuthority.intermediate],
    },
    {
      name: 'an unrelated certificate beside the right chain',
      inputs: { certificate: fullchain, chain: otherCertificate.certificate },
      chain: [intermediate],
      unrelated: [otherCertificate.certificate],
    },
    {
      name: 'the root without the intermediate',
      inputs: { certificate, chain: root },
      chain: [],
      unrelated: [root],
    },
    {
      name: 'text between the certificates',
      inputs: { certificate: `subject=CN = x\n${certificate}\nissuer=\n${chain}` },
      chain: [intermediate],
    },
    {
      name: 'certificates with CRLF',
      inputs: { certificate: fullchain.replaceAll('\n', '\r\n') },
      chain: [intermediate],
    },
  ])('$name', ({ inputs, chain: expectedChain, unrelated = [] }) => {
    const material = parseMaterial(inputs)
    expect(material.leaf.raw).toEqual(parseLeaf(certificate).raw)
    expect(toPem(material.chain)).toBe(toPem(expectedChain.map(parseLeaf)))
    expect(toPem(material.unrelatedCertificates)).toBe(toPem(unrelated.map(parseLeaf)))
  })

  test.each([
    { name: 'in order', pem: fullchain, isReordered: false },
    { name: 'in reverse order', pem: chain + certificate, isReordered: true },
    { name: 'with the root', pem: fullchain + root, isReordered: false },
  ])('isReordered for a chain $name', ({ pem, isReordered }) => {
    expect(parseMaterial({ certificate: pem }).isReordered).toBe(isReordered)
  })

  test('exports the key as unencrypted PKCS#8 from any format', () => {
    const { key } = parseMaterial({ certificate: fullchain })
    if (!key) throw new Error('the inputs have a key')
    const sec1 = String(key.export({ type: 'sec1', format: 'pem' }))
    expect(sec1).toMatch(/^-----BEGIN EC PRIVATE KEY-----/)
    const prime256v1 =
      '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    for (const text of [sec1, prime256v1 + sec1])
      expect(parseMaterial({ certificate: fullchain, privateKey: text }).privateKey).toBe(
        String(key.export({ type: 'pkcs8', format: 'pem' })),
      )
  })

  test('completes a missing chain from the CA bundle', () => {
    const parseWithCaBundle = (chainInput: string): CertificateMaterial =>
      parseCertificateMaterial(
        { certificate, chain: chainInput, privateKey },
        parseCertificates(root + intermediate),
      )
    const completed = parseWithCaBundle('')
    expect([completed.isChainFromCaBundle, toPem(completed.chain)]).toEqual([
      true,
      toPem([intermediate, root].map(parseLeaf)),
    ])
    expect(listProblemCodes(completed)).toEqual([])
    const complete = parseWithCaBundle(chain)
    expect([complete.isChainFromCaBundle, toPem(complete.chain)]).toEqual([
      false,
      toPem([parseLeaf(intermediate)]),
    ])
  })
})
