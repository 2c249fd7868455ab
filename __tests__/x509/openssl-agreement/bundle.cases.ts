/** Several certificates in any order: long chains, cross-signed and reissued CAs. */
import {
  createNameConstraints,
  issueChainCertificate,
  type ChainCertificate,
} from '../../../testing/chain-certificates.ts'
import type { FailureCode } from '../../../src/failures/codes.ts'
import { host } from '../issued-certificates.ts'
import {
  chainInvalid,
  createChain,
  expired,
  oid,
  past,
  purpose,
  type AgreementCase,
  type Bundle,
  type Overrides,
} from './agreement-fixture.ts'

/** A second intermediate below the first. */
async function createLongChain(
  overrides: { root?: Overrides; upper?: Overrides; lower?: Overrides } = {},
): Promise<Bundle & { readonly upper: ChainCertificate; readonly lower: ChainCertificate }> {
  const root = await issueChainCertificate({ name: 'Root', ...overrides.root })
  const upper = await issueChainCertificate({ name: 'Upper', issuer: root, ...overrides.upper })
  const lower = await issueChainCertificate({ name: 'Lower', issuer: upper, ...overrides.lower })
  const leaf = await issueChainCertificate({ name: host, hosts: [host], issuer: lower })
  return { leaf, upper, lower, chain: [lower, upper], root }
}

export const lengthCases: AgreementCase[] = [
  { name: 'two intermediates', create: () => createLongChain(), codes: [] },
  {
    name: 'two intermediates, the upper one first',
    create: async () => {
      const bundle = await createLongChain()
      return { ...bundle, chain: [bundle.upper, bundle.lower] }
    },
    codes: [],
  },
  {
    name: 'two intermediates and the root in any order',
    create: async () => {
      const bundle = await createLongChain()
      return { ...bundle, chain: [bundle.root, bundle.lower, bundle.upper] }
    },
    codes: [],
  },
  {
    name: 'a path length of 0 above another CA',
    create: () => createLongChain({ upper: { pathLength: 0 } }),
    codes: chainInvalid,
  },
  {
    name: 'path lengths that are just enough',
    create: () => createLongChain({ upper: { pathLength: 1 }, lower: { pathLength: 0 } }),
    codes: [],
  },
  {
    name: 'a path length of 0 at the root, two CAs below',
    create: async () => {
      const bundle = await createLongChain({ root: { pathLength: 0 } })
      return { ...bundle, chain: [bundle.lower, bundle.upper, bundle.root] }
    },
    codes: chainInvalid,
  },
  {
    name: 'the upper intermediate is for clients',
    create: () => createLongChain({ upper: { extendedKeyUsage: [oid.client] } }),
    codes: purpose,
  },
  {
    name: 'the upper intermediate excludes the host',
    create: () =>
      createLongChain({ upper: { extensions: [createNameConstraints({ excluded: [host] })] } }),
    codes: chainInvalid,
  },
  {
    name: 'the lower intermediate is missing',
    create: async () => {
      const bundle = await createLongChain()
      return { ...bundle, chain: [bundle.upper] }
    },
    codes: chainInvalid,
  },
  {
    name: 'the upper intermediate has expired',
    create: () => createLongChain({ upper: { validFrom: -30, validTo: -1 } }),
    codes: expired,
  },
]

/** Issues a certificate of the same CA again. */
const issueTwin = (
  twinOf: ChainCertificate,
  overrides: Overrides = {},
): Promise<ChainCertificate> => issueChainCertificate({ name: '', twinOf, ...overrides })

const bundleCase = (
  name: string,
  changeBundle: (
    bundle: Bundle & { readonly intermediate: ChainCertificate },
  ) => Promise<Partial<Bundle>>,
  codes: readonly FailureCode[] = [],
  reason?: string,
): AgreementCase => ({
  name: `bundle: ${name}`,
  create: async () => {
    const bundle = await createChain()
    return { ...bundle, ...(await changeBundle(bundle)) }
  },
  codes,
  ...(reason === undefined ? {} : { reason }),
})

const issueOldRoot = (overrides: Overrides = {}) =>
  issueChainCertificate({ name: 'Old root', ...overrides })

export const bundleCases: AgreementCase[] = [
  bundleCase('no chain', () => Promise.resolve({ chain: [] }), chainInvalid),
  bundleCase(
    'the root instead of the intermediate',
    ({ root }) => Promise.resolve({ chain: [root] }),
    chainInvalid,
  ),
  bundleCase('with its root', ({ intermediate, root }) =>
    Promise.resolve({ chain: [intermediate, root] }),
  ),
  bundleCase('the root first', ({ intermediate, root }) =>
    Promise.resolve({ chain: [root, intermediate] }),
  ),
  bundleCase('the intermediate twice', ({ intermediate }) =>
    Promise.resolve({ chain: [intermediate, intermediate] }),
  ),
  bundleCase('the leaf again', ({ leaf, intermediate }) =>
    Promise.resolve({ chain: [leaf, intermediate] }),
  ),
  bundleCase(
    'an unrelated CA',
    async ({ intermediate }) => ({ chain: [intermediate, await issueOldRoot()] }),
    chainInvalid,
    'Clients ignore it, but it usually belongs to an earlier certificate: the user should know.',
  ),
  bundleCase(
    'another CA with the name of the intermediate',
    async ({ root }) => ({
      chain: [await issueChainCertificate({ name: 'Intermediate', issuer: root })],
    }),
    chainInvalid,
  ),
  bundleCase(
    'another CA with that name, and the intermediate',
    async ({ intermediate, root }) => ({
      chain: [await issueChainCertificate({ name: 'Intermediate', issuer: root }), intermediate],
    }),
    chainInvalid,
    'Clients ignore it, but it signed nothing here: the user should know.',
  ),
  bundleCase(
    'the intermediate expired and issued again, the old one first',
    async ({ intermediate, root }) => ({
      chain: [await issueTwin(intermediate, { issuer: root, ...past }), intermediate],
    }),
  ),
  bundleCase(
    'the intermediate expired and issued again, the new one first',
    async ({ intermediate, root }) => ({
      chain: [intermediate, await issueTwin(intermediate, { issuer: root, ...past })],
    }),
  ),
  bundleCase(
    'the intermediate issued again twice, one in the future',
    async ({ intermediate, root }) => ({
      chain: [
        await issueTwin(intermediate, { issuer: root, validFrom: 1 }),
        await issueTwin(intermediate, { issuer: root, ...past }),
        intermediate,
      ],
    }),
  ),
  bundleCase(
    'the intermediate was issued again without the CA bit',
    async ({ intermediate, root }) => ({
      chain: [await issueTwin(intermediate, { issuer: root, ca: false }), intermediate],
    }),
    [],
    'OpenSSL takes the first issuer of a bundle; the chain that is imported has no other.',
  ),
  bundleCase(
    'only an expired issue of the intermediate',
    async ({ intermediate, root }) => ({
      chain: [await issueTwin(intermediate, { issuer: root, ...past })],
    }),
    expired,
  ),
  bundleCase(
    'an intermediate that an expired root cross-signed, its other issue first',
    async ({ intermediate, root }) => {
      const oldRoot = await issueOldRoot(past)
      return {
        chain: [intermediate, root, await issueTwin(intermediate, { issuer: oldRoot }), oldRoot],
      }
    },
  ),
  bundleCase(
    'an intermediate that an expired root cross-signed first',
    async ({ intermediate, root }) => {
      const oldRoot = await issueOldRoot(past)
      return {
        chain: [await issueTwin(intermediate, { issuer: oldRoot }), oldRoot, intermediate, root],
      }
    },
    [],
    'OpenSSL does not go back to try another way up; the chain that is imported has only the good one.',
  ),
  bundleCase('an expired cross-sign before the root', async ({ intermediate, root }) => {
    const oldRoot = await issueOldRoot(past)
    return { chain: [intermediate, await issueTwin(root, { issuer: oldRoot, ...past }), root] }
  }),
  bundleCase('a root and its cross-signed twin', async ({ intermediate, root }) => {
    const oldRoot = await issueOldRoot()
    return { chain: [intermediate, root, await issueTwin(root, { issuer: oldRoot })] }
  }),
  bundleCase(
    'a cross-signed twin, the older root, and the root',
    async ({ intermediate, root }) => {
      const oldRoot = await issueOldRoot()
      return { chain: [intermediate, await issueTwin(root, { issuer: oldRoot }), oldRoot, root] }
    },
  ),
  bundleCase(
    'only the cross-signed twin, for clients that trust the older root',
    async ({ intermediate, root }) => {
      const oldRoot = await issueOldRoot()
      return { chain: [intermediate, await issueTwin(root, { issuer: oldRoot })], root: oldRoot }
    },
  ),
  bundleCase(
    'an expired root at the end, which clients have a newer issue of',
    async ({ intermediate, root }) => ({ chain: [intermediate, await issueTwin(root, past)] }),
  ),
  bundleCase('an expired cross-sign at the end', async ({ intermediate, root }) => {
    const oldRoot = await issueOldRoot(past)
    return { chain: [intermediate, await issueTwin(root, { issuer: oldRoot, ...past })] }
  }),
  bundleCase(
    'an expired root that clients trust',
    async ({ intermediate, root }) => {
      const expiredRoot = await issueTwin(root, past)
      return { chain: [intermediate, expiredRoot], root: expiredRoot }
    },
    expired,
  ),
  bundleCase('two CAs that signed each other', async ({ intermediate, root }) => {
    const twin = await issueTwin(root, { issuer: intermediate })
    return { chain: [twin, intermediate, await issueTwin(intermediate, { issuer: root })] }
  }),
  bundleCase(
    'a renewal with the same key, after the old certificate',
    async ({ leaf, intermediate }) => ({
      chain: [
        await issueTwin(leaf, { hosts: [host], issuer: intermediate, ...past }),
        intermediate,
      ],
    }),
  ),
]
