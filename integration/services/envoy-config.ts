/** Envoy's configuration for ELBv2: listeners (LDS), certificates (SDS) and target groups (CDS). */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { AlbOverrides } from '../../simulator/alb/server.ts'
import { getTlsVersions } from '../../simulator/alb/tls.ts'
import type { MutualAuthentication } from '../../simulator/aws/state.ts'
import type { ImportedCertificate } from './aws-replies.ts'
import { buildConnectionManager, withType, type Json } from './envoy-routes.ts'
import type {
  ListenerView,
  LoadBalancerView,
  LoadBalancingView,
  TargetGroupView,
} from './load-balancers.ts'

/** The input of the configuration. */
export interface EnvoyInput {
  readonly view: LoadBalancingView
  readonly certificates: ReadonlyMap<string, ImportedCertificate>
  /** What a listener does with client certificates; undefined if it requests none. */
  readonly findMutualAuthentication: (listenerArn: string) => MutualAuthentication | undefined
  /** The loopback address of every load balancer. */
  readonly address: string
  /** The actual address of a target. */
  readonly resolveTarget: (
    id: string,
    port: number,
  ) => { readonly host: string; readonly port: number } | undefined
  /** The folder of Envoy's files. */
  readonly directory: string
  /** Behavior that a scenario imposes on the load balancers. */
  readonly overrides: Pick<
    AlbOverrides,
    'fixedStatus' | 'servedCertificate' | 'alpnProtocols' | 'refuseConnections'
  >
}

const socketAddress = (address: string, port: number): Json => ({
  socket_address: { address, port_value: port },
})

/** The listeners. If two load balancers share a port, the newer one gets it. */
export function buildListeners(input: EnvoyInput): Json[] {
  const byPort = new Map<number, Json>()
  if (input.overrides.refuseConnections === true) return []
  const knownTargetGroups = new Set(input.view.targetGroups.map(({ arn }) => arn))
  for (const loadBalancer of input.view.loadBalancers) {
    for (const listener of loadBalancer.listeners) {
      const chain = buildFilterChain(loadBalancer, listener, input, knownTargetGroups)
      if (chain)
        byPort.set(listener.port, {
          name: `port-${listener.port}`,
          address: socketAddress(input.address, listener.port),
          filter_chains: [chain],
        })
    }
  }
  return [...byPort.values()]
}

/**
 * The certificates, by the names that listeners use. They are separate because Envoy drains the
 * connections of a changed listener, whereas an ALB keeps them when its certificate is renewed.
 */
export function buildSecrets({ certificates, overrides }: EnvoyInput): Map<string, Json> {
  const entries: [string, ImportedCertificate][] = [...certificates].map(([arn, imported]) => [
    getSecretName(arn),
    imported,
  ])
  if (overrides.servedCertificate)
    entries.push([overrideSecretName, { ...overrides.servedCertificate, chain: '' }])
  return new Map(
    entries.map(([name, { certificate, chain, privateKey }]) => [
      name,
      {
        name,
        tls_certificate: {
          certificate_chain: {
            inline_string: [certificate, chain]
              .map((pem) => pem.trim())
              .filter((pem) => pem !== '')
              .join('\n'),
          },
          private_key: { inline_string: privateKey },
        },
      },
    ]),
  )
}

const overrideSecretName = 'override'
/** Also used as a file name. */
const getSecretName = (arn: string): string =>
  createHash('sha256').update(arn).digest('hex').slice(0, 16)

/**
 * The location of a resource. Envoy reads it when a file is moved there, so the file is always
 * complete.
 */
export const buildConfigSource = (directory: string, name: string): Json => ({
  resource_api_version: 'V3',
  path_config_source: { path: join(directory, name), watched_directory: { path: directory } },
})

/** The file of a secret. */
export const getSecretFileName = (name: string): string => `sds-${name}.json`

/** The target groups. A group without targets responds with 503. */
export function buildClusters({ view, resolveTarget }: EnvoyInput): Json[] {
  return view.targetGroups.map((group) => ({
    name: group.arn,
    connect_timeout: '10s',
    type: 'STATIC',
    lb_policy: 'ROUND_ROBIN',
    load_assignment: {
      cluster_name: group.arn,
      endpoints: [
        {
          lb_endpoints: resolveAddresses(group, resolveTarget).map(({ host, port }) => ({
            endpoint: { address: socketAddress(host, port) },
          })),
        },
      ],
    },
    ...(group.protocolVersion === 'HTTP1'
      ? {}
      : {
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': withType(
              'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              { explicit_http_config: { http2_protocol_options: {} } },
            ),
          },
        }),
  }))
}

function resolveAddresses(
  group: TargetGroupView,
  resolve: EnvoyInput['resolveTarget'],
): { host: string; port: number }[] {
  const entries = group.targets
    .map(({ id, port }) => resolve(id, port))
    .filter((address) => address !== undefined)
  return [
    ...new Map(entries.map((address) => [`${address.host}:${address.port}`, address])).values(),
  ]
}

function buildFilterChain(
  loadBalancer: LoadBalancerView,
  listener: ListenerView,
  { certificates, findMutualAuthentication, overrides, directory }: EnvoyInput,
  knownTargetGroups: ReadonlySet<string>,
): Json | undefined {
  const filters = [
    {
      name: 'http',
      typed_config: buildConnectionManager(
        loadBalancer,
        listener,
        knownTargetGroups,
        overrides.fixedStatus,
      ),
    },
  ]
  if (listener.protocol !== 'HTTPS') return { filters }
  // The private key is known only for certificates that were imported through the proxy.
  const names = overrides.servedCertificate
    ? [overrideSecretName]
    : listener.certificates.filter((arn) => certificates.has(arn)).map(getSecretName)
  if (names.length === 0) return undefined
  const versions = getTlsVersions(listener.sslPolicy)
  const toEnvoyVersion = (name: string): string =>
    name === 'TLSv1' ? 'TLSv1_0' : name.replace('.', '_')
  const mutualAuthentication = findMutualAuthentication(listener.arn)
  const tlsContext = withType('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: mutualAuthentication?.mode === 'verify',
    common_tls_context: {
      alpn_protocols: overrides.alpnProtocols ?? ['h2', 'http/1.1'],
      tls_params: {
        tls_minimum_protocol_version: toEnvoyVersion(versions.minVersion),
        tls_maximum_protocol_version: toEnvoyVersion(versions.maxVersion),
      },
      tls_certificate_sds_secret_configs: names.map((name) => ({
        name,
        sds_config: buildConfigSource(directory, getSecretFileName(name)),
      })),
      ...buildClientValidation(mutualAuthentication),
    },
  })
  return { filters, transport_socket: { name: 'tls', typed_config: tlsContext } }
}

/** Without a trust store, Envoy accepts any client certificate, and none. */
function buildClientValidation(mutualAuthentication: MutualAuthentication | undefined): Json {
  const { trustStore, ignoresExpiry } = mutualAuthentication ?? {}
  if (!trustStore) return {}
  return {
    validation_context: {
      trusted_ca: { inline_string: trustStore.certificates },
      allow_expired_certificate: ignoresExpiry,
    },
  }
}
