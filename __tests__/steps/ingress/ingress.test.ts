import { describe, expect, test } from '@jest/globals'
import type { EndpointSettings } from '../../../src/inputs/types.ts'
import { known, knownLater } from '../../../src/steps/deferred.ts'
import { buildDesiredIngress, toManifest } from '../../../src/steps/ingress/desired.ts'
import {
  checkConflicts,
  plan,
  requiresForce,
  resolveCertificate,
  toChanges,
} from '../../../src/steps/ingress/ingress.ts'
import { reconcileRequestAnnotation } from '../../../src/steps/ingress/manifest.ts'
import type { IngressOperation } from '../../../src/steps/ingress/operations.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { captureActionError } from '../../capture-error.ts'
import type { Change } from '../../../src/steps/step.ts'
import { certificateArn, ingress, createSettings, createTarget } from '../fixtures.ts'
import { annotations, createLiveTarget, expectedIngress } from './live-target.ts'

const planOperations = (
  target: Target,
  settings: EndpointSettings = createSettings(),
): IngressOperation[] => plan({ settings }, { target, certificateArn: known(certificateArn) })
const planChanges = (target: Target, settings?: EndpointSettings): Change[] =>
  toChanges(planOperations(target, settings))

describe('plan', () => {
  test('returns each field of a new Ingress as a change', () => {
    const changes = planChanges(createTarget())
    expect(changes).toHaveLength(Object.keys(annotations).length + 2)
    for (const change of changes)
      expect(change).toMatchObject({
        step: 'ingress',
        object: 'Ingress milvus/milvus-demo',
        why: 'the Ingress does not exist yet',
      })
  })

  test('returns no change when nothing differs', () => {
    expect(planChanges(createLiveTarget())).toEqual([])
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
    expect(planChanges(createKubectlTarget())).toMatchObject([ownershipTransfer])
    expect(
      planChanges(createKubectlTarget({ 'alb.ingress.kubernetes.io/scheme': 'internal' })),
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
    expect(planChanges(targetWithUnmanagedField)).toEqual([])
  })

  test('plans the group of an annotation that stays', () => {
    const group = { 'alb.ingress.kubernetes.io/group.name': 'shared' }
    const target = createLiveTarget(group, [])
    const settings = createSettings({ ingress: { scheme: 'internal' } })
    const withoutGroup = { readable: true, spec: {}, isAutoMode: true } as const
    expect(planOperations(target, settings)).toMatchObject([
      { desiredAlb: { groupName: 'shared' } },
    ])
    expect(planOperations({ ...target, classParams: withoutGroup }, settings)).toMatchObject([
      { desiredAlb: { groupName: undefined } },
    ])
  })

  test('returns the one field that differs', () => {
    const path = 'alb.ingress.kubernetes.io/certificate-arn'
    expect(planChanges(createLiveTarget({ [path]: 'old' }))).toEqual([
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
    const [change, ...otherChanges] = planChanges(
      createLiveTarget({ [path]: 'a,b' }, [...Object.keys(annotations), path]),
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
  const createSharedTarget = (): Target =>
    createTarget({
      ingress: ingress(
        { ...annotations, [path]: 'internal' },
        { spec: expectedIngress.spec, ownedAnnotations: [path], sharedWith: 'argocd' },
      ),
    })
  const forcedSettings = createSettings({
    ingress: { ...createSettings().ingress, forceConflicts: true },
  })
  const changedByReason = 'differs from the inputs: changed by kubectl-edit at 2026-11-27T02:13:00Z'

  test.each([
    {
      name: 'an edit without force-conflicts',
      target: createTargetChangedBy('kubectl-edit'),
      why: `${changedByReason}, and a deploy reverts it only with force-conflicts: true`,
    },
    {
      name: 'an edit with force-conflicts',
      target: createTargetChangedBy('kubectl-edit'),
      settings: forcedSettings,
      why: changedByReason,
    },
    {
      name: 'a kubectl apply',
      target: createTargetChangedBy('kubectl-client-side-apply'),
      why: changedByReason.replace('edit', 'client-side-apply'),
    },
    {
      name: 'changed inputs, of a field that another manager applies too',
      target: createSharedTarget(),
      why: 'differs from the inputs, and a deploy reverts it only with force-conflicts: true',
    },
    {
      name: 'changed inputs',
      target: createLiveTarget({ [path]: 'internal' }),
      why: 'differs from the inputs',
    },
  ])('explains a changed field: $name', ({ target, settings, why }) => {
    expect(planChanges(target, settings).at(-1)?.why).toBe(why)
  })

  test('rejects a field that another field manager owns with another value, without force-conflicts', async () => {
    expect(
      (
        await captureActionError(() =>
          checkConflicts(planOperations(createTargetChangedBy('argocd', 'Apply'))),
        )
      ).message,
    ).toBe(
      `Other field managers own fields of Ingress milvus-demo with different values: .metadata.annotations.${path} (owned by "argocd" since 2026-11-27T02:13:00Z).`,
    )
    expect(requiresForce(planOperations(createTargetChangedBy('argocd', 'Apply')))).toBe(true)
    expect(requiresForce(planOperations(createSharedTarget()))).toBe(true)
    for (const [liveTarget, inputs] of [
      [createTargetChangedBy('argocd'), forcedSettings],
      [createTargetChangedBy('kubectl-client-side-apply'), createSettings()],
      [createLiveTarget({ [path]: 'internal' }), createSettings()],
      [createTarget(), createSettings()],
    ] as const) {
      expect(() => checkConflicts(planOperations(liveTarget, inputs))).not.toThrow()
      expect(requiresForce(planOperations(liveTarget, inputs))).toBe(false)
    }
  })

  test('ignores an earlier reconcile request', () => {
    expect(
      planChanges(
        createLiveTarget({ [reconcileRequestAnnotation]: 'then' }, [
          ...Object.keys(annotations),
          reconcileRequestAnnotation,
        ]),
      ),
    ).toEqual([])
  })

  test('plans an ARN that is known only after the import, and completes it then', () => {
    const operations = plan(
      { settings: createSettings() },
      { target: createLiveTarget(), certificateArn: knownLater('(known after the import)') },
    )
    const path = 'metadata.annotations.alb.ingress.kubernetes.io/certificate-arn'
    expect(toChanges(operations)).toMatchObject([
      { path, before: certificateArn, after: '(known after the import)' },
    ])
    const newArn = certificateArn.replace(/0$/, '1')
    expect(toChanges(resolveCertificate(operations, newArn))).toMatchObject([
      { path, before: certificateArn, after: newArn },
    ])
  })

  test('never applies an ARN that is not known', () => {
    const desired = buildDesiredIngress(createSettings(), createTarget(), knownLater('(later)'))
    expect(() => toManifest(desired)).toThrow('not known yet')
  })
})
