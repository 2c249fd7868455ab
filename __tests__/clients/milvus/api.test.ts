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

test('paths begin with a slash: an ALB answers 400 to one without', () => {
  expect([connectPath, versionPath, healthPath]).toEqual(
    ['Connect', 'GetVersion', 'CheckHealth'].map(
      (method) => `/milvus.proto.milvus.MilvusService/${method}`,
    ),
  )
})

test('connectRequest says who calls, and no user', () => {
  const info = getMessageField(
    decodeMessage(encodeConnectRequest(new Date('2026-01-02T03:04:05Z'))),
    2,
  )
  expect([1, 2, 3, 4, 5].map((field) => getTextField(info, field))).toEqual([
    'milvus-alb-action',
    '1',
    '2026-01-02T03:04:05.000Z',
    '',
    hostname(),
  ])
})

// Vectors of a Go proxy (zero fields left out) and of servers that write them (08 00 12 00 18 00).
describe('readConnect', () => {
  test.each<[string, string, object]>([
    [
      'ok',
      `0a00 1216 0a${encodeText('v2.6.15')} 2a${encodeText('DISTRIBUTED')} 18 95 9a ef 3a`,
      { status: { code: 0, reason: '' }, version: 'v2.6.15', identifier: '123456789' },
    ],
    [
      'ok with zeros',
      `0a06 08001200 1800 1209 0a${encodeText('v2.6.15')}`,
      { status: { code: 0, reason: '' }, version: 'v2.6.15', identifier: '' },
    ],
    [
      'an identifier beyond 2^53 keeps its digits',
      '0a00 18 81 80 80 80 80 80 80 80 40',
      { identifier: '4611686018427387905' },
    ],
    ['identifier 0, as Milvus Lite has', '0a00 1800', { identifier: '0' }],
    [
      'a database that is missing',
      `0a25 0801 12${encodeText('database not found[database=x]')} 18a006`,
      { status: { code: 800, reason: 'database not found[database=x]' } },
    ],
    [
      'only the old code',
      `0a07 0801 12${encodeText('bad')}`,
      { status: { code: 1, reason: 'bad' } },
    ],
    ['only a detail', `0a07 1805 2a${encodeText('why')}`, { status: { code: 5, reason: 'why' } }],
    [
      'an empty answer, which is a success in proto3',
      '',
      { status: { code: 0, reason: '' }, version: '', identifier: '' },
    ],
    [
      'fields of a later Milvus',
      `0a00 1208 0a${encodeText('v3.0.0')} 7a${encodeText('new')} a0 06 01`,
      { status: { code: 0, reason: '' }, version: 'v3.0.0' },
    ],
  ])('%s', (_, bytes, expected) => {
    expect(parseConnectResponse(parseHex(bytes))).toMatchObject(expected)
  })
})

test.each<[string, string, object]>([
  [
    'ok',
    `0a00 12${encodeText('v2.6.15')}`,
    { status: { code: 0, reason: '' }, version: 'v2.6.15' },
  ],
  [
    'with zeros',
    `0a06 08001200 1800 12${encodeText('v2.4.5')}`,
    { status: { code: 0 }, version: 'v2.4.5' },
  ],
  [
    'refused',
    `0a07 1803 12${encodeText('off')}`,
    { status: { code: 3, reason: 'off' }, version: '' },
  ],
])('readVersion: %s', (_, bytes, expected) => {
  expect(parseVersionResponse(parseHex(bytes))).toMatchObject(expected)
})

test.each<[string, string, object]>([
  ['healthy', '0a00 1001', { status: { code: 0, reason: '' }, isHealthy: true, reasons: [] }],
  [
    'unhealthy',
    `0a00 1a${encodeText('querycoord not ready')} 220104`,
    { status: { code: 0 }, isHealthy: false, reasons: ['querycoord not ready'] },
  ],
  [
    'unhealthy for two reasons',
    `0a00 1000 1a${encodeText('a')} 1a${encodeText('b')}`,
    { isHealthy: false, reasons: ['a', 'b'] },
  ],
  [
    'healthy, with limits packed',
    `0a00 1001 1a${encodeText('memory quota exceeded')} 22020405`,
    {
      isHealthy: true,
      reasons: ['memory quota exceeded'],
      limits: ['reads are denied', 'writes are denied'],
    },
  ],
  [
    'healthy, with limits a field each',
    '1001 2002 2003 2006',
    {
      isHealthy: true,
      limits: [
        'reads are slowed down',
        'writes are slowed down',
        'changes of collections are denied',
      ],
    },
  ],
  [
    'a limit of a later Milvus, and none',
    '1001 22020009',
    { isHealthy: true, limits: ['quota state 9'] },
  ],
  ['an empty answer is not healthy', '', { isHealthy: false, reasons: [] }],
])('readHealth: %s', (_, bytes, expected) => {
  expect(parseHealthResponse(parseHex(bytes))).toMatchObject(expected)
})

test.each([
  ['readConnect', parseConnectResponse],
  ['readVersion', parseVersionResponse],
  ['readHealth', parseHealthResponse],
] as const)('%s refuses what is no message', (_, parse) => {
  for (const bytes of ['0a', '0a05 08', '3c68746d6c3e', '0a02 0880'])
    expect(() => parse(parseHex(bytes))).toThrow(RangeError)
})
