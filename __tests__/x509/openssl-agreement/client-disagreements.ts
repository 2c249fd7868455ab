/**
 * Where a gRPC client or the probe judges a chain of the table otherwise than preflight does, and
 * why preflight keeps its verdict. The lab compares all of them:
 * scenarios/certificate-clients.test.ts.
 */

/**
 * grpcio is the library of pymilvus (BoringSSL), grpc-js that of the Node SDK (OpenSSL), and the
 * probe uses Node's TLS (OpenSSL).
 */
export type CertificateClient = 'grpcio' | 'grpc-js' | 'probe'

export interface ClientDisagreement {
  readonly reason: string
  readonly clients: readonly CertificateClient[]
  readonly cases: readonly string[]
}

export const clientDisagreements: readonly ClientDisagreement[] = [
  {
    reason:
      'Node matches partial wildcards; RFC 9525 forbids them, and grpcio, Go and browsers do.',
    clients: ['grpc-js'],
    cases: ['leaf: a wildcard within a label'],
  },
  {
    reason: 'gRPC falls back to the common name; the Milvus clients for Go and Java do not.',
    clients: ['grpcio', 'grpc-js'],
    cases: ['leaf: only a common name'],
  },
  {
    reason: 'BoringSSL requires the key usage of a signed handshake, and OpenSSL does not.',
    clients: ['grpc-js', 'probe'],
    cases: [
      'leaf: only key encipherment',
      'leaf: only key agreement',
      'self-signed: only key encipherment',
    ],
  },
  {
    reason: 'BoringSSL has no serverAuth but serverAuth, and no handshake with P-521.',
    clients: ['grpc-js', 'probe'],
    cases: [
      'leaf: P-521 key',
      "leaf: Netscape's server gated cryptography",
      "leaf: Microsoft's server gated cryptography",
    ],
  },
  {
    reason: 'BoringSSL has no security levels: OpenSSL rejects SHA-1 and keys of 1024 bits.',
    clients: ['grpcio'],
    cases: [
      'leaf: a SHA-1 signature',
      'intermediate: a SHA-1 signature',
      'RSA: 1024 bits in the intermediate',
      'RSA: 1024 bits in the root',
    ],
  },
  {
    reason: 'ACM and clients of a lower security level accept it: it is a warning.',
    clients: ['grpc-js', 'probe'],
    cases: ['RSA: 1024 bits in the leaf'],
  },
  {
    reason: 'grpcio trusts what it is given without a look at its extensions, as other clients do.',
    clients: ['grpcio'],
    cases: [
      'root: not a CA',
      'root: not a CA, without key usage',
      'root: for clients',
      'root: for e-mail',
      'root: for any purpose',
      'root: an unknown critical extension',
      'root: a path length of 0',
      'root: no basic constraints, but keyCertSign',
      'a path length of 0 at the root, two CAs below',
      'self-signed: for clients',
      'self-signed: an unknown critical extension',
    ],
  },
  {
    reason: 'OpenSSL takes a root with keyCertSign for that of a CA; Go and Java do not.',
    clients: ['grpc-js', 'probe'],
    cases: ['root: no basic constraints, but keyCertSign'],
  },
  {
    reason: 'Clients ignore certificates that signed nothing, but the user should know.',
    clients: ['grpcio', 'grpc-js', 'probe'],
    cases: ['bundle: an unrelated CA', 'bundle: another CA with that name, and the intermediate'],
  },
]
