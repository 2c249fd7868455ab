/**
 * Mutual TLS: trust stores, and what listeners do with client certificates (Elastic Load Balancing
 * API reference, DescribeTrustStores and MutualAuthenticationAttributes). The lab uses it too,
 * because moto has neither.
 */
import { buildArn, createElbError } from './elbv2-lookup.ts'
import { getString, getStringList, getStructure, type Fields } from './fields.ts'
import { randomId, type Operation } from './service.ts'
import type { AwsState, MutualAuthentication, TrustStore } from './state.ts'

type TrustStores = AwsState['trustStores']

/** Creates a trust store from the PEM of its CAs, which AWS would read from S3. */
export function createTrustStore(
  state: Pick<AwsState, 'account' | 'region' | 'trustStores'>,
  name: string,
  certificates: string,
): void {
  const arn = buildArn(state, `truststore/${name}/${randomId()}`)
  state.trustStores.set(arn, { arn, name, certificates })
}

function findTrustStore(trustStores: TrustStores, arn: string): TrustStore {
  const trustStore = trustStores.get(arn)
  if (!trustStore) throw createElbError('TrustStoreNotFound', `Trust store '${arn}' not found`)
  return trustStore
}

/**
 * The MutualAuthentication of CreateListener and ModifyListener; undefined if absent.
 * @throws AwsError `TrustStoreNotFound`
 */
export function parseMutualAuthentication(
  input: Fields,
  trustStores: TrustStores,
): MutualAuthentication | undefined {
  const attributes = getStructure(input, 'MutualAuthentication')
  const mode = getString(attributes, 'Mode')
  if (mode === undefined) return undefined
  const trustStoreArn = getString(attributes, 'TrustStoreArn')
  return {
    mode,
    trustStore:
      trustStoreArn === undefined ? undefined : findTrustStore(trustStores, trustStoreArn),
    ignoresExpiry: getString(attributes, 'IgnoreClientCertificateExpiry') === 'true',
  }
}

/** As DescribeListeners describes it. */
export const toMutualAuthenticationFields = ({
  mode,
  trustStore,
  ignoresExpiry,
}: MutualAuthentication): Fields => ({
  Mode: mode,
  ...(trustStore && {
    TrustStoreArn: trustStore.arn,
    IgnoreClientCertificateExpiry: ignoresExpiry,
  }),
})

/**
 * The trust stores with the names of a call, or all.
 * @throws AwsError `TrustStoreNotFound`
 */
export function describeTrustStores(input: Fields, trustStores: TrustStores): Fields {
  const all = [...trustStores.values()]
  const names = getStringList(input, 'Names')
  const missing = names.find((name) => !all.some((trustStore) => trustStore.name === name))
  if (missing !== undefined)
    throw createElbError('TrustStoreNotFound', `Trust store '${missing}' not found`)
  const described = all.filter(({ name }) => names.length === 0 || names.includes(name))
  return {
    TrustStores: described.map(({ arn, name }) => ({
      Name: name,
      TrustStoreArn: arn,
      Status: 'ACTIVE',
    })),
  }
}

/** The operation on trust stores that the controller uses. */
export const trustStoreOperations: Record<string, Operation> = {
  DescribeTrustStores: ({ input, state }) => describeTrustStores(input, state.trustStores),
}
