/** Envoy's routes for the rules of a listener. */
import type { ListenerView, LoadBalancerView, RuleAction, RuleView } from './load-balancers.ts'

/** A part of Envoy's configuration. */
export type Json = Readonly<Record<string, unknown>>

/** A message that Envoy identifies by its type. */
export const withType = (name: string, fields: Json): Json => ({
  '@type': `type.googleapis.com/${name}`,
  ...fields,
})

/** The statuses with which an ALB itself responds. */
const albStatuses = [404, 502, 503, 504]

/** The HTTP filter of a listener. A status replaces all of its rules. */
export function buildConnectionManager(
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

/** Envoy converts its own responses to gRPC clients to gRPC. An ALB does not: clients see HTTP. */
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

/** As in ELBv2's conditions, `*` matches any characters and `?` exactly one. */
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
  // An ALB responds with 503 for a target group that no longer exists.
  return knownTargetGroups.has(ruleAction.targetGroup)
    ? { route: { cluster: ruleAction.targetGroup, timeout: '0s' } }
    : { direct_response: { status: 503 } }
}
