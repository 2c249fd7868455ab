/** A target whose Ingress is as the default inputs want it. */
import { known } from '../../../src/steps/deferred.ts'
import { buildDesiredIngress, toManifest } from '../../../src/steps/ingress/desired.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { certificateArn, createSettings, createTarget, ingress } from '../fixtures.ts'

export const expectedIngress = toManifest(
  buildDesiredIngress(createSettings(), createTarget(), known(certificateArn)),
)

export const annotations = { ...expectedIngress.metadata.annotations }

export const createLiveTarget = (
  annotationOverrides: Record<string, string> = {},
  ownedAnnotations: readonly string[] = Object.keys(annotations),
): Target =>
  createTarget({
    ingress: ingress(
      { ...annotations, ...annotationOverrides },
      { spec: expectedIngress.spec, ownedAnnotations },
    ),
  })
