/** Whether the controller supports what the Ingress will ask for. */
import { controllerArgumentsUnsuitable, controllerTooOld } from '../../failures/controller.ts'
import type { ActionError } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import {
  describeRequiredVersions,
  findUnsupportedAnnotations,
  newestOf,
  selectRequests,
} from '../../controller/annotation-support.ts'
import { groupAnnotation } from '../../controller/annotations.ts'
import { findDisabledAnnotations } from '../../controller/arguments.ts'
import { formatVersion, type Version } from '../../controller/versions.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { buildAnnotations } from '../ingress/manifest.ts'

/** The Service of Milvus, as far as it is known. */
export interface KnownService {
  readonly name?: string | undefined
  readonly port?: number | undefined
}

const buildRequests = (settings: EndpointSettings, service: KnownService): Record<string, string> =>
  selectRequests({
    annotations: buildAnnotations(settings),
    listenPort: settings.ingress.listenPort,
    service: service.name,
    servicePort: service.port,
  })

/** What a version does wrong with the annotations of these inputs. Pure. */
export function findVersionProblem(
  settings: EndpointSettings,
  version: Version,
  service: KnownService,
): ActionError | undefined {
  const unsupported = findUnsupportedAnnotations(buildRequests(settings, service), version)
  if (unsupported.length === 0) return undefined
  const isRemovable = (key: string): boolean => Object.hasOwn(settings.ingress.annotations, key)
  const keys = unsupported.map(({ key }) => key)
  return controllerTooOld({
    version: formatVersion(version),
    effects: unsupported.map(({ effect }) => effect),
    requiredVersion: formatVersion(newestOf(unsupported.map((each) => each.supportedSince))),
    removableKeys: keys.every(isRemovable) ? keys : [],
  })
}

/**
 * What arguments of the controller's Deployment contradict. Pure.
 * @param controller `Deployment kube-system/aws-load-balancer-controller`
 * @param live the Ingress; the controller rejects only new uses of its annotation group.name
 */
export function findArgumentProblem(
  settings: EndpointSettings,
  live: Ingress | undefined,
  { controller, args }: { readonly controller: string; readonly args: readonly string[] },
): ActionError | undefined {
  const annotations = buildAnnotations(settings)
  const isNewUse = live?.metadata.annotations?.[groupAnnotation] !== annotations[groupAnnotation]
  const tags = Object.keys(settings.ingress.tags)
  const disabled = findDisabledAnnotations(args, annotations, tags).filter(
    ({ key }) => key !== groupAnnotation || isNewUse,
  )
  return disabled.length > 0 ? controllerArgumentsUnsuitable(controller, disabled) : undefined
}

/** @param reason why the version is not known, a sentence without its full stop */
export function noteUncheckedAnnotations(
  context: Context,
  settings: EndpointSettings,
  service: KnownService,
  reason: string,
): void {
  const requests = Object.entries(buildRequests(settings, service)).filter(([key]) =>
    Object.hasOwn(settings.ingress.annotations, key),
  )
  const required = describeRequiredVersions(Object.fromEntries(requests))
  if (required.length > 0)
    context.log.note(
      `${reason}, so its version is not known. Older versions of the controller ignore or reject ` +
        `these annotations: ${required.join(', ')}.`,
    )
}
