/** A run, as the job summary shows it. */
import { ActionError } from '../../src/failures/action-error.ts'
import type { OutputName } from '../../src/steps/outputs.ts'
import type { Change } from '../../src/steps/step.ts'
import type { StepRecord } from '../../src/reporting/report.ts'
import { renderSummary } from '../../src/reporting/summary.ts'
import { certificateArn } from '../steps/fixtures.ts'

/** The time of every summary. */
export const now = Date.parse('2026-11-27T00:00:00Z')

export type SummaryInput = Parameters<typeof renderSummary>[0]

export const createStep = (
  name: StepRecord['name'],
  summary: string,
  state: StepRecord['state'] = 'done',
): StepRecord => ({
  name,
  summary,
  state,
  startOffset: 500,
  duration: 1_234,
})

export const createChange = (overrides: Partial<Change> = {}): Change => ({
  step: 'ingress',
  object: 'Ingress milvus/milvus-demo',
  path: 'spec.rules',
  before: 'old',
  after: 'new',
  why: 'differs from the inputs',
  ...overrides,
})

export const outputs: [OutputName, string][] = [
  ['alb-address', 'k8s-1.us-east-2.elb.amazonaws.com'],
  ['endpoint', 'https://milvus.example.com:443'],
  ['certificate-arn', certificateArn],
  ['milvus-version', 'v2.6.15'],
]

export const createSummaryInput = (overrides: Partial<SummaryInput> = {}): SummaryInput => ({
  steps: [createStep('preflight', 'no changes needed')],
  changes: [],
  notes: [],
  warnings: [],
  opening: 'milvus-alb-action 1.2.0: deploy, host milvus.example.com',
  outputs: new Map(outputs),
  topology: {},
  ...overrides,
})

export const createFailure = (problem = 'It is wrong.'): ActionError =>
  new ActionError({
    code: 'controller-refused',
    problem,
    remedy: 'Fix it.',
    step: 'load-balancer',
  })
