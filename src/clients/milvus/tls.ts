/** TLS to the ALB: the handshake, then the checks of its certificate and protocol. */
import type { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import type { ProbeFailure } from '../../failures/probe-failure.ts'
import {
  clientRejected,
  closedDuringHandshake,
  defaultCertificateServed,
  handshakeIncomplete,
  http2Missing,
  noCommonCipher,
  noCommonTlsVersion,
  noServerCertificate,
  otherMatchServed,
  plaintextServer,
  proxyCertificateServed,
  servedCertificateUntrusted,
  servedHostMismatch,
  type FailedHandshake,
} from '../../failures/probe-tls.ts'
import { coversHost } from '../../util/certificate-names.ts'
import { formatDistinguishedName, formatSeconds } from '../../util/text.ts'
import { remainingTime, type Endpoint } from './endpoint.ts'
import { waitForEvent } from './wait-for-event.ts'
import { describeNetworkError, getErrorCodes, isConnectionClosed } from './network-errors.ts'
import type { TcpConnection } from './tcp.ts'

/** A connection whose certificate and protocol have been verified. */
export interface TlsConnection {
  readonly socket: tls.TLSSocket
  readonly certificate: X509Certificate
  /** One line per stage, for the log. */
  readonly trace: readonly string[]
}

/**
 * By the CAs to trust in addition, and the client certificate. To read all CAs takes longer than a
 * handshake.
 */
const secureContexts = new Map<string, tls.SecureContext>()

function getSecureContext({ ca = '', clientCertificate }: Endpoint): tls.SecureContext {
  const id = `${ca}\n${clientCertificate?.chain ?? ''}`
  const known = secureContexts.get(id)
  if (known) return known
  const authorities = [...tls.getCACertificates('default'), ...(ca === '' ? [] : [ca])]
  const context = tls.createSecureContext({
    ca: authorities,
    ...(clientCertificate && { cert: clientCertificate.chain, key: clientCertificate.privateKey }),
  })
  secureContexts.set(id, context)
  return context
}

/** @throws ProbeFailure */
export async function connectTls(
  connection: TcpConnection,
  endpoint: Endpoint,
): Promise<TlsConnection> {
  // Verified below, so that the failure can name a wrong certificate. Nothing is sent before.
  const socket = tls.connect({
    socket: connection.socket,
    servername: endpoint.host,
    ALPNProtocols: endpoint.protocol === undefined ? ['h2', 'http/1.1'] : [endpoint.protocol],
    secureContext: getSecureContext(endpoint),
    rejectUnauthorized: false,
  })
  try {
    await completeHandshake(socket, endpoint, connection.proxy)
    const certificate = verifyPeer(socket, endpoint, connection.proxy)
    return { socket, certificate, trace: [...connection.trace, formatTrace(socket, certificate)] }
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
}

function formatTrace(socket: tls.TLSSocket, certificate: X509Certificate): string {
  const subject = formatDistinguishedName(certificate.subject)
  return [
    `TLS: ${socket.getProtocol() ?? ''}`,
    `certificate ${certificate.serialNumber} of ${subject}`,
    `valid until ${certificate.validToDate.toISOString()}`,
    `ALPN ${socket.alpnProtocol || 'none'}`,
  ].join(', ')
}

async function completeHandshake(
  socket: tls.TLSSocket,
  endpoint: Endpoint,
  proxy: string | undefined,
): Promise<void> {
  const timeout = remainingTime(endpoint, endpoint.timeout)
  const timeoutMessage = `no TLS handshake within ${formatSeconds(timeout)}`
  try {
    await waitForEvent(socket, 'secureConnect', timeout, timeoutMessage)
  } catch (thrown) {
    throw handshakeFailure(endpoint, proxy, thrown)
  }
}

/**
 * By Node's error code, which contains OpenSSL's reason. The alerts about certificates are those of
 * RFC 8446, 6.2: the probe itself sends none, so they are about the client certificate.
 */
const handshakeFailures: readonly {
  readonly code: RegExp
  readonly createFailure: (handshake: FailedHandshake) => ProbeFailure
}[] = [
  {
    code: /NO_APPLICATION_PROTOCOL/,
    createFailure: () => http2Missing('no protocol in common'),
  },
  {
    code: /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    createFailure: noCommonTlsVersion,
  },
  {
    code: /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY/,
    createFailure: noCommonCipher,
  },
  {
    code: /CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_(?:EXPIRED|REVOKED|UNKNOWN)|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR|ACCESS_DENIED/,
    createFailure: clientRejected,
  },
  {
    code: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    createFailure: plaintextServer,
  },
  {
    code: /ECONNRESET|EPIPE/,
    createFailure: closedDuringHandshake,
  },
]

/**
 * The failure for a TLS alert after the handshake, such as that of a listener which requires a
 * client certificate: with TLS 1.3, a client finishes its handshake before the server checks it.
 * @returns undefined when the error is no alert, or one with another meaning
 */
export function alertFailure(endpoint: Endpoint, thrown: unknown): ProbeFailure | undefined {
  const [errorCode = ''] = getErrorCodes(thrown)
  return errorCode.startsWith('ERR_SSL') ? handshakeFailure(endpoint, undefined, thrown) : undefined
}

/**
 * The failure for a connection that ended before the first answer: by an alert, or closed, as an
 * ALB does when it rejects a client certificate, or gets none.
 * @returns undefined when the error has another meaning
 */
export function lateHandshakeFailure(
  endpoint: Endpoint,
  thrown: unknown,
): ProbeFailure | undefined {
  const verifiesClients = endpoint.clientCertificate ?? endpoint.listener.verifiesClients
  return verifiesClients && isConnectionClosed(thrown)
    ? closedDuringHandshake(describeHandshake(endpoint, undefined, thrown))
    : alertFailure(endpoint, thrown)
}

function handshakeFailure(
  endpoint: Endpoint,
  proxy: string | undefined,
  thrown: unknown,
): ProbeFailure {
  const handshake = describeHandshake(endpoint, proxy, thrown)
  const known = handshakeFailures.find(({ code }) => code.test(handshake.errorCode))
  return (
    known?.createFailure(handshake) ?? handshakeIncomplete(handshake, describeNetworkError(thrown))
  )
}

function describeHandshake(
  { host, address, listener, clientCertificate }: Endpoint,
  proxy: string | undefined,
  thrown: unknown,
): FailedHandshake {
  const [errorCode] = getErrorCodes(thrown)
  return {
    host,
    port: address.port,
    proxy,
    sslPolicy: listener.sslPolicy,
    verifiesClients: listener.verifiesClients ?? false,
    runnerVersions: `${tls.DEFAULT_MIN_VERSION} to ${tls.DEFAULT_MAX_VERSION}`,
    clientCertificate: clientCertificate && {
      subject: clientCertificate.subject,
      issuer: clientCertificate.issuer,
    },
    errorCode: errorCode || 'no error code',
    cause: thrown,
  }
}

/**
 * The served certificate.
 * @throws ProbeFailure when it is not the right one, or the connection is not HTTP/2
 */
function verifyPeer(
  socket: tls.TLSSocket,
  endpoint: Endpoint,
  proxy: string | undefined,
): X509Certificate {
  const { host, expectedCertificate: expected, protocol } = endpoint
  const served = socket.getPeerX509Certificate()
  if (!served) throw noServerCertificate()
  if (expected && !served.raw.equals(expected.raw))
    throw unexpectedCertificateFailure(endpoint, { served, expected, proxy })
  if (!coversHost(served, host)) throw servedHostMismatch(describeCertificate(served), host)
  if (!socket.authorized) {
    // A string, though its type is Error.
    const trustError = String(socket.authorizationError)
    const reason = trustErrors[trustError] ?? 'its verification failed'
    throw servedCertificateUntrusted(describeCertificate(served), reason, trustError)
  }
  if (protocol === undefined && socket.alpnProtocol !== 'h2')
    throw http2Missing(socket.alpnProtocol || 'none')
  return served
}

function describeCertificate({ serialNumber, subjectAltName, subject }: X509Certificate): string {
  return `certificate ${serialNumber} (${subjectAltName ?? formatDistinguishedName(subject)})`
}

/** Source: OpenSSL, X509_STORE_CTX_get_error. */
const trustErrors: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it, or a certificate of its chain, has expired',
  CERT_NOT_YET_VALID: 'it, or a certificate of its chain, is not valid yet',
  CERT_SIGNATURE_FAILURE: 'a signature in its chain is invalid',
  CERT_UNTRUSTED: 'its root is not trusted for this purpose',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  INVALID_CA: 'a certificate of its chain must not sign others',
  INVALID_PURPOSE: 'it is not for servers',
  SELF_SIGNED_CERT_IN_CHAIN: 'its root is not a trusted CA',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate of an issuer is missing',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its issuer is not a trusted CA, or an intermediate is missing',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server sent no intermediate certificates',
}

/**
 * The failure when another certificate is served. The cause is a guess: a renewed certificate may
 * come from another issuer.
 */
function unexpectedCertificateFailure(
  { host, listener: { group } }: Endpoint,
  certificates: {
    served: X509Certificate
    expected: X509Certificate
    proxy: string | undefined
  },
): ProbeFailure {
  const { served, expected, proxy } = certificates
  const unexpected = {
    host,
    certificate: describeCertificate(served),
    issuer: formatDistinguishedName(served.issuer),
    expectedSerialNumber: expected.serialNumber,
  }
  if (proxy !== undefined && served.issuer !== expected.issuer)
    return proxyCertificateServed(unexpected, proxy)
  return coversHost(served, host)
    ? otherMatchServed(unexpected, group)
    : defaultCertificateServed(unexpected)
}
