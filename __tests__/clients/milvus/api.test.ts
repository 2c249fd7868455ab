import { describe, expect, test } from '@jest/globals'
import { hostname } from 'node:os'
import {
  connectPath,
  encodeConnectRequest,
  healthPath,
  parseConnectResponse,
  parseHealthResponse,
  parseVersionResponse,
  versionPath,
} from '../../../src/clients/milvus/api.ts'
import {
  decodeMessage,
  getMessageField,
  getTextField,
} from '../../../src/clients/milvus/protobuf.ts'

const parseHex = (input: string): Buffer => Buffer.from(input.replace(/\s/g, ''), 'hex')
const encodeText = (value: string): string =>
  `${value.length.toString(16).padStart(2, '0')} ${Buffer.from(value).toString('hex')}`

interface Case {
  readonly name: string
  /** Hexadecimal. */
  readonly bytes: string
  readonly expected: object
}

test('paths begin with a slash, which an ALB requires', () => {
  expect([connectPath, versionPath, healthPath]).toEqual([
    '/milvus.proto.milvus.MilvusService/Connect',
    '/milvus.proto.milvus.MilvusService/GetVersion',
    '/milvus.proto.milvus.MilvusService/CheckHealth',
  ])
})

test('encodeConnectRequest names the client, but no user', () => {
  const request = decodeMessage(encodeConnectRequest(new Date('2026-01-02T03:04:05Z')))
  const clientInfo = getMessageField(request, 2)
  expect([1, 2, 3, 4, 5].map((field) => getTextField(clientInfo, field))).toEqual([
    'milvus-alb-action',
    '1',
    '2026-01-02T03:04:05.000Z',
    '',
    hostname(),
  ])
})

// From a Go proxy, which omits zero fields, and from servers that write them (08 00 12 00 18 00).
describe('parseConnectResponse', () => {
  test.each<Case>([
    {
      name: 'success',
      bytes: `0a00 1216 0a${encodeText('v2.6.15')} 2a${encodeText('DISTRIBUTED')} 18 95 9a ef 3a`,
      expected: { status: { code: 0, reason: '' }, version: 'v2.6.15' },
    },
    {
      name: 'success with zero fields',
      bytes: `0a06 08001200 1800 1209 0a${encodeText('v2.6.15')}`,
      expected: { status: { code: 0, reason: '' }, version: 'v2.6.15' },
    },
    {
      name: 'no server info, as Milvus Lite sends',
      bytes: '0a00 1800',
      expected: { version: '' },
    },
    {
      name: 'a database that does not exist',
      bytes: `0a25 0801 12${encodeText('database not found[database=x]')} 18a006`,
      expected: { status: { code: 800, reason: 'database not found[database=x]' } },
    },
    {
      name: 'only the deprecated code',
      bytes: `0a07 0801 12${encodeText('bad')}`,
      expected: { status: { code: 1, reason: 'bad' } },
    },
    {
      name: 'a detail without a reason',
      bytes: `0a07 1805 2a${encodeText('why')}`,
      expected: { status: { code: 5, reason: 'why' } },
    },
    {
      name: 'an empty response, which is a success in proto3',
      bytes: '',
      expected: { status: { code: 0, reason: '' }, version: '' },
    },
    {
      name: 'fields of a later Milvus',
      bytes: `0a00 1208 0a${encodeText('v3.0.0')} 7a${encodeText('new')} a0 06 01`,
      expected: { status: { code: 0, reason: '' }, version: 'v3.0.0' },
    },
  ])('$name', ({ bytes, expected }) => {
    expect(parseConnectResponse(parseHex(bytes))).toMatchObject(expected)
  })
})

describe('parseVersionResponse', () => {
  test.each<Case>([
    {
      name: 'success',
      bytes: `0a00 12${encodeText('v2.6.15')}`,
      expected: { status: { code: 0, reason: '' }, version: 'v2.6.15' },
    },
    {
      name: 'success with zero fields',
      bytes: `0a06 08001200 1800 12${encodeText('v2.4.5')}`,
      expected: { status: { code: 0 }, version: 'v2.4.5' },
    },
    {
      name: 'an error',
      bytes: `0a07 1803 12${encodeText('off')}`,
      expected: { status: { code: 3, reason: 'off' }, version: '' },
    },
  ])('$name', ({ bytes, expected }) => {
    expect(parseVersionResponse(parseHex(bytes))).toMatchObject(expected)
  })
})

describe('parseHealthResponse', () => {
  test.each<Case>([
    {
      name: 'healthy',
      bytes: '0a00 1001',
      expected: { status: { code: 0, reason: '' }, isHealthy: true, reasons: [] },
    },
    {
      name: 'unhealthy',
      bytes: `0a00 1a${encodeText('querycoord not ready')} 220104`,
      expected: { status: { code: 0 }, isHealthy: false, reasons: ['querycoord not ready'] },
    },
    {
      name: 'unhealthy for two reasons',
      bytes: `0a00 1000 1a${encodeText('a')} 1a${encodeText('b')}`,
      expected: { isHealthy: false, reasons: ['a', 'b'] },
    },
    {
      name: 'healthy, with packed limits',
      bytes: `0a00 1001 1a${encodeText('memory quota exceeded')} 22020405`,
      expected: {
        isHealthy: true,
        reasons: ['memory quota exceeded'],
        limits: ['reads are denied', 'writes are denied'],
      },
    },
    {
      name: 'healthy, with one field per limit',
      bytes: '1001 2002 2003 2006',
      expected: {
        isHealthy: true,
        limits: ['reads are throttled', 'writes are throttled', 'collection changes are denied'],
      },
    },
    {
      name: 'healthy, with the same limit many times',
      bytes: `1001 22ff01${'02'.repeat(255)}`,
      expected: { isHealthy: true, limits: ['reads are throttled'] },
    },
    {
      name: 'an unknown limit of a later Milvus',
      bytes: '1001 22020009',
      expected: { isHealthy: true, limits: ['quota state 9'] },
    },
    {
      name: 'an empty response, which is not healthy',
      bytes: '',
      expected: { isHealthy: false, reasons: [] },
    },
  ])('$name', ({ bytes, expected }) => {
    expect(parseHealthResponse(parseHex(bytes))).toMatchObject(expected)
  })
})

test.each([
  { name: 'parseConnectResponse', parse: parseConnectResponse },
  { name: 'parseVersionResponse', parse: parseVersionResponse },
  { name: 'parseHealthResponse', parse: parseHealthResponse },
])('$name rejects bytes that are not a message', ({ parse }) => {
  for (const bytes of ['0a', '0a05 08', '3c68746d6c3e', '0a02 0880'])
    expect(() => parse(parseHex(bytes))).toThrow(RangeError)
})
