import { describe, expect, test } from '@jest/globals'
import { ActionError } from '../../src/failures/action-error.ts'
import { jobCancelled } from '../../src/failures/run.ts'
import type { RunSettings } from '../../src/inputs/types.ts'
import type { Change } from '../../src/steps/step.ts'
import { renderSummary } from '../../src/reporting/summary.ts'
import { createRemovalSettings, createSettings } from '../steps/fixtures.ts'
import {
  now,
  type SummaryInput,
  createStep,
  createChange,
  outputs,
  createSummaryInput,
  createFailure,
} from './summary-fixtures.ts'

const removalChange: Change = {
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'load balancer',
  before: 'old',
  why: 'created by this action',
}

type SettingsOfCase = Parameters<typeof createSettings>[0] | 'removal' | null

function toRunSettings(settings: SettingsOfCase): RunSettings | undefined {
  if (settings === null) return undefined
  return settings === 'removal' ? createRemovalSettings() : createSettings(settings)
}

const createCheckInput = (drift: string, ...changes: Change[]): SummaryInput =>
  createSummaryInput({ changes, outputs: new Map([...outputs, ['drift', drift]]) })
const createDriftError = (code: 'drift-found' | 'drift-unknown'): ActionError =>
  new ActionError({ code, problem: 'p', remedy: 'r', step: 'ingress' })

describe('headline', () => {
  interface HeadlineCase {
    readonly name: string
    readonly report?: SummaryInput
    /** Overrides for an endpoint, or those of a removal; null when they could not be read. */
    readonly settings?: SettingsOfCase
    readonly error?: ActionError
    readonly expected: RegExp
  }
  const createInputWithChanges = (...changes: Change[]) => createSummaryInput({ changes })
  const probeOff = { probe: { required: false } }
  test.each<HeadlineCase>([
    {
      name: 'a deployment with changes',
      report: createInputWithChanges(createChange(), createChange()),
      expected: /^## ✅ Milvus v2\.6\.15 answers through the ALB; 1 object changed \(2 fields\)\n/,
    },
    {
      name: 'a deployment with one change',
      report: createInputWithChanges(createChange()),
      expected: /; 1 object changed\n/,
    },
    {
      name: 'a deployment without changes',
      expected: /^## ✅ .*; no changes needed\n/,
    },
    {
      name: 'a deployment of an unknown version',
      report: createSummaryInput({ outputs: new Map() }),
      expected: /^## ✅ Milvus answers through the ALB/,
    },
    {
      name: 'a deployment without a probe',
      settings: probeOff,
      expected: /^## ⚠️ The ALB is active but was not probed; no changes needed\n/,
    },
    {
      name: 'a failed deployment',
      error: createFailure(),
      expected: /^## ❌ Deployment failed in load-balancer: controller-refused\n/,
    },
    {
      name: 'a failed deployment without a probe',
      settings: probeOff,
      error: createFailure(),
      expected: /^## ❌ Deployment failed in load-balancer: controller-refused\n/,
    },
    {
      name: 'a dry run',
      report: createInputWithChanges(createChange()),
      settings: { dryRun: true },
      expected: /^## 📋 Dry run: 1 object to change\n/,
    },
    {
      name: 'a dry run without changes',
      settings: { dryRun: true },
      expected: /^## 📋 Dry run: no changes needed\n/,
    },
    {
      name: 'a dry run that may not read the release',
      report: createSummaryInput({ changes: [], outputs: new Map([['restarts', '']]) }),
      settings: { dryRun: true },
      expected: /^## 📋 Dry run: no changes needed, but the release was not compared\n/,
    },
    {
      name: 'a failed dry run',
      settings: { dryRun: true },
      error: createFailure(),
      expected: /^## ❌ Dry run failed in load-balancer: controller-refused\n/,
    },
    {
      name: 'a check without differences',
      report: createCheckInput('false'),
      settings: { mode: 'check' },
      expected: /^## ✅ No drift: the deployment matches the inputs\n/,
    },
    {
      name: 'a check that warns about differences',
      report: createCheckInput('true', createChange(), createChange({ object: 'listener 443' })),
      settings: { mode: 'check' },
      expected: /^## ⚠️ Drift: 2 objects differ from the inputs\n/,
    },
    {
      name: 'a check that fails because of a difference',
      report: createCheckInput('true', createChange()),
      settings: { mode: 'check' },
      error: createDriftError('drift-found'),
      expected: /^## ❌ Drift: 1 object differs from the inputs\n/,
    },
    {
      name: 'a check without all permissions',
      report: createCheckInput('unknown'),
      settings: { mode: 'check' },
      error: createDriftError('drift-unknown'),
      expected: /^## ❌ No drift was found, but not everything could be checked\n/,
    },
    {
      name: 'a check whose probe failed',
      report: createCheckInput('true', createChange()),
      settings: { mode: 'check' },
      error: createFailure(),
      expected: /^## ❌ Check failed in load-balancer: controller-refused\n/,
    },
    {
      name: 'invalid inputs',
      report: createSummaryInput({
        steps: [createStep('preflight', 'input-missing', 'failed')],
        outputs: new Map(),
      }),
      settings: null,
      error: new ActionError({ code: 'input-missing', problem: 'p', remedy: 'r' }),
      expected: /^## ❌ Run failed in preflight: input-missing\n/,
    },
    {
      name: 'a removal',
      report: createInputWithChanges(removalChange),
      settings: 'removal',
      expected: /^## ✅ Removed: Ingress milvus\/milvus-demo\n/,
    },
    {
      name: 'a removal with nothing to remove',
      settings: 'removal',
      expected: /^## ✅ Nothing was left to remove\n/,
    },
    {
      name: 'a removal that restores the Service type',
      report: createInputWithChanges({
        step: 'release',
        object: 'release milvus/milvus-demo',
        path: 'service.type',
        before: 'ClusterIP',
        after: 'LoadBalancer',
        why: 'restored',
      }),
      settings: 'removal',
      expected: /^## ✅ Nothing was left to remove; the Service type was restored\n/,
    },
    {
      name: 'a removal that finds a release pending',
      report: createInputWithChanges(removalChange, {
        step: 'release',
        object: 'release milvus/milvus-demo',
        path: 'status',
        before: 'pending-upgrade',
        after: 'failed',
        why: 'Helm was killed',
      }),
      settings: 'removal',
      expected: /^## ✅ Removed: Ingress milvus\/milvus-demo\n/,
    },
    {
      name: 'a removal that failed before its first change',
      settings: 'removal',
      error: createFailure(),
      expected: /^## ❌ Removal failed in load-balancer: controller-refused; nothing was removed\n/,
    },
    {
      name: 'a removal that failed after its first change',
      report: createInputWithChanges(createChange()),
      settings: 'removal',
      error: createFailure(),
      expected:
        /^## ❌ Removal failed in load-balancer: controller-refused; the removal is incomplete\n/,
    },
    {
      name: 'a cancelled run',
      error: jobCancelled().withStep('release'),
      expected: /^## ⏹ Cancelled in release\n/,
    },
  ])('of $name', ({ report = createSummaryInput(), settings = {}, error, expected }) => {
    expect(renderSummary(report, toRunSettings(settings), error, now)).toMatch(expected)
  })
})
