/** Certificates of servers. */
import { createExtension, issueChainCertificate } from '../../../testing/chain-certificates.ts'
import type { FailureCode } from '../../../src/failures/codes.ts'
import { host } from '../issued-certificates.ts'
import {
  boringSslReason,
  differ,
  expired,
  hostMismatch,
  keyUnsupported,
  notYetValid,
  oid,
  past,
  purpose,
  signatureWeak,
  unusable,
  type AgreementCase,
  type Overrides,
} from './agreement-fixture.ts'

export const leafCases = differ('leaf', [
  ['a good chain', {}],
  ['its host among others', { hosts: ['a.example.com', host, 'b.example.com'] }],
  ['its host in upper case', { hosts: [host.toUpperCase()] }],
  ['a wildcard', { hosts: ['*.example.com'] }],
  ['a wildcard of the parent', { hosts: ['*.com'] }, hostMismatch],
  ['a wildcard below the host', { hosts: [`*.${host}`] }, hostMismatch],
  [
    'a wildcard within a label',
    { hosts: ['mil*.example.com'] },
    hostMismatch,
    'OpenSSL and Node match partial wildcards by default; browsers, Go and grpcio do not.',
  ],
  ['another host', { hosts: ['other.example.com'] }, hostMismatch],
  ['the parent domain', { hosts: ['example.com'] }, hostMismatch],
  [
    'only a common name',
    { hosts: [] },
    hostMismatch,
    'OpenSSL and gRPC fall back to the common name; Go, Java and browsers do not.',
  ],
  ['another host than its common name', { hosts: ['other.example.com'], name: host }, hostMismatch],
  ['expired', { validFrom: -30, validTo: -1 }, expired],
  ['expires in minutes', { validTo: 0.01 }],
  ['not yet valid', { validFrom: 1 }, notYetValid],
  ['valid for ten years', { validTo: 3650 }],
  ['P-384 key', { keyAlgorithm: 'EC_secp384r1' }],
  ['P-521 key', { keyAlgorithm: 'EC_secp521r1' }, keyUnsupported, boringSslReason],
  ['a SHA-1 signature', { signatureHash: 'SHA-1' }, signatureWeak],
  ['key usage for signatures', { keyUsage: ['digitalSignature'] }],
  [
    'key usage for signatures and key agreement',
    { keyUsage: ['digitalSignature', 'keyAgreement'] },
  ],
  [
    'all key usages of a server',
    { keyUsage: ['digitalSignature', 'keyEncipherment', 'keyAgreement'] },
  ],
  ['no key usage extension', { keyUsage: null }],
  ['only key encipherment', { keyUsage: ['keyEncipherment'] }, purpose, boringSslReason],
  ['only key agreement', { keyUsage: ['keyAgreement'] }, purpose, boringSslReason],
  ['only data encipherment', { keyUsage: ['dataEncipherment'] }, purpose],
  ['only non-repudiation', { keyUsage: ['nonRepudiation'] }, purpose],
  ['only signing of CRLs', { keyUsage: ['cRLSign'] }, purpose],
  ['an empty key usage', { keyUsage: [] }, purpose],
  ['no extended key usage', { extendedKeyUsage: null }],
  ['for servers and clients', { extendedKeyUsage: [oid.server, oid.client] }],
  ['for clients', { extendedKeyUsage: [oid.client] }, purpose],
  ['for code', { extendedKeyUsage: [oid.codeSigning] }, purpose],
  ['for e-mail and clients', { extendedKeyUsage: [oid.email, oid.client] }, purpose],
  ['for OCSP', { extendedKeyUsage: [oid.ocsp] }, purpose],
  ['for any purpose', { extendedKeyUsage: [oid.any] }, purpose],
  ['for any purpose and servers', { extendedKeyUsage: [oid.any, oid.server] }],
  ['for an unknown purpose', { extendedKeyUsage: [oid.unknown] }, purpose],
  ['for an unknown purpose and servers', { extendedKeyUsage: [oid.unknown, oid.server] }],
  [
    "Netscape's server gated cryptography",
    { extendedKeyUsage: [oid.netscapeStepUp] },
    purpose,
    boringSslReason,
  ],
  [
    "Microsoft's server gated cryptography",
    { extendedKeyUsage: [oid.microsoftServerGated] },
    purpose,
    boringSslReason,
  ],
  [
    'for clients, without digitalSignature',
    { extendedKeyUsage: [oid.client], keyUsage: ['keyEncipherment'] },
    ['certificate-purpose-unsuitable', 'certificate-purpose-unsuitable'],
  ],
  ['without basic constraints', { ca: null }],
  ['a CA that is also a server', { ca: true, keyUsage: ['digitalSignature', 'keyCertSign'] }],
  ['an unknown extension', { extensions: [createExtension(oid.unknown, false)] }],
  ['an unknown critical extension', { extensions: [createExtension(oid.unknown, true)] }, unusable],
  [
    'two unknown critical extensions',
    { extensions: [createExtension(oid.unknown, true), createExtension('1.2.3.4', true)] },
    unusable,
  ],
  ['an empty subject', { name: '' }],
])

const selfSignedCase = (
  name: string,
  overrides: Overrides,
  codes: readonly FailureCode[] = [],
  reason?: string,
): AgreementCase => ({
  name: `self-signed: ${name}`,
  create: async () => {
    const leaf = await issueChainCertificate({ name: host, hosts: [host], ...overrides })
    return { leaf, chain: [], root: leaf }
  },
  codes,
  ...(reason === undefined ? {} : { reason }),
})

export const selfSignedCases: AgreementCase[] = [
  selfSignedCase('for servers', {}),
  selfSignedCase('a CA', { ca: true, keyUsage: ['digitalSignature', 'keyCertSign'] }),
  selfSignedCase('without extensions', { ca: null, keyUsage: null, extendedKeyUsage: null }),
  selfSignedCase('for clients', { extendedKeyUsage: [oid.client] }, purpose),
  selfSignedCase('expired', past, expired),
  selfSignedCase('another host', { hosts: ['other.example.com'] }, hostMismatch),
  selfSignedCase(
    'only key encipherment',
    { keyUsage: ['keyEncipherment'] },
    purpose,
    boringSslReason,
  ),
  selfSignedCase(
    'a CA that may only sign certificates',
    { ca: true, keyUsage: ['keyCertSign'] },
    purpose,
  ),
  selfSignedCase(
    'an unknown critical extension',
    { extensions: [createExtension(oid.unknown, true)] },
    unusable,
  ),
]
