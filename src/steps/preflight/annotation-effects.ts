/** Annotations that the controller knows, but that do nothing for the Ingress of this action. */
import type { Context } from '../step.ts'
import { findIneffectiveAnnotations } from '../../controller/annotations.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { buildAnnotations } from '../ingress/manifest.ts'

/** Warns of each, with the reason. */
export function warnIneffectiveAnnotations(
  context: Context,
  settings: EndpointSettings,
  service: { readonly name: string; readonly port: number },
): void {
  const ineffective = findIneffectiveAnnotations({
    annotations: buildAnnotations(settings),
    listenPort: settings.ingress.listenPort,
    service: service.name,
    servicePort: service.port,
  })
  for (const { key, reason } of ineffective)
    context.log.warn(`Input annotations contains ${key}, which has no effect: ${reason}.`)
}
