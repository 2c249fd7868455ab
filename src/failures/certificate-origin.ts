/** How messages name the parts of a certificate: as inputs, or as entries of a secret. */

/** The names that failures and notes need. */
export interface CertificateOrigin {
  /** Each begins a sentence: `Input certificate`, `Key tls.crt of Secret milvus/milvus-tls`. */
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
  /** Certificate and key, as the beginning of a sentence. */
  readonly pair: string
  /** Where all certificates are. */
  readonly place: string
  /** The same as the beginning of a sentence, with its verb. */
  readonly placeContains: string
  /** Where else the chain is looked for. */
  readonly caBundle: string
  /** What to do about an expired certificate. */
  readonly renewal: string
  /** How to add the certificates between this one and its root. */
  readonly addChain: string
  /** How to replace certificates that do not connect. */
  readonly replaceChain: string
}

/** Inputs certificate, certificate-chain and private-key. */
export const inputOrigin: CertificateOrigin = {
  certificate: 'Input certificate',
  chain: 'Input certificate-chain',
  privateKey: 'Input private-key',
  pair: 'Inputs certificate and private-key',
  place: 'inputs certificate and certificate-chain',
  placeContains: 'Inputs certificate and certificate-chain contain',
  caBundle: 'probe-ca',
  renewal: 'Renew it, and set certificate, private-key and certificate-chain to the new files.',
  addChain:
    'Set certificate to the full chain (fullchain.pem), or certificate-chain to the intermediate certificates.',
  replaceChain:
    'Set certificate to the full chain (fullchain.pem) that was issued with this certificate, and leave certificate-chain empty.',
}

/** Inputs probe-certificate and probe-key. There is no input for a chain. */
export const clientCertificateOrigin: CertificateOrigin = {
  certificate: 'Input probe-certificate',
  chain: 'Input probe-certificate',
  privateKey: 'Input probe-key',
  pair: 'Inputs probe-certificate and probe-key',
  place: 'input probe-certificate',
  placeContains: 'Input probe-certificate contains',
  caBundle: 'probe-ca',
  renewal: 'Renew it, and set probe-certificate and probe-key to the new files.',
  addChain: 'Set probe-certificate to the full chain.',
  replaceChain: 'Set probe-certificate to the full chain that was issued with this certificate.',
}

/** The names of the entries of a secret. */
export interface SecretEntries {
  readonly certificate: string
  readonly privateKey: string
  readonly chain: string
}

/**
 * The secret that input certificate-secret names.
 * @param secret `Secret milvus/milvus-tls`
 * @param entries undefined for a secret that is one PEM text
 */
export function secretOrigin(
  secret: string,
  entries: SecretEntries | undefined,
): CertificateOrigin {
  const nameEntry = (entry: string | undefined): string =>
    entry === undefined ? secret : `Key ${entry} of ${secret}`
  const certificate = nameEntry(entries?.certificate)
  return {
    certificate,
    chain: nameEntry(entries?.chain),
    privateKey: nameEntry(entries?.privateKey),
    pair: entries ? `Keys ${entries.certificate} and ${entries.privateKey} of ${secret}` : secret,
    place: secret,
    placeContains: `${secret} contains`,
    caBundle: entries?.chain === 'ca.crt' ? 'its ca.crt or probe-ca' : 'probe-ca',
    renewal: `Renew it, and store the new certificate and key in ${secret}; if cert-manager maintains it, "kubectl describe certificate" shows why it was not renewed.`,
    addChain: `Store the full chain (fullchain.pem) in ${entries?.certificate ?? secret}.`,
    replaceChain: `Store the full chain (fullchain.pem) that was issued with this certificate in ${entries?.certificate ?? secret}.`,
  }
}
