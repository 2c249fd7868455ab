/** A malformed response of the ALB, and what responses consist of. */
import type { ServerHttp2Stream } from 'node:http2'
import { encodeLengthDelimited } from '../../../src/clients/milvus/protobuf.ts'
import type { Simulator } from '../../../simulator/simulator.ts'
import {
  respondToCall,
  encodeGrpcMessage,
  encodeHeader,
  healthyResponses,
  type HostileBehavior,
} from '../hostile-server.ts'

/** The response to one call. All other calls get valid responses. */
export const overrideMethod = (
  method: string,
  respond: (stream: ServerHttp2Stream) => void,
): HostileBehavior => ({
  onCall: (stream, calledMethod) =>
    calledMethod === method
      ? respond(stream)
      : respondToCall(stream, encodeGrpcMessage(healthyResponses[calledMethod] ?? Buffer.alloc(0))),
})

export const kilobyte = Buffer.alloc(1024, 'x')
export const megabyte = Buffer.alloc(1024 * 1024, 'x')
export const gigabyte = 1024 * 1024 * 1024
export const okStatusHeader = encodeHeader(':status', '200')
export const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' }

export const encodeMessage = (...parts: Buffer[]): Buffer => encodeGrpcMessage(Buffer.concat(parts))

/** common.Status with a reason and a code. */
export const encodeStatus = (code: Buffer, reason: string): Buffer =>
  encodeLengthDelimited(
    1,
    Buffer.concat([encodeLengthDelimited(2, reason), Buffer.from([0x18]), code]),
  )

export interface HostileCase {
  readonly name: string
  readonly createBehavior: (simulator: Simulator) => HostileBehavior | Promise<HostileBehavior>
  /** `success`, or the failure code. */
  readonly outcome: string
  /** Matches the message of the run. */
  readonly messagePattern: RegExp
}
