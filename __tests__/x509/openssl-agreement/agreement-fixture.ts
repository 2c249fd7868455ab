/** Chains that differ from a good one, and the verdict on them: OpenSSL's and ours. */
import {
  issueChainCertificate,
  type ChainCertificate,
  type ChainCertificateOptions,
} from '../../../testing/chain-certificates.ts'
import type { FailureCode } from '../../../src/failures/codes.ts'
import { host } from '../issued-certificates.ts'

/** What a user passes, and which root a client trusts. */
export interface Bundle {
  readonly leaf: ChainCertificate
  /** In the order of the inputs. */
  readonly chain: readonly ChainCertificate[]
  readonly root: ChainCertificate
}

/** The codes that we report; none for a chain that we accept. */
export interface AgreementCase {
  readonly name: string
  readonly create: () => Promise<Bundle>
  readonly codes: readonly FailureCode[]
  /** Why our verdict differs from OpenSSL's. */
  readonly reason?: string
  /** Whether OpenSSL rejects the chain that is imported, too. */
  readonly isImportRejected?: true
}

export type Overrides = Partial<ChainCertificateOptions>

/** A root, an intermediate and a leaf, each with these differences. */
export async function createChain(
  overrides: { root?: Overrides; intermediate?: Overrides; leaf?: Overrides } = {},
): Promise<Bundle & { readonly intermediate: ChainCertificate }> {
  const root = await issueChainCertificate({ name: 'Root', ...overrides.root })
  const intermediate = await issueChainCertificate({
    name: 'Intermediate',
    issuer: root,
    ...overrides.intermediate,
  })
  const leaf = await issueChainCertificate({
    name: host,
    hosts: [host],
    issuer: intermediate,
    ...overrides.leaf,
  })
  return { leaf, intermediate, chain: [intermediate], root }
}

export const boringSslReason = 'BoringSSL, and so pymilvus, is stricter than OpenSSL here.'

/** Cases that differ from a good chain in one certificate. */
export const differ = (
  position: 'leaf' | 'intermediate' | 'root',
  cases: readonly (readonly [
    name: string,
    overrides: Overrides,
    codes?: readonly FailureCode[],
    reason?: string,
  ])[],
  withRoot = false,
): AgreementCase[] =>
  cases.map(([name, overrides, codes = [], reason]) => ({
    name: `${position}: ${name}`,
    create: async () => {
      const bundle = await createChain({ [position]: overrides })
      return withRoot ? { ...bundle, chain: [bundle.intermediate, bundle.root] } : bundle
    },
    codes,
    ...(reason === undefined ? {} : { reason }),
  }))

export const oid = {
  any: '2.5.29.37.0',
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  email: '1.3.6.1.5.5.7.3.4',
  ocsp: '1.3.6.1.5.5.7.3.9',
  netscapeStepUp: '2.16.840.1.113730.4.1',
  microsoftServerGated: '1.3.6.1.4.1.311.10.3.3',
  unknown: '1.3.6.1.4.1.55555.1',
  crlDistributionPoints: '2.5.29.31',
}

export const purpose: readonly FailureCode[] = ['certificate-purpose-unsuitable']
export const chainInvalid: readonly FailureCode[] = ['certificate-chain-invalid']
export const hostMismatch: readonly FailureCode[] = ['certificate-host-mismatch']
export const expired: readonly FailureCode[] = ['certificate-expired']
export const unusable: readonly FailureCode[] = ['certificate-unusable']
export const notYetValid: readonly FailureCode[] = ['certificate-not-yet-valid']
export const keyUnsupported: readonly FailureCode[] = ['certificate-key-unsupported']
export const signatureWeak: readonly FailureCode[] = ['certificate-signature-weak']

/** Days from now: an expired certificate. */
export const past = { validFrom: -60, validTo: -1 }
