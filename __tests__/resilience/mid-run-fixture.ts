/** A deployment from scratch with a fault, compared with one without. */
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { RunResult } from '../../testing/runner.ts'
import type { Fault } from '../../testing/fault-injector.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import { getErrorAnnotation } from '../scenarios/expectations.ts'
import { recordResult } from './result-tables.ts'
import { expectOutcome, getOutcome } from './outcome.ts'
import { waitForIdleAndExpireLease } from './interrupted-runs.ts'
import { captureState } from './state.ts'
import { createFixture, recordBaseline, type Fixture, type Baseline } from './workflows.ts'
import { listApiCalls, runAndExpectDocumentedOutcome } from './api-faults.ts'

export let fixture: Fixture
export let baseline: Baseline
export let callCount = 0
export const cleanups: (() => void)[] = []

export async function startFixture(): Promise<void> {
  fixture = await createFixture()
  baseline = await recordBaseline(fixture, 'deploy')
  callCount = listApiCalls(fixture.simulator).length
}

export const cleanUpFaults = (): void => cleanups.splice(0).forEach((cleanUp) => cleanUp())
export const stopFixture = (): Promise<void> => fixture.simulator.close()

const ownUserAgent = /milvus-alb-action/
export const injectFault = (fault: Partial<Fault> & Pick<Fault, 'service' | 'operation'>): void =>
  void cleanups.push(fixture.simulator.faults.inject({ userAgent: ownUserAgent, ...fault }))

export const isIngressApply = ({ operation, userAgent }: RecordedRequest): boolean =>
  ownUserAgent.test(userAgent) && /^PATCH .*\/ingresses\//.test(operation)

/** While waiting for the load balancer, with a change to wait for. */
export const onceApplied = (onApplied: () => void): void =>
  void fixture.simulator.requestLog.nextRequest(isIngressApply).then(onApplied)

/** A deployment from scratch with a fault. */
export async function runWithFault(
  fault: string,
  affectedCall: string,
  inputs = {},
  options = {},
): Promise<RunResult> {
  const run = await runAndExpectDocumentedOutcome(fixture.simulator, inputs, options)
  recordResult('temporary-faults', {
    fault,
    where: affectedCall,
    outcome: getOutcome(run),
    seconds: (run.durationMs / 1000).toFixed(1),
  })
  return run
}

/** The run reached the baseline state. */
export function expectRecovered(run: RunResult): void {
  expectOutcome(run)
  expect(captureState(fixture.simulator)).toEqual(baseline.state)
}

/** The run reported the failure, and the next run, without the fault, continues. */
export async function expectFailureThenRecovery(
  run: RunResult,
  code: string,
  messagePattern: RegExp,
): Promise<void> {
  expectOutcome(run, code)
  expect(getErrorAnnotation(run)).toMatch(messagePattern)
  cleanUpFaults()
  await waitForIdleAndExpireLease(fixture.simulator)
  expectRecovered(await runAction(fixture.simulator))
}

export const resetFixture = (): Promise<void> => fixture.reset(baseline.workflow)
