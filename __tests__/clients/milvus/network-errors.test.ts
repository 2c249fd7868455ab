import { expect, test } from '@jest/globals'
import { describeNetworkError, getErrorCodes } from '../../../src/clients/milvus/network-errors.ts'

const createError = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code })

test.each([
  {
    name: 'a known code',
    thrown: createError('connect ECONNREFUSED 127.0.0.1:443', 'ECONNREFUSED'),
    codes: ['ECONNREFUSED'],
    text: 'connection refused (ECONNREFUSED)',
  },
  {
    name: 'several addresses, two of which failed with the same error',
    thrown: new AggregateError([
      createError('a', 'ENETUNREACH'),
      createError('b', 'ETIMEDOUT'),
      createError('c', 'ETIMEDOUT'),
    ]),
    codes: ['ENETUNREACH', 'ETIMEDOUT', 'ETIMEDOUT'],
    text: 'network unreachable (ENETUNREACH); no answer (ETIMEDOUT)',
  },
  {
    name: 'a message of this action',
    thrown: createError('no answer within 3 s'),
    codes: [''],
    text: 'no answer within 3 s',
  },
  {
    name: 'an unknown TLS error',
    thrown: createError('0A:error:0A000119:SSL routines::decryption failed', 'ERR_SSL_X'),
    codes: ['ERR_SSL_X'],
    text: 'unexpected TLS error (ERR_SSL_X)',
  },
  {
    name: 'an unknown HTTP/2 error',
    thrown: createError('Session closed with error code 2', 'ERR_HTTP2_SESSION_ERROR'),
    codes: ['ERR_HTTP2_SESSION_ERROR'],
    text: 'unexpected HTTP/2 error (Session closed with error code 2)',
  },
  {
    name: 'any other error',
    thrown: createError('read EIO', 'EIO'),
    codes: ['EIO'],
    text: 'unexpected network error (read EIO)',
  },
])('describes $name', ({ thrown, codes, text }) => {
  expect(getErrorCodes(thrown)).toEqual(codes)
  expect(describeNetworkError(thrown)).toBe(text)
})
