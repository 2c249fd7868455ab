/** The way from a client to Milvus as a Mermaid diagram with the real names. Pure. Source: Mermaid, Flowcharts; GitHub renders it in summaries. */
import type { ActionError, StepName } from '../core/errors.ts'
import type { OutputName, Way } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'

/** A text inside a label: letters, digits and a few signs as they are, all else as the entity codes that Mermaid reads. */
export const label = (text: string): string => text.replace(/\s+/g, ' ').replace(/[^A-Za-z0-9 .,:/()-]/gu, (sign) => `#${sign.codePointAt(0) ?? 0};`)

/** The steps in whose failure the way is known to be there only as far as the ALB. */
const unproven: readonly StepName[] = ['load-balancer', 'probe']

/** @returns '' while there is no ALB that could be drawn */
export function diagram(way: Way, outputs: ReadonlyMap<OutputName, string>, settings: Settings, error: ActionError | undefined): string {
  const address = outputs.get('alb-address')
  if (address === undefined || !way.service) return ''
  const { service, pods, targetGroup } = way
  const { listenPort, scheme, groupName } = settings.ingress
  const broken = error?.step !== undefined && unproven.includes(error.step)
  const version = outputs.get('milvus-version')
  const behind = [`Service ${service.name}:${service.port}`, ...(pods ? [`${pods.ready} of ${pods.all} pod${pods.all === 1 ? '' : 's'} ready`] : []), ...(version ? [`Milvus ${version}`] : [])]
  const lines = [
    'flowchart LR',
    `  client(["client"]) -->|"gRPC over TLS, ${label(settings.host)}:${listenPort}"| listener`,
    `  subgraph alb["ALB ${label(way.balancer ?? address)} (${scheme}${groupName === undefined ? '' : `, group ${label(groupName)}`})"]`,
    `    listener["HTTPS listener ${listenPort}"] --> group["target group${targetGroup === undefined ? '' : ` ${label(targetGroup)}`} (GRPC, ip)"]`,
    '  end',
    `  subgraph cluster["namespace ${label(settings.namespace)}"]`,
    `    milvus[["${behind.map(label).join('<br>')}"]]`,
    '  end',
    broken ? `  group -. "${label(error.code)}" .-x milvus` : '  group --> milvus',
    ...(broken ? ['  style milvus stroke:#d1242f,stroke-width:2px'] : []),
  ]
  return ['```mermaid', ...lines, '```'].join('\n')
}
