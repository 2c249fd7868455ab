/** Confirms that the RESTful API answers beside gRPC, with input rest. */
import type { TimedEndpoint } from '../../clients/milvus/endpoint.ts'
import type { ProbeResult } from '../../clients/milvus/grpc-calls.ts'
import { probeRest, type RestResult } from '../../clients/milvus/rest-calls.ts'
import {
  restAuthorizationOff,
  restAuthorizationOffProblem,
  restAuthorizationOffRemedy,
} from '../../failures/probe-rest.ts'
import type { EndpointRun } from '../run.ts'
import { retryProbe } from './retry.ts'
import type { ProbeOutput, RestOutput } from './statistics.ts'

/** What is known of gRPC. */
export interface GrpcFindings {
  readonly result: ProbeResult
  /** What output probe contains so far. */
  readonly output: ProbeOutput
}

/** Milliseconds between two attempts. */
const attemptInterval = 1_000

/**
 * Adds the findings to output probe.
 * @returns a phrase for the log and the summary
 * @throws ActionError `probe-rest-failed`, `milvus-authorization-off`, and those of a connection
 */
export async function confirmRest(
  run: Pick<EndpointRun, 'context' | 'settings'>,
  endpoint: TimedEndpoint,
  { result: grpcResult, output }: GrpcFindings,
): Promise<string> {
  const { context, settings } = run
  const report = (rest: RestOutput): void =>
    context.setOutput('probe', JSON.stringify({ ...output, rest }))
  report({ answers: false, api: null, requiresCredentials: null })
  const attempt = (deadline: number) =>
    probeRest({ ...endpoint, deadline }, settings.probe.token, context.signal)
  const interval = () => attemptInterval
  const result = await retryProbe(run, { attempt, interval, deadline: endpoint.deadline })
  const { api, requiresCredentials } = result
  report({ answers: true, api, requiresCredentials })
  for (const line of result.trace) context.log.info(line)
  reportUnauthenticatedAccess(run, result, grpcResult)
  return `RESTful API ${api} answers`
}

/** What gRPC allows, too, is reported already. */
function reportUnauthenticatedAccess(
  { context, settings }: Pick<EndpointRun, 'context' | 'settings'>,
  { requiresCredentials }: RestResult,
  grpcResult: ProbeResult,
): void {
  const isReported = grpcResult.isAuthenticated && grpcResult.allowsUnauthenticatedAccess
  if (requiresCredentials || isReported) return
  if (settings.requireAuthorization) throw restAuthorizationOff()
  context.log.warn(`${restAuthorizationOffProblem} ${restAuthorizationOffRemedy}`)
}
