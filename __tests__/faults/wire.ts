/** Faults on the wire between the action and the APIs that it asks, and what a run is then held to. */
import type { ServerResponse } from 'node:http'
import { expect } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import type { ActionRun } from '../../sandbox/runner.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { Fault, Part } from '../../sandbox/traffic.ts'

/** What an API answers, by the form of its part: a Status of Kubernetes, JSON or XML of AWS. */
export interface Answer {
  readonly status: number
  /** Kubernetes' reason, and AWS' code in JSON and in XML. */
  readonly kubernetes: string
  readonly aws: string
  readonly headers?: Readonly<Record<string, string>>
}

const query: readonly Part[] = ['elbv2', 'ec2', 'sts']

/** The answer, as the part would write it. */
export function say({ status, kubernetes, aws, headers = {} }: Answer, part: Part): (response: ServerResponse) => void {
  const message = 'the wire is disturbed'
  if (query.includes(part)) return (response) => void response.writeHead(status, { 'content-type': 'text/xml', ...headers }).end(`<ErrorResponse><Error><Type>Sender</Type><Code>${aws}</Code><Message>${message}</Message></Error></ErrorResponse>`)
  const body = part === 'kubernetes' ? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: kubernetes, code: status, message } : { __type: aws, message }
  return (response) => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** A call of the action: which part it asks, and what. */
export interface Call {
  readonly part: Part
  readonly operation: string
}

/** Who is disturbed: the action, and not its helm or the controller. */
const client = /milvus-alb-action/

/** The calls that a run makes of Kubernetes and AWS, each once, in their order. The ALB has lies of its own. */
export function callsIn(world: Sandbox): readonly Call[] {
  const asked = world.traffic.requests.filter((request) => client.test(request.client) && !['alb', 'milvus', 'charts'].includes(request.part))
  return [...new Map(asked.map(({ part, operation }) => [`${part} ${operation}`, { part, operation }])).values()]
}

/** How many requests each call has had. */
export function requestsOf(world: Sandbox, { part, operation }: Call): number {
  return world.traffic.requests.filter((request) => request.part === part && request.operation === operation && client.test(request.client)).length
}

type Effect = Pick<Fault, 'error' | 'reset' | 'lie' | 'delay'>

/** Disturbs these calls. @param times how many requests of each; all of them when absent. @returns what ends it */
export function disturb(world: Sandbox, calls: readonly Call[], effect: (part: Part) => Effect, times?: number): () => void {
  const ends = calls.map(({ part, operation }) => world.traffic.inject({ part, operation, client, ...(times !== undefined && { times }), ...effect(part) }))
  return () => ends.forEach((end) => end())
}

/** What holds for every run, however it is disturbed: it ends by a documented outcome, in its words and without a stack, and leaves no file. */
export function expectGoodEnd(run: ActionRun): void {
  const { 'failure-code': code, changes, 'failed-step': step } = run.outputs
  const isFailure = run.exitCode !== 0
  expect({ exitCode: run.exitCode, hasCode: code !== undefined, hasStep: step !== undefined, changes: changes !== undefined, summary: run.summary !== '', leftovers: run.leftovers, log: code === 'internal-error' ? run.log : '' })
    .toEqual({ exitCode: isFailure ? 1 : 0, hasCode: isFailure, hasStep: isFailure, changes: true, summary: true, leftovers: [], log: '' })
  expect(run.log).not.toMatch(/\n\s+at .+:\d+:\d+/)
}

/** Runs, and checks what holds for every run. */
export async function disturbed(world: Sandbox, inputs: Readonly<Record<string, string>>, options: Parameters<typeof act>[2] = {}): Promise<ActionRun> {
  const run = await act(world, inputs, options)
  expectGoodEnd(run)
  return run
}
