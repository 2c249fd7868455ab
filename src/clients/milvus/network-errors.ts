/** What the errors of DNS and of sockets mean. */
import { getErrorMessage } from '../../util/text.ts'

/** By error code of Node. */
const explanations: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'the DNS server did not answer',
  EAI_FAIL: 'the DNS server failed',
  ENODATA: 'the name has no address records',
  ENOTFOUND: 'the name does not exist',
  EACCES: 'this runner forbids the connection',
  EPERM: 'this runner forbids the connection',
  EADDRNOTAVAIL: 'this runner has no suitable source address',
  EAFNOSUPPORT: 'this runner does not support the address family',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no answer',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'no answer',
}

/** The peer closed the connection, without an error of the socket, TLS or HTTP/2. */
export class ConnectionClosedError extends Error {
  override readonly name = 'ConnectionClosedError'

  constructor() {
    super('the connection was closed')
  }
}

/** Whether the peer closed the connection without saying why. */
export const isConnectionClosed = (thrown: unknown): boolean =>
  thrown instanceof ConnectionClosedError ||
  getErrorCodes(thrown).some((code) => code === 'ECONNRESET' || code === 'EPIPE')

/** The codes in a thrown value, such as ECONNREFUSED; several when several addresses were tried. */
export function getErrorCodes(thrown: unknown): string[] {
  const { code, errors } = (thrown ?? {}) as { readonly code?: unknown; readonly errors?: unknown }
  if (Array.isArray(errors)) return errors.flatMap(getErrorCodes)
  return [typeof code === 'string' ? code : '']
}

/**
 * An error as a phrase: "connection refused (ECONNREFUSED)". Errors without a code are our own, and
 * their messages are phrases already.
 */
export function describeNetworkError(thrown: unknown): string {
  if (thrown instanceof AggregateError)
    return [...new Set(thrown.errors.map(describeNetworkError))].join('; ')
  const [code = ''] = getErrorCodes(thrown)
  if (code === '') return getErrorMessage(thrown)
  const explanation = explanations[code]
  if (explanation !== undefined) return `${explanation} (${code})`
  // The message of a TLS error is an internal one of OpenSSL; its code is the reason.
  if (code.startsWith('ERR_SSL')) return `unexpected TLS error (${code})`
  const protocol = code.startsWith('ERR_HTTP2') ? 'HTTP/2' : 'network'
  return `unexpected ${protocol} error (${getErrorMessage(thrown)})`
}
