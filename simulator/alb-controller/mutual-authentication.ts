/**
 * Annotation mutual-authentication, with the error messages of v3.5.0
 * (pkg/ingress/model_build_listener.go).
 */
import {
  DescribeTrustStoresCommand,
  type MutualAuthenticationAttributes,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { BuildError, getAnnotation, type Annotations } from './annotations.ts'
import type { Elbv2 } from './elbv2.ts'
import { getAnnotations, getObjectKey, type Ingress } from './objects.ts'

interface Entry {
  readonly port: number
  readonly mode: string
  /** A name or an ARN. */
  readonly trustStore?: string
  readonly ignoreClientCertificateExpiry?: boolean
}

/** The ARNs of trust stores by name. */
export type TrustStoreArns = ReadonlyMap<string, string>

/** The attributes of listeners, by port. Listeners without an entry are left unchanged. */
export function buildMutualAuthentication(
  annotations: Annotations,
  trustStoreArns: TrustStoreArns,
): Map<number, MutualAuthenticationAttributes> {
  return new Map(
    parseEntries(annotations).map((entry) => {
      checkEntry(entry)
      const { port, mode, trustStore, ignoreClientCertificateExpiry = false } = entry
      if (mode !== 'verify' || trustStore === undefined) return [port, { Mode: mode }]
      return [
        port,
        {
          Mode: mode,
          TrustStoreArn: trustStoreArns.get(trustStore) ?? trustStore,
          IgnoreClientCertificateExpiry: ignoreClientCertificateExpiry,
        },
      ]
    }),
  )
}

function parseEntries(annotations: Annotations): Entry[] {
  const raw = getAnnotation(annotations, 'mutual-authentication')
  return raw === undefined ? [] : (JSON.parse(raw) as Entry[])
}

function checkEntry({ port, mode, trustStore = '' }: Entry): void {
  if (mode === 'verify' && trustStore === '')
    throw new BuildError(
      `trustStore is required when mutualAuthentication mode is verify for port ${port}`,
    )
  if (mode !== 'verify' && trustStore !== '')
    throw new BuildError(
      `Mutual Authentication mode ${mode} does not support trustStore for port ${port}`,
    )
}

/** Finds the ARNs of the trust stores that Ingresses name. */
export async function findTrustStores(
  elbv2: Elbv2,
  ingresses: readonly Ingress[],
): Promise<TrustStoreArns> {
  const arns = new Map<string, string>()
  for (const ingress of ingresses) {
    const names = parseEntries(getAnnotations(ingress))
      .map(({ trustStore = '' }) => trustStore)
      .filter((trustStore) => trustStore !== '' && !trustStore.startsWith('arn:'))
    if (names.length === 0) continue
    for (const { Name = '', TrustStoreArn = '' } of await describe(elbv2, ingress, names))
      arns.set(Name, TrustStoreArn)
  }
  return arns
}

async function describe(elbv2: Elbv2, ingress: Ingress, names: readonly string[]) {
  try {
    const { TrustStores = [] } = await elbv2.call('DescribeTrustStores', (client) =>
      client.send(new DescribeTrustStoresCommand({ Names: [...names] })),
    )
    return TrustStores
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`ingress: ${getObjectKey(ingress)}: ${message}`, { cause: error })
  }
}
