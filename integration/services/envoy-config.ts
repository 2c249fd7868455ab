/**
 * What ELBv2 says, as Envoy takes it: listeners with rules (LDS), certificates (SDS), and target
 * groups (CDS).
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { AlbOverrides } from '../../simulator/alb/server.ts'
import { getTlsVersions } from '../../simulator/alb/tls.ts'
import type { ImportedCertificate } from './aws-proxy.ts'
import type {
  ListenerView,
  LoadBalancerView,
  LoadBalancingView,
  RuleAction,
  RuleView,
  TargetGroupView,
} from './load-balancers.ts'

/** What the configuration is made of. */
export interface EnvoyInput {
  readonly view: LoadBalancingView
  readonly certificates: ReadonlyMap<string, ImportedCertificate>
  /** The loopback address of every load balancer. */
  readonly address: string
  /** Where a target really is. */
  readonly resolveTarget: (
    id: string,
    port: number,
  ) => { readonly host: string; readonly port: number } | undefined
  /** Where Envoy reads its files. */
  readonly directory: string
  /** What a scenario makes the load balancers do in place of what ELBv2 says. */
  readonly overrides: Pick<
    AlbOverrides,
    'fixedStatus' | 'servedCertificate' | 'alpnProtocols' | 'refuseConnections'
  >
}

type Json = Readonly<Record<string, unknown>>

const withType = (name: string, fields: Json): Json => ({
  '@type': `type.googleapis.com/${name}`,
  ...fields,
})
const socketAddress = (address: string, port: number): Json => ({
  socket_address: { address, port_value: port },
})

/**
 * The listeners. Of two load balancers on one port the newer one has it: a replaced one is about to
 * go.
 */
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
 * The certificates, by the names that listeners ask for. They are not part of a listener, which
 * drains its connections when it changes: an ALB keeps them when its certificate is renewed.
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
/** Also the name of a file. */
const getSecretName = (arn: string): string =>
  createHash('sha256').update(arn).digest('hex').slice(0, 16)

/**
 * Where Envoy finds a resource: it looks when a file is moved into the folder, so it never sees
 * half of one.
 */
export const buildConfigSource = (directory: string, name: string): Json => ({
  resource_api_version: 'V3',
  path_config_source: { path: join(directory, name), watched_directory: { path: directory } },
})

/** The file of a secret. */
export const getSecretFileName = (name: string): string => `sds-${name}.json`

/** The target groups; one without targets answers 503. */
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
  { certificates, overrides, directory }: EnvoyInput,
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
  // One that was not imported through the front: nothing can serve it.
  const names = overrides.servedCertificate
    ? [overrideSecretName]
    : listener.certificates.filter((arn) => certificates.has(arn)).map(getSecretName)
  if (names.length === 0) return undefined
  const versions = getTlsVersions(listener.sslPolicy)
  const toEnvoyVersion = (name: string): string =>
    name === 'TLSv1' ? 'TLSv1_0' : name.replace('.', '_')
  const tlsContext = withType('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
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
    },
  })
  return { filters, transport_socket: { name: 'tls', typed_config: tlsContext } }
}

/** The statuses that an ALB answers by itself without having been told to. */
const albStatuses = [404, 502, 503, 504]

function buildConnectionManager(
  { idleTimeout }: LoadBalancerView,
  listener: ListenerView,
  knownTargetGroups: ReadonlySet<string>,
  status: number | undefined,
): Json {
  const routes =
    status === undefined
      ? listener.rules.flatMap((rule) =>
          toRouteMatches(rule).map((match) => ({
            match,
            ...toRouteAction(rule.action, knownTargetGroups),
          })),
        )
      : [{ match: { prefix: '/' }, direct_response: { status } }]
  return withType(
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 'alb',
      codec_type: 'AUTO',
      server_header_transformation: 'PASS_THROUGH',
      stream_idle_timeout: `${idleTimeout}s`,
      common_http_protocol_options: { idle_timeout: `${idleTimeout}s` },
      route_config: {
        name: 'rules',
        validate_clusters: false,
        virtual_hosts: [{ name: 'all', domains: ['*'], routes }],
      },
      http_filters: [
        {
          name: 'status',
          typed_config: withType('envoy.extensions.filters.http.lua.v3.Lua', {
            default_source_code: { inline_string: restoreStatusScript },
          }),
        },
        {
          name: 'router',
          typed_config: withType('envoy.extensions.filters.http.router.v3.Router', {}),
        },
      ],
      local_reply_config: {
        mappers: [...new Set([...albStatuses, ...(status === undefined ? [] : [status])])].map(
          (each) => ({
            filter: {
              status_code_filter: {
                comparison: {
                  op: 'EQ',
                  value: { default_value: each, runtime_key: `alb.status.${each}` },
                },
              },
            },
            headers_to_add: [{ header: { key: 'x-alb-status', value: String(each) } }],
          }),
        ),
      },
    },
  )
}

/**
 * Envoy dresses its own answers to gRPC up as gRPC; an ALB does not, and clients see the HTTP
 * status.
 */
const restoreStatusScript = `
function envoy_on_response(handle)
  local headers = handle:headers()
  local status = headers:get("x-alb-status")
  if status ~= nil then
    headers:replace(":status", status)
    headers:replace("content-type", status == "404" and "text/plain; charset=utf-8" or "text/html")
    headers:replace("server", "awselb/2.0")
    headers:remove("grpc-status")
    headers:remove("grpc-message")
    headers:remove("x-alb-status")
  end
end
`

function toRouteMatches({ hosts, paths }: RuleView): Json[] {
  const host =
    hosts.length === 0
      ? {}
      : {
          headers: [
            {
              name: ':authority',
              string_match: {
                safe_regex: { regex: `(?i)(${hosts.map(globToRegex).join('|')})(:[0-9]+)?` },
              },
            },
          ],
        }
  return (paths.length === 0 ? ['*'] : paths).map((path) => ({
    ...(path === '*' || path === '/*'
      ? { prefix: '/' }
      : { safe_regex: { regex: globToRegex(path) } }),
    ...host,
  }))
}

/** `*` stands for any characters and `?` for one, as in ELBv2's conditions. */
function globToRegex(text: string): string {
  return text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
}

function toRouteAction(ruleAction: RuleAction, knownTargetGroups: ReadonlySet<string>): Json {
  if ('status' in ruleAction)
    return {
      direct_response: {
        status: ruleAction.status,
        ...(ruleAction.body === '' ? {} : { body: { inline_string: ruleAction.body } }),
      },
    }
  if ('redirectPort' in ruleAction)
    return { redirect: { https_redirect: true, port_redirect: ruleAction.redirectPort } }
  // A group that is gone: what an ALB then says is 503.
  return knownTargetGroups.has(ruleAction.targetGroup)
    ? { route: { cluster: ruleAction.targetGroup, timeout: '0s' } }
    : { direct_response: { status: 503 } }
}
