/**
 * The route from a client to Milvus as a Mermaid diagram, with real names. Pure. Source: Mermaid,
 * Flowcharts; GitHub renders it in summaries.
 */
import type { ActionError } from '../failures/action-error.ts'
import type { FailureCode } from '../failures/codes.ts'
import type { OutputName } from '../steps/outputs.ts'
import type { Topology } from '../steps/step.ts'
import type { EndpointSettings } from '../inputs/types.ts'
import { formatCount } from '../util/text.ts'

/** A text within a label. All but common characters become entity codes of Mermaid. */
export const escapeLabel = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[^A-Za-z0-9 .,:/()-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`)

/** A link of the route. */
type Hop = 'client' | 'rule' | 'backend' | 'rest'

interface BrokenLink {
  readonly hop: Hop
  readonly code: FailureCode
}

/** The links that failures break, where it is not the one of gRPC behind the ALB. */
const hopOfCode: Partial<Record<FailureCode, Hop>> = {
  'load-balancer-failed': 'client',
  'load-balancer-timeout': 'client',
  'probe-dns-failed': 'client',
  'probe-unreachable': 'client',
  'probe-tls-failed': 'client',
  'probe-certificate-untrusted': 'client',
  'probe-certificate-host-mismatch': 'client',
  'probe-certificate-differs': 'client',
  'probe-http2-missing': 'client',
  'probe-address-failed': 'client',
  'probe-host-dns-missing': 'client',
  'probe-host-dns-differs': 'client',
  'probe-not-routed': 'rule',
  'probe-rest-failed': 'rest',
}

/**
 * Failures of the probe, and of Milvus, break a link. Others do not, in whichever step they occur:
 * differences, a cancellation, a missing permission, a Milvus that answers but not as required.
 */
const failuresOfProbe = /^probe-|^milvus-(not-|unhealthy)/

/** @returns an empty text when there is no ALB or Service to draw */
export function renderDiagram(
  topology: Topology,
  outputs: ReadonlyMap<OutputName, string>,
  settings: EndpointSettings,
  error: ActionError | undefined,
): string {
  const address = outputs.get('alb-address')
  // A rollback leaves it empty.
  if (!address || !topology.service) return ''
  const { host, namespace, ingress } = settings
  const { listenPort } = ingress
  const isRestServed = topology.restTargetGroup !== undefined
  const broken = findBrokenLink(error, isRestServed)
  const clientLabel = escapeLabel(`gRPC over TLS, ${host}:${listenPort}`)
  const groupLabel = describeTargetGroup(topology.targetGroup, 'GRPC')
  const restGroupLabel = describeTargetGroup(topology.restTargetGroup, 'HTTP1')
  const restLabel = escapeLabel(`Service ${topology.restService ?? ''}`)
  const renderLink = (hop: Hop, label = ''): string =>
    hop === broken?.hop ? renderBrokenLink(label, broken.code) : renderIntactLink(label)
  const albName = topology.loadBalancerName ?? address
  const albLabel = describeLoadBalancer(albName, ingress.scheme, topology.group)
  const milvusLabel = describeBackend(topology, outputs.get('milvus-version'))
  return [
    '```mermaid',
    'flowchart LR',
    `  client(["client"]) ${renderLink('client', clientLabel)} listener`,
    `  subgraph alb["${albLabel}"]`,
    `    listener["HTTPS listener ${listenPort}"] ${renderLink('rule')} group["${groupLabel}"]`,
    ...(isRestServed ? [`    listener -->|"RESTful API"| rest["${restGroupLabel}"]`] : []),
    '  end',
    `  subgraph cluster["namespace ${escapeLabel(namespace)}"]`,
    `    milvus[["${milvusLabel}"]]`,
    '  end',
    `  group ${renderLink('backend')} milvus`,
    ...(isRestServed ? [`  rest ${renderLink('rest', restLabel)} milvus`] : []),
    ...(broken === undefined
      ? []
      : [`  style ${hopEnds[broken.hop]} stroke:#d1242f,stroke-width:2px`]),
    '```',
  ].join('\n')
}

function describeLoadBalancer(name: string, scheme: string, group: string | undefined): string {
  const groupText = group === undefined ? '' : `, group ${group}`
  return escapeLabel(`ALB ${name} (${scheme}${groupText})`)
}

const describeTargetGroup = (name: string | undefined, protocolVersion: string): string =>
  escapeLabel(`target group ${name ?? ''} (${protocolVersion}, ip)`)

function describeBackend({ service, pods }: Topology, version: string | undefined): string {
  const lines: string[] = []
  if (service) lines.push(`Service ${service.name}:${service.port}`)
  if (pods) lines.push(`${pods.ready} of ${formatCount(pods.total, 'pod')} ready`)
  if (version) lines.push(`Milvus ${version}`)
  return lines.map(escapeLabel).join('<br>')
}

/** The node that each broken link marks: Milvus itself answers gRPC when the RESTful API fails. */
const hopEnds: Readonly<Record<Hop, string>> = {
  client: 'listener',
  rule: 'group',
  backend: 'milvus',
  rest: 'rest',
}

/** The first of all problems that breaks a link: a check may find others besides. */
function findBrokenLink(
  error: ActionError | undefined,
  isRestServed: boolean,
): BrokenLink | undefined {
  for (const { code } of error?.allErrors ?? []) {
    const hop = hopOfCode[code] ?? (failuresOfProbe.test(code) ? 'backend' : undefined)
    if (hop !== undefined && (hop !== 'rest' || isRestServed)) return { hop, code }
  }
  return undefined
}

const renderIntactLink = (label: string): string => (label === '' ? '-->' : `-->|"${label}"|`)

function renderBrokenLink(label: string, code: string): string {
  const text = [label, escapeLabel(code)].filter((part) => part !== '').join('<br>')
  return `-. "${text}" .-x`
}
