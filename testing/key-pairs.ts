/** Key pairs for certificates. */

/** ACM's names for key algorithms (ACM API reference, CertificateDetail.KeyAlgorithm). */
export type AcmKeyAlgorithm =
  | 'RSA_1024'
  | 'RSA_2048'
  | 'RSA_3072'
  | 'RSA_4096'
  | 'EC_prime256v1'
  | 'EC_secp384r1'
  | 'EC_secp521r1'

/** An algorithm of the Web Cryptography API. */
export type SigningAlgorithm = RsaHashedKeyGenParams | (EcKeyGenParams & { hash: string })

const rsaAlgorithm = (modulusLength: number): SigningAlgorithm => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength,
})
const ecAlgorithm = (namedCurve: string, hash: string): SigningAlgorithm => ({
  name: 'ECDSA',
  namedCurve,
  hash,
})
/** The Web Cryptography parameters for key generation and signing. */
export const signingAlgorithms: Record<AcmKeyAlgorithm, SigningAlgorithm> = {
  RSA_1024: rsaAlgorithm(1024),
  RSA_2048: rsaAlgorithm(2048),
  RSA_3072: rsaAlgorithm(3072),
  RSA_4096: rsaAlgorithm(4096),
  EC_prime256v1: ecAlgorithm('P-256', 'SHA-256'),
  EC_secp384r1: ecAlgorithm('P-384', 'SHA-384'),
  EC_secp521r1: ecAlgorithm('P-521', 'SHA-512'),
}

/**
 * A small pool of key pairs per purpose and algorithm, because creating an RSA-4096 pair takes
 * seconds. Consecutive pairs differ, so that a certificate and its renewal have different keys.
 */
const keyPairPools = new Map<string, { pairs: Promise<CryptoKeyPair>[]; next: number }>()
const poolSize = 3

/** Returns the next key pair of the pool. */
export function getPooledKeyPair(
  purpose: string,
  keyAlgorithm: AcmKeyAlgorithm,
): Promise<CryptoKeyPair> {
  const pool = keyPairPools.get(`${purpose} ${keyAlgorithm}`) ?? { pairs: [], next: 0 }
  keyPairPools.set(`${purpose} ${keyAlgorithm}`, pool)
  const index = pool.next++ % poolSize
  return (pool.pairs[index] ??= crypto.subtle.generateKey(signingAlgorithms[keyAlgorithm], true, [
    'sign',
    'verify',
  ]))
}
