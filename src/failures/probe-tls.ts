/** Why TLS to the ALB fails: the handshake, the served certificate, or no HTTP/2. */
import { ProbeFailure, never, propagationWindow, untilTimeout } from './probe-failure.ts'

/** A TLS handshake that failed. */
export interface FailedHandshake {
  readonly host: string
  readonly port: number
  /** The proxy in between. */
  readonly proxy: string | undefined
  /** The ssl-policy of the listener. */
  readonly sslPolicy: string
  /** The TLS versions of this runner, such as "TLSv1.2 to TLSv1.3". */
  readonly runnerVersions: string
  /** Whether the listener should verify client certificates. */
  readonly verifiesClients: boolean
  /** Of the probe, undefined when it has none. */
  readonly clientCertificate: { readonly subject: string; readonly issuer: string } | undefined
  /** Node's error code, such as ERR_SSL_WRONG_VERSION_NUMBER. */
  readonly errorCode: string
  readonly cause: unknown
}

function handshakeFailed(
  { host, proxy, cause }: FailedHandshake,
  failure: { reason: string; remedy: string; retryFor: number },
): ProbeFailure {
  const viaProxy = proxy === undefined ? '' : ` through proxy ${proxy}`
  return new ProbeFailure({
    code: 'probe-tls-failed',
    problem: `Cannot establish TLS as ${host}${viaProxy}: ${failure.reason}.`,
    remedy: failure.remedy,
    retryFor: failure.retryFor,
    cause,
  })
}

const otherPolicyRemedy = ({ sslPolicy }: FailedHandshake): string =>
  `Choose another ssl-policy than ${sslPolicy}, or another runner. Clients with the TLS settings of this runner cannot connect either.`

/** What a listener with mutual TLS objects to, as a clause. */
const describeRejection = ({ clientCertificate }: FailedHandshake): string => {
  if (!clientCertificate) return 'the listener requires a client certificate'
  const { subject, issuer } = clientCertificate
  return `the listener rejects the client certificate of input probe-certificate (${subject}, issued by ${issuer || 'a CA without a name'})`
}

/** Source of tls_verify_status: AWS, "Connection logs for your Application Load Balancer". */
const rejectionRemedy = ({ clientCertificate }: FailedHandshake): string =>
  clientCertificate
    ? 'Add its CA to the trust store that mutual-authentication in annotations names, include the intermediate certificates in probe-certificate, and check that it has neither expired nor been revoked. The connection log of the ALB contains the reason (tls_verify_status).'
    : 'With alb.ingress.kubernetes.io/mutual-authentication, set probe-certificate and probe-key to the certificate and key of a client, or set probe: off.'

export function noCommonTlsVersion(handshake: FailedHandshake): ProbeFailure {
  const { runnerVersions, sslPolicy, errorCode } = handshake
  return handshakeFailed(handshake, {
    reason: `the listener and this runner have no TLS version in common; this runner offers ${runnerVersions}, and ssl-policy is ${sslPolicy} (${errorCode})`,
    remedy: otherPolicyRemedy(handshake),
    retryFor: propagationWindow,
  })
}

export function noCommonCipher(handshake: FailedHandshake): ProbeFailure {
  const { sslPolicy, errorCode } = handshake
  return handshakeFailed(handshake, {
    reason: `the listener and this runner have no cipher in common (ssl-policy is ${sslPolicy}), or ${describeRejection(handshake)} (${errorCode})`,
    remedy: `${otherPolicyRemedy(handshake)} ${rejectionRemedy(handshake)}`,
    retryFor: propagationWindow,
  })
}

/** Servers send some of these alerts for a bad client certificate, and for a missing one. */
export function clientRejected(handshake: FailedHandshake): ProbeFailure {
  return handshakeFailed(handshake, {
    reason: `${describeRejection(handshake)} (${handshake.errorCode})`,
    remedy: rejectionRemedy(handshake),
    // A new trust store takes a while to reach all nodes. Without a certificate, nothing helps.
    retryFor: handshake.clientCertificate ? propagationWindow : never,
  })
}

export function plaintextServer(handshake: FailedHandshake): ProbeFailure {
  const { port, errorCode } = handshake
  return handshakeFailed(handshake, {
    reason: `the server on port ${port} speaks plaintext, not TLS (${errorCode})`,
    remedy: `Check that the ALB's listener on port ${port} is HTTPS, that probe-address (if set) is right, and that nothing in between answers in its place.`,
    retryFor: propagationWindow,
  })
}

/** An ALB closes the connection of a client that it rejects, without an alert. */
export function closedDuringHandshake(handshake: FailedHandshake): ProbeFailure {
  const { clientCertificate, verifiesClients, errorCode } = handshake
  if (verifiesClients)
    return handshakeFailed(handshake, {
      reason: `the connection was closed before the first answer (${errorCode}), as when ${describeRejection(handshake)}`,
      remedy: rejectionRemedy(handshake),
      retryFor: propagationWindow,
    })
  const remedy =
    'Look for a firewall in between that allows TCP but not TLS, and check that the listener has a certificate.'
  // Another Ingress of the group, or IngressClassParams, may require client certificates.
  return handshakeFailed(handshake, {
    reason: `the connection was closed during the handshake (${errorCode})`,
    remedy: clientCertificate
      ? `${remedy} If the listener verifies clients: ${rejectionRemedy(handshake)}`
      : remedy,
    retryFor: untilTimeout,
  })
}

/** @param reason a phrase such as "no TLS handshake within 5 s" */
export function handshakeIncomplete(handshake: FailedHandshake, reason: string): ProbeFailure {
  return handshakeFailed(handshake, {
    reason,
    remedy: 'Check that the listener is HTTPS, and that no firewall in between blocks TLS.',
    retryFor: untilTimeout,
  })
}

export function noServerCertificate(): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-tls-failed',
    problem: 'The server presented no certificate.',
    remedy: 'Check that the listener is HTTPS.',
    retryFor: never,
  })
}

/** @param alpn the protocol that the server chose, or "none" */
export function http2Missing(alpn: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-http2-missing',
    problem: `The ALB does not offer HTTP/2, which gRPC requires (ALPN: ${alpn}).`,
    remedy:
      'Set the load balancer attribute routing.http2.enabled to true, and check that nothing in between terminates TLS.',
    retryFor: never,
  })
}

/** @param certificate the served one, as "certificate SERIAL (NAMES)" */
export function servedHostMismatch(certificate: string, host: string): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-certificate-host-mismatch',
    problem: `The ALB serves ${certificate}, which does not cover ${host}.`,
    remedy: 'Use a certificate that covers this name.',
    retryFor: never,
  })
}

const trustRemedy =
  'For a private CA, set probe-ca to its root certificate (clients need it too: server_pem_path). For a public CA, set certificate-chain to the intermediate certificates.'
const renewRemedy =
  'Renew the certificate, and the certificates of its chain that end sooner: set certificate, private-key and certificate-chain to the new ones. If they are valid, check the clock of this runner.'

/** By OpenSSL's code: where the CA is not the reason. */
const untrustedRemedies: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: renewRemedy,
  CERT_NOT_YET_VALID:
    'Wait until the certificate is valid, or set certificate to one that is. If it is valid, check the clock of this runner.',
  INVALID_PURPOSE:
    'Set certificate to one whose extended key usage contains server authentication (serverAuth).',
}

/**
 * @param certificate the served one, as "certificate SERIAL (NAMES)"
 * @param reason a phrase such as "it is self-signed"
 * @param errorCode OpenSSL's, such as DEPTH_ZERO_SELF_SIGNED_CERT
 */
export function servedCertificateUntrusted(
  certificate: string,
  reason: string,
  errorCode: string,
): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-certificate-untrusted',
    problem: `The ALB serves ${certificate}, which this runner does not trust: ${reason} (${errorCode}).`,
    remedy: untrustedRemedies[errorCode] ?? trustRemedy,
    retryFor: never,
  })
}

/** A served certificate that is not the expected one. */
export interface UnexpectedCertificate {
  readonly host: string
  /** The served one, as "certificate SERIAL (NAMES)". */
  readonly certificate: string
  readonly issuer: string
  /** Serial number of the one in ACM. */
  readonly expectedSerialNumber: string
}

function certificateDiffers(
  { host, certificate, issuer, expectedSerialNumber }: UnexpectedCertificate,
  remedy: string,
): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-certificate-differs',
    problem: `The ALB serves ${certificate}, issued by ${issuer}, for ${host} instead of the certificate in ACM (${expectedSerialNumber}).`,
    remedy,
    retryFor: untilTimeout,
  })
}

export function proxyCertificateServed(served: UnexpectedCertificate, proxy: string): ProbeFailure {
  return certificateDiffers(
    served,
    `Proxy ${proxy} appears to terminate TLS with a certificate of its own. Add the ALB to NO_PROXY (for example .elb.amazonaws.com), or exempt ${served.host} from the proxy's TLS inspection.`,
  )
}

/** @param group the IngressGroup, whose other Ingresses also add certificates to the listener */
export function otherMatchServed(
  served: UnexpectedCertificate,
  group: string | undefined,
): ProbeFailure {
  const otherSources =
    group === undefined
      ? 'a second ARN of IngressClassParams or of the listener'
      : `the other Ingresses of group ${group}, and IngressClassParams`
  return certificateDiffers(
    served,
    `A renewed certificate reaches the ALB within minutes. If the failure persists, another certificate of the listener also covers ${served.host}, and the ALB chose that one: remove it (check ${otherSources}). If the issuer belongs to your own network, exempt ${served.host} from its TLS inspection.`,
  )
}

export function defaultCertificateServed(served: UnexpectedCertificate): ProbeFailure {
  return certificateDiffers(
    served,
    `The listener serves this certificate when none of its certificates covers ${served.host}. Check that IngressClassParams do not replace the certificates of the Ingress, and that this address belongs to this ALB.`,
  )
}
