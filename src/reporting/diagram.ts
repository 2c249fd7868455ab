/**
 * The route from a client to Milvus as a Mermaid diagram, with real names. Pure. Source: Mermaid,
 * Flowcharts; GitHub renders it in summaries.
 */
import type { ActionError } from '../failures/action-error.ts'
import type { StepName } from '../failures/codes.ts'
import type { OutputName } from '../steps/outputs.ts'
import type { Topology } from '../steps/step.ts'
import type { EndpointSettings } from '../inputs/types.ts'
import { formatCount } from '../util/text.ts'

/** A text within a label. All but common characters become entity codes of Mermaid. */
export const escapeLabel = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[^A-Za-z0-9 .,:/()-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`)

/** When one of these steps fails, the route is broken behind the ALB. */
const stepsBehindAlb: readonly StepName[] = ['load-balancer', 'probe']

/** @returns an empty text when there is no ALB or Service to draw */
export function renderDiagram(
  topology: Topology,
  outputs: ReadonlyMap<OutputName, string>,
  settings: EndpointSettings,
  error: ActionError | undefined,
): string {
  const address = outputs.get('alb-address')
  if (address === undefined || !topology.service) return ''
  const { host, namespace, ingress } = settings
  const { listenPort } = ingress
  const clientLabel = escapeLabel(`gRPC over TLS, ${host}:${listenPort}`)
  const albLabel = describeLoadBalancer(topology.loadBalancerName ?? address, settings)
  const milvusLabel = describeBackend(topology, outputs.get('milvus-version'))
  return [
    '```mermaid',
    'flowchart LR',
    `  client(["client"]) -->|"${clientLabel}"| listener`,
    `  subgraph alb["${albLabel}"]`,
    `    listener["HTTPS listener ${listenPort}"] --> group["${describeTargetGroup(topology)}"]`,
    '  end',
    `  subgraph cluster["namespace ${escapeLabel(namespace)}"]`,
    `    milvus[["${milvusLabel}"]]`,
    '  end',
    ...renderBackendLink(error),
    '```',
  ].join('\n')
}

function describeLoadBalancer(
  name: string,
  { ingress: { scheme, groupName } }: EndpointSettings,
): string {
  const group = groupName === undefined ? '' : `, group ${groupName}`
  return escapeLabel(`ALB ${name} (${scheme}${group})`)
}

const describeTargetGroup = ({ targetGroup }: Topology): string =>
  escapeLabel(`target group ${targetGroup ?? ''} (GRPC, ip)`)

function describeBackend({ service, pods }: Topology, version: string | undefined): string {
  const lines: string[] = []
  if (service) lines.push(`Service ${service.name}:${service.port}`)
  if (pods) lines.push(`${pods.ready} of ${formatCount(pods.total, 'pod')} ready`)
  if (version) lines.push(`Milvus ${version}`)
  return lines.map(escapeLabel).join('<br>')
}

function renderBackendLink(error: ActionError | undefined): string[] {
  const isBroken = error?.step !== undefined && stepsBehindAlb.includes(error.step)
  if (!isBroken) return ['  group --> milvus']
  return [
    `  group -. "${escapeLabel(error.code)}" .-x milvus`,
    '  style milvus stroke:#d1242f,stroke-width:2px',
  ]
}
