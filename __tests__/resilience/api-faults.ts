/**
 * Faults on the wire between the action and the APIs that it calls, and the checks that every run
 * must pass despite them.
 */
import type { ServerResponse } from 'node:http'
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { RunResult } from '../../testing/runner.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import type { Fault } from '../../testing/fault-injector.ts'
import type { ServiceName } from '../../testing/request-log.ts'

/**
 * An error response, in the format of its service: a Kubernetes Status, or JSON or XML from AWS.
 */
export interface ErrorResponse {
  readonly status: number
  /** The Kubernetes reason, and the AWS code for both JSON and XML. */
  readonly kubernetesReason: string
  readonly awsCode: string
  readonly headers?: Readonly<Record<string, string>>
}

const xmlServices: readonly ServiceName[] = ['elbv2', 'ec2', 'sts']

/** Writes the response as the service would. */
export function createErrorResponder(
  { status, kubernetesReason, awsCode, headers = {} }: ErrorResponse,
  service: ServiceName,
): (response: ServerResponse) => void {
  const message = 'the wire is disturbed'
  if (xmlServices.includes(service))
    return (response) =>
      void response
        .writeHead(status, { 'content-type': 'text/xml', ...headers })
        .end(
          `<ErrorResponse><Error><Type>Sender</Type><Code>${awsCode}</Code><Message>${message}</Message></Error></ErrorResponse>`,
        )
  const body =
    service === 'kubernetes'
      ? {
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Failure',
          reason: kubernetesReason,
          code: status,
          message,
        }
      : { __type: awsCode, message }
  return (response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body))
}

/** A call of the action: the service and the operation. */
export interface ApiCall {
  readonly service: ServiceName
  readonly operation: string
}

/** Faults affect only the action, not its Helm process or the controller. */
const actionUserAgent = /milvus-alb-action/

/**
 * The calls that a run makes to Kubernetes and AWS, each once, in order. Faults of the ALB are
 * tested separately.
 */
export function listApiCalls(simulator: Simulator): readonly ApiCall[] {
  const actionRequests = simulator.requestLog.requests.filter(
    (request) =>
      actionUserAgent.test(request.userAgent) &&
      !['alb', 'milvus', 'charts'].includes(request.service),
  )
  return [
    ...new Map(
      actionRequests.map(({ service, operation }) => [
        `${service} ${operation}`,
        { service, operation },
      ]),
    ).values(),
  ]
}

/** How many requests a call has made. */
export function countRequests(simulator: Simulator, { service, operation }: ApiCall): number {
  return simulator.requestLog.requests.filter(
    (request) =>
      request.service === service &&
      request.operation === operation &&
      actionUserAgent.test(request.userAgent),
  ).length
}

type Effect = Pick<Fault, 'error' | 'reset' | 'respond' | 'delay'>

/**
 * Injects a fault into these calls.
 * @param times how many requests of each call are affected; all of them when absent
 * @returns a function that stops it
 */
export function injectFaults(
  simulator: Simulator,
  calls: readonly ApiCall[],
  effect: (service: ServiceName) => Effect,
  times?: number,
): () => void {
  const removers = calls.map(({ service, operation }) =>
    simulator.faults.inject({
      service,
      operation,
      userAgent: actionUserAgent,
      ...(times !== undefined && { times }),
      ...effect(service),
    }),
  )
  return () => removers.forEach((removeFault) => removeFault())
}

/**
 * What holds for every run, whatever the fault: it ends with a documented outcome, reports it
 * without a stack trace, and leaves no files behind.
 */
export function expectDocumentedOutcome(run: RunResult): void {
  const { 'failure-code': code, changes, 'failed-step': step } = run.outputs
  const isFailure = run.exitCode !== 0
  expect({
    exitCode: run.exitCode,
    hasCode: Boolean(code),
    hasStep: Boolean(step),
    changes: changes !== undefined,
    summary: run.summary !== '',
    remainingFiles: run.remainingFiles,
    log: code === 'internal-error' ? run.log : '',
  }).toEqual({
    exitCode: isFailure ? 1 : 0,
    hasCode: isFailure,
    hasStep: isFailure,
    changes: true,
    summary: true,
    remainingFiles: [],
    log: '',
  })
  expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
}

/** Runs the action and checks what holds for every run. */
export async function runAndExpectDocumentedOutcome(
  simulator: Simulator,
  inputs: Readonly<Record<string, string>>,
  options: Parameters<typeof runAction>[2] = {},
): Promise<RunResult> {
  const run = await runAction(simulator, inputs, options)
  expectDocumentedOutcome(run)
  return run
}
