/** Responses and messages from outside are parsed, or rejected with a documented code. */
import { expect } from '@jest/globals'
import fc from 'fast-check'
import { translateAwsError } from '../../src/clients/aws/errors.ts'
import { ActionError } from '../../src/failures/action-error.ts'
import { failureCodes } from '../../src/failures/codes.ts'
import type { ProbeFailure } from '../../src/failures/probe-failure.ts'
import { chartFailure, extractFetchError, upgradeFailure } from '../../src/clients/helm/failures.ts'
import {
  parseConnectResponse,
  parseHealthResponse,
  parseVersionResponse,
} from '../../src/clients/milvus/api.ts'
import {
  milvusStatusFailure,
  grpcStatusFailure,
  rejectedTokenFailure,
} from '../../src/clients/milvus/grpc-responses.ts'
import { httpStatusFailure } from '../../src/clients/milvus/http-responses.ts'
import { encodeLengthDelimited } from '../../src/clients/milvus/protobuf.ts'
import { latestStatusEvent, classifyEvent } from '../../src/controller/events.ts'
import { findMemberConflicts } from '../../src/steps/preflight/group-conflicts.ts'
import * as fixtures from '../steps/fixtures.ts'
import { anyLengthText, anyText, corruptBytes } from './arbitraries.ts'
import { testProperty } from './property.ts'

const sampleResponses = [
  Buffer.concat([
    encodeLengthDelimited(1, Buffer.from('0801120362616418a006', 'hex')),
    encodeLengthDelimited(2, encodeLengthDelimited(1, 'v2.6.15')),
  ]),
  Buffer.from('0a0010011a13717565727920636f6f7264206e6f74207265616479220404050203', 'hex'),
  Buffer.from('<html>'),
  Buffer.alloc(100, 0x80),
  Buffer.alloc(1000, Buffer.from('0a00', 'hex')),
]
const anyBytes = fc.oneof(
  corruptBytes(fc.constantFrom(...sampleResponses)),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
)

function expectCoded({ code, message, remedy }: ProbeFailure | ActionError): void {
  expect(failureCodes).toContain(code)
  expect(code).not.toBe('internal-error')
  expect([message.length > 0, remedy.length > 0]).toEqual([true, true])
}

testProperty(
  'responses of Milvus',
  fc.tuple(anyBytes, fc.integer({ min: -1, max: 1000 }), anyText, anyText),
  ([bytes, status, text, other]) => {
    expectCoded(httpStatusFailure({ httpStatus: status, contentType: text, server: other, text }))
    for (const failure of [
      grpcStatusFailure('Connect', status, text),
      milvusStatusFailure('Connect', status, text),
      rejectedTokenFailure(other, status, text),
    ])
      expectCoded(failure)
    let accepted = true
    for (const readResponse of [parseConnectResponse, parseVersionResponse, parseHealthResponse]) {
      try {
        const { status: ownStatus, ...rest } = readResponse(bytes)
        expect([
          typeof ownStatus.code,
          typeof ownStatus.reason,
          Object.values(rest).includes(undefined),
        ]).toEqual(['number', 'string', false])
      } catch (thrown) {
        // The probe's failure for a response that is not from Milvus.
        if (!(thrown instanceof RangeError)) throw thrown
        accepted = false
      }
    }
    return accepted
  },
)

const event = fc.record({
  reason: fc.constantFrom(
    'SuccessfullyReconciled',
    'FailedDeployModel',
    'FailedBuildModel',
    'Other',
  ),
  message: fc.option(anyLengthText, { nil: undefined }),
  resourceVersion: anyText,
})
const annotations = fc.dictionary(
  fc
    .constantFrom('listen-ports', 'tags', 'scheme', 'subnets', 'load-balancer-attributes')
    .map((name) => `alb.ingress.kubernetes.io/${name}`),
  fc.oneof(anyText, fc.json(), fc.constantFrom('[{"HTTPS":443}]', '[null]', 'a=b,constructor=x')),
)

testProperty(
  'messages of Helm, AWS and the controller',
  fc.tuple(anyLengthText, fc.array(event, { maxLength: 3 }), annotations, annotations),
  ([text, events, ownStatus, other]) => {
    const target = {
      kind: 'repository',
      release: 'r',
      namespace: 'n',
      name: 'c',
      version: '1',
      source: 'f',
      hasCredentials: false,
      hasCheckout: true,
    } as const
    for (const failure of [
      upgradeFailure(text, 1, target),
      upgradeFailure(`Error: ${text}`, null, target),
      chartFailure(extractFetchError(1, text, text) ?? '', target),
    ])
      expectCoded(failure)
    for (const thrown of [
      Object.assign(new Error(text), { name: text }),
      Object.assign(new Error(text), { name: 'AccessDeniedException' }),
      text,
    ])
      expectCoded(translateAwsError('acm:ImportCertificate', thrown))
    const controllerEvents = events.map(({ reason, message, resourceVersion }) =>
      fixtures.createEvent(reason, message, resourceVersion),
    )
    latestStatusEvent(controllerEvents)
    for (const each of controllerEvents)
      for (const recent of [{ apply: true, certificate: true }, {}])
        expect(['reconciled', 'transient', 'failed']).toContain(classifyEvent(each, recent).kind)
    const classParams = { readable: true, spec: {} } as const
    const ownMember = { annotations: ownStatus, classParams }
    for (const conflict of findMemberConflicts(ownMember, { annotations: other, classParams }))
      expect(conflict).toMatch(/ is [^]*, not /)
    return true
  },
  [
    [
      ' '.repeat(100_000),
      [{ reason: 'FailedDeployModel', message: `;${'\n'.repeat(100_000)}x`, resourceVersion: '1' }],
      {},
      {},
    ],
  ],
)
