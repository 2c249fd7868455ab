/** Certificates of CAs. */
import { createExtension, createNameConstraints } from '../../../testing/chain-certificates.ts'
import { host } from '../issued-certificates.ts'
import {
  boringSslReason,
  chainInvalid,
  createChain,
  differ,
  expired,
  keyUnsupported,
  notYetValid,
  oid,
  purpose,
  signatureWeak,
  unusable,
  type AgreementCase,
  type Bundle,
  type Overrides,
} from './agreement-fixture.ts'

const caCases = (position: 'intermediate' | 'root', withRoot: boolean): AgreementCase[] =>
  differ(
    position,
    [
      ['no key usage extension', { keyUsage: null }],
      ['key usage also for signatures', { keyUsage: ['digitalSignature', 'keyCertSign'] }],
      [
        'key usage without keyCertSign',
        { keyUsage: ['digitalSignature', 'cRLSign'] },
        chainInvalid,
      ],
      ['key usage only for key agreement', { keyUsage: ['keyAgreement'] }, chainInvalid],
      ['not a CA', { ca: false }, chainInvalid],
      ['not a CA, without key usage', { ca: false, keyUsage: null }, chainInvalid],
      ['for servers', { extendedKeyUsage: [oid.server] }],
      ['for servers and clients', { extendedKeyUsage: [oid.server, oid.client] }],
      ['for clients', { extendedKeyUsage: [oid.client] }, purpose],
      ['for e-mail', { extendedKeyUsage: [oid.email] }, purpose],
      ['for any purpose', { extendedKeyUsage: [oid.any] }, purpose],
      [
        'names of the host permitted',
        { extensions: [createNameConstraints({ permitted: ['example.com'] })] },
      ],
      [
        'exactly the host permitted',
        { extensions: [createNameConstraints({ permitted: [host] })] },
      ],
      [
        'other names permitted',
        { extensions: [createNameConstraints({ permitted: ['example.org'] })] },
        chainInvalid,
      ],
      [
        'several names permitted',
        { extensions: [createNameConstraints({ permitted: ['example.org', 'example.com'] })] },
      ],
      [
        'other names excluded',
        { extensions: [createNameConstraints({ excluded: ['example.org'] })] },
      ],
      [
        'the host excluded',
        { extensions: [createNameConstraints({ excluded: [host] })] },
        chainInvalid,
      ],
      [
        'the domain of the host excluded',
        { extensions: [createNameConstraints({ excluded: ['example.com'] })] },
        chainInvalid,
      ],
      [
        'its domain permitted and the host excluded',
        { extensions: [createNameConstraints({ permitted: ['example.com'], excluded: [host] })] },
        chainInvalid,
      ],
      ['an unknown extension', { extensions: [createExtension(oid.unknown, false)] }],
      [
        'an unknown critical extension',
        { extensions: [createExtension(oid.unknown, true)] },
        unusable,
      ],
      ['expired', { validFrom: -30, validTo: -1 }, expired],
      ['not yet valid', { validFrom: 1 }, notYetValid],
      ['ends before the leaf', { validTo: 5 }],
      ['P-384 key', { keyAlgorithm: 'EC_secp384r1' }],
      ['P-521 key', { keyAlgorithm: 'EC_secp521r1' }],
      ['a path length of 1', { pathLength: 1 }],
    ],
    withRoot,
  )

export const intermediateCases = [
  ...caCases('intermediate', false),
  ...differ('intermediate', [
    ['a path length of 0', { pathLength: 0 }],
    ['no basic constraints, but keyCertSign', { ca: null }, chainInvalid],
    ['a SHA-1 signature', { signatureHash: 'SHA-1' }, signatureWeak],
  ]),
]

export const rootCases = [
  ...caCases('root', true),
  ...differ(
    'root',
    [
      ['a path length of 0', { pathLength: 0 }, chainInvalid],
      ['no basic constraints, but keyCertSign', { ca: null }, chainInvalid, boringSslReason],
      ['a SHA-1 signature, which nobody verifies', { signatureHash: 'SHA-1' }],
    ],
    true,
  ),
]

const rsa = (keyAlgorithm: 'RSA_1024' | 'RSA_2048') => ({ keyAlgorithm })

/** RSA everywhere; the leaf and the intermediate are signed like this. */
const createRsaChain = (signature: Overrides): Promise<Bundle> =>
  createChain({
    root: rsa('RSA_2048'),
    intermediate: { ...rsa('RSA_2048'), ...signature },
    leaf: { ...rsa('RSA_2048'), ...signature },
  })

export const keyCases: AgreementCase[] = [
  {
    name: 'RSA: 2048 bits everywhere',
    create: () =>
      createChain({ root: rsa('RSA_2048'), intermediate: rsa('RSA_2048'), leaf: rsa('RSA_2048') }),
    codes: [],
  },
  {
    name: 'RSA: signatures with PSS and SHA-256',
    create: () => createRsaChain({ signaturePadding: 'PSS' }),
    codes: [],
  },
  {
    name: 'RSA: signatures with PSS and SHA-1',
    create: () => createRsaChain({ signaturePadding: 'PSS', signatureHash: 'SHA-1' }),
    codes: signatureWeak,
  },
  { name: 'RSA: below EC', create: () => createChain({ leaf: rsa('RSA_2048') }), codes: [] },
  {
    name: 'RSA: above EC',
    create: () => createChain({ root: rsa('RSA_2048'), intermediate: rsa('RSA_2048') }),
    codes: [],
  },
  {
    name: 'RSA: 1024 bits in the leaf',
    create: () =>
      createChain({ root: rsa('RSA_2048'), intermediate: rsa('RSA_2048'), leaf: rsa('RSA_1024') }),
    codes: [],
    reason: 'ACM accepts it, and so do clients of a lower security level: it is a warning.',
    isImportRejected: true,
  },
  {
    name: 'RSA: 1024 bits in the intermediate',
    create: () =>
      createChain({ root: rsa('RSA_2048'), intermediate: rsa('RSA_1024'), leaf: rsa('RSA_2048') }),
    codes: keyUnsupported,
  },
  {
    name: 'RSA: 1024 bits in the root',
    create: async () => {
      const bundle = await createChain({
        root: rsa('RSA_1024'),
        intermediate: rsa('RSA_2048'),
        leaf: rsa('RSA_2048'),
      })
      return { ...bundle, chain: [bundle.intermediate, bundle.root] }
    },
    codes: keyUnsupported,
  },
]
