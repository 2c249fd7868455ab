import { describe, expect, test } from '@jest/globals'
import {
  buildDesiredManifest,
  plan,
  checkIngressConflicts,
} from '../../../src/steps/ingress/ingress.ts'
import { reconcileRequestAnnotation } from '../../../src/steps/ingress/manifest.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { captureActionError } from '../../capture-error.ts'
import { certificateArn, ingress, createSettings, createTarget } from '../fixtures.ts'

const expectedIngress = buildDesiredManifest(createSettings(), createTarget(), certificateArn)
const annotations = { ...expectedIngress.metadata.annotations }
const createLiveTarget = (
  annotationOverrides: Record<string, string> = {},
  ownedAnnotations: readonly string[] = Object.keys(annotations),
): Target =>
  createTarget({
    ingress: ingress(
      { ...annotations, ...annotationOverrides },
      { spec: expectedIngress.spec, ownedAnnotations },
    ),
  })

describe('plan', () => {
  test('returns each field of a new Ingress as a change', () => {
    const changes = plan(createTarget(), createSettings(), certificateArn)
    expect(changes).toHaveLength(Object.keys(annotations).length + 2)
    for (const change of changes)
      expect(change).toMatchObject({
        step: 'ingress',
        object: 'Ingress milvus/milvus-demo',
        why: 'the Ingress does not exist yet',
      })
  })

  test('returns no change when nothing differs', () => {
    expect(plan(createLiveTarget(), createSettings(), certificateArn)).toEqual([])
  })

  const createKubectlTarget = (annotationOverrides: Record<string, string> = {}): Target =>
    createTarget({
      ingress: ingress(
        { ...annotations, ...annotationOverrides },
        {
          spec: expectedIngress.spec,
          ownedAnnotations: Object.keys(annotations),
          manager: { manager: 'kubectl-client-side-apply', operation: 'Update' },
        },
      ),
    })
  const ownershipTransfer = {
    step: 'ingress',
    object: 'Ingress milvus/milvus-demo',
    path: 'metadata.managedFields',
    before: 'kubectl-client-side-apply',
    after: 'milvus-alb-action',
  }

  test('transfers the fields of an Ingress created with kubectl apply first', () => {
    expect(plan(createKubectlTarget(), createSettings(), certificateArn)).toMatchObject([
      ownershipTransfer,
    ])
    expect(
      plan(
        createKubectlTarget({ 'alb.ingress.kubernetes.io/scheme': 'internal' }),
        createSettings(),
        certificateArn,
      ),
    ).toMatchObject([
      ownershipTransfer,
      { path: 'metadata.annotations.alb.ingress.kubernetes.io/scheme' },
    ])
  })

  test('leaves fields that this action does not set to kubectl', () => {
    const targetWithUnmanagedField = createTarget({
      ingress: ingress(
        { ...annotations, 'example.com/x': 'y' },
        {
          spec: expectedIngress.spec,
          ownedAnnotations: ['example.com/x'],
          manager: { manager: 'kubectl-client-side-apply', operation: 'Update' },
        },
      ),
    })
    expect(plan(targetWithUnmanagedField, createSettings(), certificateArn)).toEqual([])
  })

  test('returns the one field that differs', () => {
    const path = 'alb.ingress.kubernetes.io/certificate-arn'
    expect(plan(createLiveTarget({ [path]: 'old' }), createSettings(), certificateArn)).toEqual([
      {
        step: 'ingress',
        object: 'Ingress milvus/milvus-demo',
        path: `metadata.annotations.${path}`,
        before: 'old',
        after: certificateArn,
        why: 'differs from the inputs',
      },
    ])
  })

  test('removes the annotation of an input that is no longer set', () => {
    const path = 'alb.ingress.kubernetes.io/subnets'
    const [change, ...otherChanges] = plan(
      createLiveTarget({ [path]: 'a,b' }, [...Object.keys(annotations), path]),
      createSettings(),
      certificateArn,
    )
    expect(otherChanges).toEqual([])
    expect(change).toEqual({
      step: 'ingress',
      object: 'Ingress milvus/milvus-demo',
      path: `metadata.annotations.${path}`,
      before: 'a,b',
      why: 'differs from the inputs',
    })
  })

  const path = 'alb.ingress.kubernetes.io/scheme'
  const createTargetChangedBy = (
    manager: string,
    operation: 'Update' | 'Apply' = 'Update',
  ): Target =>
    createTarget({
      ingress: ingress(
        { ...annotations, [path]: 'internal' },
        {
          spec: expectedIngress.spec,
          ownedAnnotations: [path],
          manager: { manager, operation, time: '2026-11-27T02:13:00Z' },
        },
      ),
    })
  const forcedSettings = createSettings({
    ingress: { ...createSettings().ingress, forceConflicts: true },
  })
  const changedByReason = 'differs from the inputs: changed by kubectl-edit at 2026-11-27T02:13:00Z'

  test.each([
    [
      'an edit without force-conflicts',
      createTargetChangedBy('kubectl-edit'),
      createSettings(),
      `${changedByReason}, and a deploy reverts it only with force-conflicts: true`,
    ],
    [
      'an edit with force-conflicts',
      createTargetChangedBy('kubectl-edit'),
      forcedSettings,
      changedByReason,
    ],
    [
      'a kubectl apply',
      createTargetChangedBy('kubectl-client-side-apply'),
      createSettings(),
      changedByReason.replace('edit', 'client-side-apply'),
    ],
    [
      'changed inputs',
      createLiveTarget({ [path]: 'internal' }),
      createSettings(),
      'differs from the inputs',
    ],
  ])('explains a changed field: %s', (_, liveTarget, inputs, why) => {
    expect(plan(liveTarget, inputs, certificateArn).at(-1)?.why).toBe(why)
  })

  test('rejects a field that another field manager owns with another value, without force-conflicts', async () => {
    expect(
      (
        await captureActionError(() =>
          checkIngressConflicts(
            createTargetChangedBy('argocd', 'Apply'),
            createSettings(),
            certificateArn,
          ),
        )
      ).message,
    ).toBe(
      `Other field managers own fields of Ingress milvus-demo with different values: .metadata.annotations.${path} (owned by "argocd" since 2026-11-27T02:13:00Z).`,
    )
    for (const [liveTarget, inputs] of [
      [createTargetChangedBy('argocd'), forcedSettings],
      [createTargetChangedBy('kubectl-client-side-apply'), createSettings()],
      [createLiveTarget({ [path]: 'internal' }), createSettings()],
      [createTarget(), createSettings()],
    ] as const) {
      expect(() => checkIngressConflicts(liveTarget, inputs, certificateArn)).not.toThrow()
    }
  })

  test('ignores an earlier reconcile request', () => {
    expect(
      plan(
        createLiveTarget({ [reconcileRequestAnnotation]: 'then' }, [
          ...Object.keys(annotations),
          reconcileRequestAnnotation,
        ]),
        createSettings(),
        certificateArn,
      ),
    ).toEqual([])
  })

  test('returns a change for an ARN that is known only after the import', () => {
    expect(
      plan(createLiveTarget(), createSettings(), '(known after the import)').map(
        ({ after }) => after,
      ),
    ).toEqual(['(known after the import)'])
  })
})
