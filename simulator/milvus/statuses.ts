/** `common.Status` of answers. */
import type { Message } from './protocol.ts'

/** `common.Status` of a successful call. */
export const successStatus: Message = {
  error_code: 'Success',
  reason: '',
  code: 0,
  retriable: false,
  detail: '',
}

/**
 * `common.Status` of a failed call.
 * @param merrCode of merr (pkg/util/merr/errors.go)
 * @param errorCode the deprecated `error_code`
 */
export function createFailureStatus(
  merrCode: number,
  reason: string,
  errorCode = 'UnexpectedError',
): Message {
  return {
    error_code: errorCode,
    reason,
    code: merrCode,
    retriable: merrCode === 1,
    detail: reason,
  }
}
