/** Which failure an HTTP answer without a grpc-status is. */
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import { httpError, ingressServiceMissing, notGrpcServer } from '../../failures/probe-http.ts'
import type { GrpcResponse } from './grpc-session.ts'

/** Source: AWS Load Balancer Controller, build503ResponseAction. */
const serviceMissingText = 'Backend service does not exist'

export function httpStatusFailure(
  response: Pick<GrpcResponse, 'httpStatus' | 'contentType' | 'server' | 'text'>,
): ProbeFailure {
  const { httpStatus: status, contentType, server, text } = response
  if (status === 200) return notGrpcServer(contentType, server)
  if (status === 503 && text.startsWith(serviceMissingText))
    return ingressServiceMissing({ status, server })
  return httpError({ status, server })
}
