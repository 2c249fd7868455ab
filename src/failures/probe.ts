/** Why the probe as a whole fails. */
import { ActionError } from './action-error.ts'
import type { ProbeFailure } from './probe-failure.ts'

/** A failure that retries cannot fix, or no longer. */
export function probeFailed(failure: ProbeFailure): ActionError {
  return new ActionError({
    code: failure.code,
    problem: failure.message,
    remedy: failure.remedy,
    cause: failure,
  })
}

/**
 * @param failure of the last attempt
 * @param seconds of input probe-timeout
 */
export function probeTimedOut(failure: ProbeFailure, seconds: number): ActionError {
  return new ActionError({
    code: failure.code,
    problem: `${failure.message} Tried until probe-timeout (${seconds} s) was over.`,
    remedy: failure.remedy,
    cause: failure,
  })
}

export function probeNeverAttempted(): ActionError {
  return new ActionError({
    code: 'probe-unreachable',
    problem: 'The time of probe-timeout was too short for a single attempt.',
    remedy: 'Increase probe-timeout.',
  })
}

/** Also a warning or a note, when input require-authorization is false. */
export const authorizationOffProblem =
  'Milvus answers without credentials: anyone who can reach the ALB can read, change and drop every collection.'
export const enableAuthorizationRemedy =
  'Enable authorization with common.security.authorizationEnabled: true (in the chart, extraConfigFiles."user.yaml"), and change the password of root, which is initially Milvus.'

export function authorizationOff(): ActionError {
  return new ActionError({
    code: 'milvus-authorization-off',
    problem: authorizationOffProblem,
    remedy: enableAuthorizationRemedy,
  })
}

/** Found only with input require-authorization. */
export function defaultPasswordAccepted(): ActionError {
  return new ActionError({
    code: 'milvus-default-password',
    problem:
      'Milvus accepts the default password of root: anyone who can reach the ALB can log in as the administrator of Milvus.',
    remedy:
      'Change the password of root, for example with MilvusClient.update_password of pymilvus, and store it where clients of root read it, such as the secret behind milvus-token.',
  })
}
