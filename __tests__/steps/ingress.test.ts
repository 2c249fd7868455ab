import { describe, expect, test } from '@jest/globals'
import { desired, plan, refuseConflicts } from '../../src/steps/ingress.ts'
import { nudgeAnnotation } from '../../src/steps/ingress-object.ts'
import type { Target } from '../../src/steps/preflight.ts'
import { failureOf } from '../caught.ts'
import { arn, ingress, settings, target } from './fixtures.ts'

const wanted = desired(settings(), target(), arn)
const annotations = { ...wanted.metadata.annotations }
const live = (changed: Record<string, string> = {}, owned: readonly string[] = Object.keys(annotations)): Target => target({ ingress: ingress({ ...annotations, ...changed }, { spec: wanted.spec, owned }) })

describe('plan', () => {
  test('there is none yet: each field is a change of its own', () => {
    const changes = plan(target(), settings(), arn)
    expect(changes).toHaveLength(Object.keys(annotations).length + 2)
    for (const change of changes) expect(change).toMatchObject({ step: 'ingress', object: 'Ingress milvus/milvus-demo', why: 'there is no such Ingress yet' })
  })

  test('everything is as it should be', () => {
    expect(plan(live(), settings(), arn)).toEqual([])
  })

  const byKubectl = (changed: Record<string, string> = {}): Target => target({ ingress: ingress({ ...annotations, ...changed }, { spec: wanted.spec, owned: Object.keys(annotations), manager: { manager: 'kubectl-client-side-apply', operation: 'Update' } }) })
  const takenOver = { step: 'ingress', object: 'Ingress milvus/milvus-demo', path: 'metadata.managedFields', before: 'kubectl-client-side-apply', after: 'milvus-alb-action' }

  test('the guide\'s Ingress, made with kubectl apply: its fields are taken over first', () => {
    expect(plan(byKubectl(), settings(), arn)).toMatchObject([takenOver])
    expect(plan(byKubectl({ 'alb.ingress.kubernetes.io/scheme': 'internal' }), settings(), arn)).toMatchObject([takenOver, { path: 'metadata.annotations.alb.ingress.kubernetes.io/scheme' }])
  })

  test('fields of kubectl that nobody sets here stay with it', () => {
    const other = target({ ingress: ingress({ ...annotations, 'example.com/x': 'y' }, { spec: wanted.spec, owned: ['example.com/x'], manager: { manager: 'kubectl-client-side-apply', operation: 'Update' } }) })
    expect(plan(other, settings(), arn)).toEqual([])
  })

  test('one field differs', () => {
    const path = 'alb.ingress.kubernetes.io/certificate-arn'
    expect(plan(live({ [path]: 'old' }), settings(), arn)).toEqual([{ step: 'ingress', object: 'Ingress milvus/milvus-demo', path: `metadata.annotations.${path}`, before: 'old', after: arn, why: 'differs from the inputs' }])
  })

  test('an input that is no longer given', () => {
    const path = 'alb.ingress.kubernetes.io/subnets'
    const [change, ...more] = plan(live({ [path]: 'a,b' }, [...Object.keys(annotations), path]), settings(), arn)
    expect(more).toEqual([])
    expect(change).toEqual({ step: 'ingress', object: 'Ingress milvus/milvus-demo', path: `metadata.annotations.${path}`, before: 'a,b', why: 'differs from the inputs' })
  })

  const path = 'alb.ingress.kubernetes.io/scheme'
  const changedBy = (manager: string, operation: 'Update' | 'Apply' = 'Update'): Target =>
    target({ ingress: ingress({ ...annotations, [path]: 'internal' }, { spec: wanted.spec, owned: [path], manager: { manager, operation, time: '2026-11-27T02:13:00Z' } }) })
  const forced = settings({ ingress: { ...settings().ingress, forceConflicts: true } })
  const by = 'differs from the inputs: changed by kubectl-edit at 2026-11-27T02:13:00Z'

  test.each([
    ['not taken back unasked', changedBy('kubectl-edit'), settings(), `${by}, and a deploy takes it back only with force-conflicts: true`],
    ['taken back', changedBy('kubectl-edit'), forced, by],
    ['of kubectl apply', changedBy('kubectl-client-side-apply'), settings(), by.replace('edit', 'client-side-apply')],
    ['ours: the inputs changed', live({ [path]: 'internal' }), settings(), 'differs from the inputs'],
  ])('who changed a field is said: %s', (_, found, inputs, why) => {
    expect(plan(found, inputs, arn).at(-1)?.why).toBe(why)
  })

  test('what another holds with another value is refused before the apply is, unless that is asked for', async () => {
    expect((await failureOf(() => refuseConflicts(changedBy('argocd', 'Apply'), settings(), arn))).message)
      .toBe(`Others hold fields of Ingress milvus-demo with other values: .metadata.annotations.${path} (held by "argocd" since 2026-11-27T02:13:00Z).`)
    for (const [found, inputs] of [[changedBy('argocd'), forced], [changedBy('kubectl-client-side-apply'), settings()], [live({ [path]: 'internal' }), settings()], [target(), settings()]] as const) {
      expect(() => refuseConflicts(found, inputs, arn)).not.toThrow()
    }
  })

  test('an earlier nudge is no difference', () => {
    expect(plan(live({ [nudgeAnnotation]: 'then' }, [...Object.keys(annotations), nudgeAnnotation]), settings(), arn)).toEqual([])
  })

  test('an ARN that is not known before the import is a change', () => {
    expect(plan(live(), settings(), '(known after the import)').map(({ after }) => after)).toEqual(['(known after the import)'])
  })
})
