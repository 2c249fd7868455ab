/** Whether the controller supports what the Ingress will ask for. */
import { controllerTooOld } from '../../failures/controller.ts'
import type { ActionError } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import {
  describeRequiredVersions,
  findUnsupportedAnnotations,
  newestOf,
} from '../../controller/annotation-support.ts'
import { formatVersion, type Version } from '../../controller/versions.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { buildAnnotations } from '../ingress/manifest.ts'

/** What a version does wrong with the annotations of these inputs. Pure. */
export function findVersionProblem(
  settings: EndpointSettings,
  version: Version,
): ActionError | undefined {
  const unsupported = findUnsupportedAnnotations(buildAnnotations(settings), version)
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

/** @param reason why the version is not known, a sentence without its full stop */
export function noteUncheckedAnnotations(
  context: Context,
  { ingress }: EndpointSettings,
  reason: string,
): void {
  const required = describeRequiredVersions(ingress.annotations)
  if (required.length > 0)
    context.log.note(
      `${reason}, so its version is not known. Older versions of the controller ignore or reject ` +
        `these annotations: ${required.join(', ')}.`,
    )
}
