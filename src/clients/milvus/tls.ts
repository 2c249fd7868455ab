/** TLS to the ALB, and what its certificate and protocol say. */
import type { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import {
  remainingTime,
  type Endpoint,
  type TcpConnection,
  type TlsConnection,
} from './connection.ts'
import { getErrorCodes, waitForEvent } from './events.ts'
import { ProbeFailure, untilTimeout, propagationWindow } from './failures.ts'
import { formatSeconds, getErrorMessage, formatDistinguishedName } from '../../util/text.ts'

/** @throws ProbeFailure */
export async function connectTls(
  connection: TcpConnection,
  endpoint: Endpoint,
): Promise<TlsConnection> {
  // The certificate is judged below, so that a wrong one can be named; nothing is sent before that.
  const ca = [...tls.getCACertificates('default'), ...(endpoint.ca ? [endpoint.ca] : [])]
  const socket = tls.connect({
    socket: connection.socket,
    servername: endpoint.host,
    ALPNProtocols: ['h2', 'http/1.1'],
    ca,
    rejectUnauthorized: false,
  })
  const timeout = remainingTime(endpoint, endpoint.timeout)
  try {
    await waitForEvent(
      socket,
      'secureConnect',
      timeout,
      `no TLS handshake within ${formatSeconds(timeout)}`,
    )
  } catch (thrown) {
    socket.destroy()
    throw handshakeFailure(endpoint, connection.proxy, thrown)
  }
  const certificate = socket.getPeerX509Certificate()
  const failure = certificate
    ? verifyPeer(socket, certificate, endpoint, connection.proxy)
    : undefined
  if (failure ?? !certificate) {
    socket.destroy()
    throw (
      failure ??
      new ProbeFailure({
        code: 'probe-tls-failed',
        problem: 'The server showed no certificate.',
        remedy: 'Check that the listener is HTTPS.',
        retryFor: 0,
      })
    )
  }
  const traceLine = `TLS ${socket.getProtocol() ?? ''}, certificate ${certificate.serialNumber} of ${formatDistinguishedName(certificate.subject)}, valid until ${certificate.validToDate.toISOString()}, ALPN h2`
  return { socket, certificate, trace: [...connection.trace, traceLine] }
}

interface HandshakeErrorRule {
  /** Of Node's error code, which is OpenSSL's reason. */
  readonly codePattern: RegExp
  readonly explanation: (endpoint: Endpoint) => string
  readonly remedy: (endpoint: Endpoint) => string
  readonly retryFor: number
}

const sslPolicyRemedy = ({ listener: { sslPolicy } }: Endpoint): string =>
  `Choose another ssl-policy than ${sslPolicy}, or another runner; clients that are like this runner cannot connect either.`

const handshakeErrors: readonly HandshakeErrorRule[] = [
  {
    codePattern: /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    explanation: ({ listener: { sslPolicy } }) =>
      `the listener has no version of TLS in common with this runner, which offers ${tls.DEFAULT_MIN_VERSION} to ${tls.DEFAULT_MAX_VERSION} (ssl-policy is ${sslPolicy})`,
    remedy: sslPolicyRemedy,
    retryFor: propagationWindow,
  },
  {
    codePattern: /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY/,
    explanation: ({ listener: { sslPolicy } }) =>
      `the listener has no cipher in common with this runner (ssl-policy is ${sslPolicy}), or wants a certificate of the client`,
    remedy: (endpoint) =>
      `${sslPolicyRemedy(endpoint)} If annotations has alb.ingress.kubernetes.io/mutual-authentication, only clients with a certificate can prove the endpoint: set probe: off.`,
    retryFor: propagationWindow,
  },
  {
    codePattern: /CERTIFICATE_REQUIRED/,
    explanation: () => 'the listener wants a certificate of the client',
    remedy: () =>
      'With alb.ingress.kubernetes.io/mutual-authentication only clients with a certificate can prove the endpoint: set probe: off.',
    retryFor: 0,
  },
  {
    codePattern: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    explanation: ({ address: { port } }) =>
      `what answers on port ${port} speaks plain text, not TLS`,
    remedy: ({ address: { port } }) =>
      `Check that the ALB's listener on port ${port} is HTTPS, that probe-address (if given) is meant, and that nothing in between answers in its place.`,
    retryFor: propagationWindow,
  },
  {
    codePattern: /ECONNRESET|EPIPE/,
    explanation: () => 'the connection was closed in the middle of the handshake',
    remedy: () =>
      'Look for a firewall in between that lets TCP pass and not TLS, and check that the listener has a certificate.',
    retryFor: untilTimeout,
  },
]

function handshakeFailure(
  endpoint: Endpoint,
  proxy: string | undefined,
  thrown: unknown,
): ProbeFailure {
  const [code = ''] = getErrorCodes(thrown)
  const viaProxy = proxy === undefined ? '' : ` through the proxy ${proxy}`
  if (code.includes('NO_APPLICATION_PROTOCOL')) return missingHttp2Failure('none that it takes')
  const knownError = handshakeErrors.find((each) => each.codePattern.test(code))
  return new ProbeFailure({
    code: 'probe-tls-failed',
    problem: `No TLS connection as ${endpoint.host}${viaProxy}: ${knownError ? `${knownError.explanation(endpoint)} (${code})` : getErrorMessage(thrown)}.`,
    remedy:
      knownError?.remedy(endpoint) ??
      'Check that the listener is HTTPS, and that no firewall in between holds TLS back.',
    retryFor: knownError?.retryFor ?? untilTimeout,
    cause: thrown,
  })
}

function verifyPeer(
  socket: tls.TLSSocket,
  served: X509Certificate,
  endpoint: Endpoint,
  proxy: string | undefined,
): ProbeFailure | undefined {
  const { host, expectedCertificate: expected } = endpoint
  const description = `certificate ${served.serialNumber} (${served.subjectAltName ?? formatDistinguishedName(served.subject)})`
  const coversHost =
    served.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined
  if (expected && !served.raw.equals(expected.raw))
    return certificateMismatchFailure(endpoint, {
      served,
      expected,
      description,
      coversHost,
      proxy,
    })
  if (!coversHost) {
    return new ProbeFailure({
      code: 'probe-certificate-host-mismatch',
      problem: `The ALB serves ${description}, which does not cover ${host}.`,
      remedy: 'Use a certificate with this name.',
      retryFor: 0,
    })
  }
  // Node sets authorizationError to the code, though its types say Error.
  const trustError = socket.authorized ? undefined : String(socket.authorizationError)
  if (trustError !== undefined) {
    return new ProbeFailure({
      code: 'probe-certificate-untrusted',
      problem: `The ALB serves ${description}, and this runner does not trust it (${trustError}).`,
      remedy:
        'With a private authority, give its certificate as probe-ca (clients need it too: server_pem_path); with a public one, give the intermediate certificates as certificate-chain.',
      retryFor: 0,
    })
  }
  return socket.alpnProtocol === 'h2'
    ? undefined
    : missingHttp2Failure(socket.alpnProtocol || 'none')
}

function missingHttp2Failure(alpn: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-http2-missing',
    problem: `The ALB offers no HTTP/2 (ALPN: ${alpn}), and gRPC needs it.`,
    remedy:
      'Set the load balancer attribute routing.http2.enabled to true, and check that nothing in between opens TLS.',
    retryFor: 0,
  })
}

/**
 * Another certificate is served: whose it is tells why. A renewed one may come from another issuer,
 * so none of this is certain, and all may heal.
 */
function certificateMismatchFailure(
  { host, listener: { group } }: Endpoint,
  observed: {
    served: X509Certificate
    expected: X509Certificate
    description: string
    coversHost: boolean
    proxy: string | undefined
  },
): ProbeFailure {
  const { served, expected, description, coversHost, proxy } = observed
  const isIntercepted = proxy !== undefined && served.issuer !== expected.issuer
  const otherSources =
    group === undefined
      ? 'a second ARN of IngressClassParams or of the listener'
      : `the other Ingresses of group ${group}, and IngressClassParams`
  const remedy = isIntercepted
    ? `The proxy ${proxy} seems to open TLS and to show a certificate of its own: name the ALB in NO_PROXY (for example .elb.amazonaws.com), or have the proxy leave ${host} alone.`
    : coversHost
      ? `A renewed certificate reaches the ALB within minutes. If it stays, another certificate of the listener covers ${host} too, and the ALB chose that one: take it away (look at ${otherSources}). If your own network is the issuer, have it leave ${host} alone.`
      : `The listener shows this one when none of its certificates covers ${host}: check that IngressClassParams name no certificates in place of the Ingress', and that this address leads to this ALB.`
  return new ProbeFailure({
    code: 'probe-certificate-differs',
    problem: `The ALB serves ${description}, issued by ${formatDistinguishedName(served.issuer)}, for ${host}, not the one in ACM (${expected.serialNumber}).`,
    remedy,
    retryFor: untilTimeout,
  })
}
