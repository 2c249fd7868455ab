/** TLS to the ALB, and what its certificate and protocol say. */
import type { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import { within, type Endpoint, type Route, type Secured } from './connection.ts'
import { codesOf, once } from './events.ts'
import { ProbeFailure, always, settling } from './failures.ts'
import { inSeconds, messageOf, oneLine } from '../core/text.ts'

/** @throws ProbeFailure */
export async function secure(route: Route, endpoint: Endpoint): Promise<Secured> {
  // The certificate is judged below, so that a wrong one can be named; nothing is sent before that.
  const ca = [...tls.getCACertificates('default'), ...(endpoint.ca ? [endpoint.ca] : [])]
  const socket = tls.connect({ socket: route.socket, servername: endpoint.host, ALPNProtocols: ['h2', 'http/1.1'], ca, rejectUnauthorized: false })
  const timeout = within(endpoint, endpoint.timeout)
  try {
    await once(socket, 'secureConnect', timeout, `no TLS handshake within ${inSeconds(timeout)}`)
  } catch (thrown) {
    socket.destroy()
    throw handshakeFailure(endpoint, route.proxy, thrown)
  }
  const certificate = socket.getPeerX509Certificate()
  const failure = certificate ? judge(socket, certificate, endpoint, route.proxy) : undefined
  if (failure ?? !certificate) {
    socket.destroy()
    throw failure ?? new ProbeFailure({ code: 'probe-tls-failed', problem: 'The server showed no certificate.', remedy: 'Check that the listener is HTTPS.', heals: 0 })
  }
  const line = `TLS ${socket.getProtocol() ?? ''}, certificate ${certificate.serialNumber} of ${oneLine(certificate.subject)}, valid until ${certificate.validToDate.toISOString()}, ALPN h2`
  return { socket, certificate, seen: [...route.seen, line] }
}

interface Handshake {
  /** Of Node's error code, which is OpenSSL's reason. */
  readonly code: RegExp
  readonly means: (endpoint: Endpoint) => string
  readonly remedy: (endpoint: Endpoint) => string
  readonly heals: number
}

const otherPolicy = ({ listener: { sslPolicy } }: Endpoint): string => `Choose another ssl-policy than ${sslPolicy}, or another runner; clients that are like this runner cannot connect either.`

const handshakes: readonly Handshake[] = [
  {
    code: /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/,
    means: ({ listener: { sslPolicy } }) => `the listener has no version of TLS in common with this runner, which offers ${tls.DEFAULT_MIN_VERSION} to ${tls.DEFAULT_MAX_VERSION} (ssl-policy is ${sslPolicy})`,
    remedy: otherPolicy,
    heals: settling,
  },
  {
    code: /HANDSHAKE_FAILURE|NO_SHARED_CIPHER|INSUFFICIENT_SECURITY/,
    means: ({ listener: { sslPolicy } }) => `the listener has no cipher in common with this runner (ssl-policy is ${sslPolicy}), or wants a certificate of the client`,
    remedy: (endpoint) => `${otherPolicy(endpoint)} If annotations has alb.ingress.kubernetes.io/mutual-authentication, only clients with a certificate can prove the endpoint: set probe: off.`,
    heals: settling,
  },
  {
    code: /CERTIFICATE_REQUIRED/,
    means: () => 'the listener wants a certificate of the client',
    remedy: () => 'With alb.ingress.kubernetes.io/mutual-authentication only clients with a certificate can prove the endpoint: set probe: off.',
    heals: 0,
  },
  {
    code: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/,
    means: ({ address: { port } }) => `what answers on port ${port} speaks plain text, not TLS`,
    remedy: ({ address: { port } }) => `Check that the ALB's listener on port ${port} is HTTPS, that probe-address (if given) is meant, and that nothing in between answers in its place.`,
    heals: settling,
  },
  {
    code: /ECONNRESET|EPIPE/,
    means: () => 'the connection was closed in the middle of the handshake',
    remedy: () => 'Look for a firewall in between that lets TCP pass and not TLS, and check that the listener has a certificate.',
    heals: always,
  },
]

function handshakeFailure(endpoint: Endpoint, proxy: string | undefined, thrown: unknown): ProbeFailure {
  const [code = ''] = codesOf(thrown)
  const via = proxy === undefined ? '' : ` through the proxy ${proxy}`
  if (code.includes('NO_APPLICATION_PROTOCOL')) return withoutHttp2('none that it takes')
  const known = handshakes.find((each) => each.code.test(code))
  return new ProbeFailure({
    code: 'probe-tls-failed',
    problem: `No TLS connection as ${endpoint.host}${via}: ${known ? `${known.means(endpoint)} (${code})` : messageOf(thrown)}.`,
    remedy: known?.remedy(endpoint) ?? 'Check that the listener is HTTPS, and that no firewall in between holds TLS back.',
    heals: known?.heals ?? always,
    cause: thrown,
  })
}

function judge(socket: tls.TLSSocket, served: X509Certificate, endpoint: Endpoint, proxy: string | undefined): ProbeFailure | undefined {
  const { host, certificate: expected } = endpoint
  const described = `certificate ${served.serialNumber} (${served.subjectAltName ?? oneLine(served.subject)})`
  const covers = served.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined
  if (expected && !served.raw.equals(expected.raw)) return differs(endpoint, { served, expected, described, covers, proxy })
  if (!covers) {
    return new ProbeFailure({ code: 'probe-certificate-host-mismatch', problem: `The ALB serves ${described}, which does not cover ${host}.`, remedy: 'Use a certificate with this name.', heals: 0 })
  }
  // Node sets authorizationError to the code, though its types say Error.
  const untrusted = socket.authorized ? undefined : String(socket.authorizationError)
  if (untrusted !== undefined) {
    return new ProbeFailure({
      code: 'probe-certificate-untrusted',
      problem: `The ALB serves ${described}, and this runner does not trust it (${untrusted}).`,
      remedy: "With a private authority, give its certificate as probe-ca (clients need it too: server_pem_path); with a public one, give the intermediate certificates as certificate-chain.",
      heals: 0,
    })
  }
  return socket.alpnProtocol === 'h2' ? undefined : withoutHttp2(socket.alpnProtocol || 'none')
}

function withoutHttp2(alpn: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-http2-missing',
    problem: `The ALB offers no HTTP/2 (ALPN: ${alpn}), and gRPC needs it.`,
    remedy: 'Set the load balancer attribute routing.http2.enabled to true, and check that nothing in between opens TLS.',
    heals: 0,
  })
}

/** Another certificate is served: whose it is tells why. A renewed one may come from another issuer, so none of this is certain, and all may heal. */
function differs({ host, listener: { group } }: Endpoint, seen: { served: X509Certificate; expected: X509Certificate; described: string; covers: boolean; proxy: string | undefined }): ProbeFailure {
  const { served, expected, described, covers, proxy } = seen
  const opened = proxy !== undefined && served.issuer !== expected.issuer
  const others = group === undefined ? 'a second ARN of IngressClassParams or of the listener' : `the other Ingresses of group ${group}, and IngressClassParams`
  const remedy = opened
    ? `The proxy ${proxy} seems to open TLS and to show a certificate of its own: name the ALB in NO_PROXY (for example .elb.amazonaws.com), or have the proxy leave ${host} alone.`
    : covers
      ? `A renewed certificate reaches the ALB within minutes. If it stays, another certificate of the listener covers ${host} too, and the ALB chose that one: take it away (look at ${others}). If your own network is the issuer, have it leave ${host} alone.`
      : `The listener shows this one when none of its certificates covers ${host}: check that IngressClassParams name no certificates in place of the Ingress', and that this address leads to this ALB.`
  return new ProbeFailure({
    code: 'probe-certificate-differs',
    problem: `The ALB serves ${described}, issued by ${oneLine(served.issuer)}, for ${host}, not the one in ACM (${expected.serialNumber}).`,
    remedy,
    heals: always,
  })
}
