/** Answers that no Milvus sends, in well-formed gRPC. */
import { encodeLengthDelimited } from '../../../src/clients/milvus/protobuf.ts'
import { encodeVarintField, respondToCall } from '../hostile-server.ts'
import { encodeMessage, encodeStatus, overrideMethod, type HostileCase } from './case.ts'

export const milvusCases: readonly HostileCase[] = [
  {
    name: 'an unhealthy Milvus without a reason',
    createBehavior: () => ({ onCall: (stream) => respondToCall(stream, encodeMessage()) }),
    outcome: 'milvus-unhealthy',
    messagePattern: /unhealthy: no reason given/,
  },
  {
    name: 'an unhealthy Milvus with 5,000 reasons',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            ...Array.from({ length: 5_000 }, () => encodeLengthDelimited(3, 'querynode')),
            encodeVarintField(2, 0),
          ),
        ),
      ),
    outcome: 'milvus-unhealthy',
    messagePattern: /unhealthy: querynode/,
  },
  ...['v2.6.15"; curl x | sh #', '$(id)', `v${'2'.repeat(80)}`].map((version) => ({
    name: `version ${version}`,
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(stream, encodeMessage(encodeLengthDelimited(2, version))),
      ),
    outcome: 'success',
    messagePattern: /^(?![^]*(curl|\$\(id|2222))[^]*Milvus reports that it is healthy/,
  })),
  {
    name: 'an unknown error code',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeMessage(encodeStatus(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07]), '')),
        ),
      ),
    outcome: 'milvus-not-ready',
    messagePattern: /error code 2147483647 \(no reason given\)/,
  },
  {
    name: 'a negative error code with a reason of 500 kB',
    createBehavior: () =>
      overrideMethod('GetVersion', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            encodeStatus(
              Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
              'reason '.repeat(70_000),
            ),
          ),
        ),
      ),
    outcome: 'milvus-not-ready',
    messagePattern: /error code -1 \(reason/,
  },
  {
    name: 'a healthy Milvus with 5,000 reasons for a limit',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            encodeVarintField(2, 1),
            encodeVarintField(4, 3),
            ...Array.from({ length: 5_000 }, (_each, index) =>
              encodeLengthDelimited(3, `${index}: ${'memory '.repeat(25)}`),
            ),
          ),
        ),
      ),
    outcome: 'success',
    messagePattern: /Milvus is healthy, but writes are throttled \(0: memory .* more characters\)/,
  },
  {
    name: 'a million quota states in one field',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            encodeVarintField(2, 1),
            encodeLengthDelimited(4, Buffer.alloc(1_000_000, 99)),
          ),
        ),
      ),
    outcome: 'milvus-not-found',
    messagePattern: /not a Milvus message \(more than 100000 values\)/,
  },
  {
    name: '40,000 different quota states',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(
          stream,
          encodeMessage(
            encodeVarintField(2, 1),
            encodeLengthDelimited(
              4,
              Buffer.concat(
                Array.from({ length: 40_000 }, (_each, index) =>
                  Buffer.from([(index & 127) | 128, ((index >> 7) & 127) | 128, index >> 14]),
                ),
              ),
            ),
          ),
        ),
      ),
    outcome: 'success',
    messagePattern: /quota state 7, .* more characters/,
  },
  {
    name: 'an unknown quota state',
    createBehavior: () =>
      overrideMethod('CheckHealth', (stream) =>
        respondToCall(stream, encodeMessage(encodeVarintField(2, 1), encodeVarintField(4, 99))),
      ),
    outcome: 'success',
    messagePattern: /quota state 99/,
  },
]
