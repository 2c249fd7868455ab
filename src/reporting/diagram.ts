/**
 * The way from a client to Milvus as a Mermaid diagram with the real names. Pure. Source: Mermaid,
 * Flowcharts; GitHub renders it in summaries.
 */
import type { ActionError } from '../failures/action-error.ts'
import type { StepName } from '../failures/codes.ts'
import type { OutputName, Topology } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'

/**
 * A text inside a label: letters, digits and a few signs as they are, all else as the entity codes
 * that Mermaid reads.
 */
export const escapeLabel = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[^A-Za-z0-9 .,:/()-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`)

/** The steps in whose failure the way is known to be there only as far as the ALB. */
const failedBehindAlb: readonly StepName[] = ['load-balancer', 'probe']

/** @returns '' while there is no ALB that could be drawn */
export function renderDiagram(
  topology: Topology,
  outputs: ReadonlyMap<OutputName, string>,
  settings: Settings,
  error: ActionError | undefined,
): string {
  const address = outputs.get('alb-address')
  if (address === undefined || !topology.service) return ''
  const { service, pods, targetGroup } = topology
  const { listenPort, scheme, groupName } = settings.ingress
  const isBackendBroken = error?.step !== undefined && failedBehindAlb.includes(error.step)
  const version = outputs.get('milvus-version')
  const backendLabels = [
    `Service ${service.name}:${service.port}`,
    ...(pods ? [`${pods.ready} of ${pods.total} pod${pods.total === 1 ? '' : 's'} ready`] : []),
    ...(version ? [`Milvus ${version}`] : []),
  ]
  const lines = [
    'flowchart LR',
    `  client(["client"]) -->|"gRPC over TLS, ${escapeLabel(settings.host)}:${listenPort}"| listener`,
    `  subgraph alb["ALB ${escapeLabel(topology.loadBalancerName ?? address)} (${scheme}${groupName === undefined ? '' : `, group ${escapeLabel(groupName)}`})"]`,
    `    listener["HTTPS listener ${listenPort}"] --> group["target group${targetGroup === undefined ? '' : ` ${escapeLabel(targetGroup)}`} (GRPC, ip)"]`,
    '  end',
    `  subgraph cluster["namespace ${escapeLabel(settings.namespace)}"]`,
    `    milvus[["${backendLabels.map(escapeLabel).join('<br>')}"]]`,
    '  end',
    isBackendBroken ? `  group -. "${escapeLabel(error.code)}" .-x milvus` : '  group --> milvus',
    ...(isBackendBroken ? ['  style milvus stroke:#d1242f,stroke-width:2px'] : []),
  ]
  return ['```mermaid', ...lines, '```'].join('\n')
}
