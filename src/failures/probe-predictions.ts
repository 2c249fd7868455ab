/** Failures of the probe that the inputs alone show, before anything changes. */
import { ActionError } from './action-error.ts'

/** @param hasProbeCa whether input probe-ca is set, to other CAs */
export function probeWouldNotTrustCertificate(
  subject: string,
  issuer: string,
  hasProbeCa: boolean,
): ActionError {
  const trust = hasProbeCa
    ? 'neither this runner nor a root certificate in probe-ca that is valid today trusts'
    : 'this runner does not trust'
  return new ActionError({
    code: 'probe-certificate-untrusted',
    problem: `The probe would fail: certificate ${subject} was issued by ${issuer}, which ${trust}.`,
    remedy:
      'Set probe-ca to the current root certificate of the private CA, or to a self-signed certificate itself (clients need it too: server_pem_path), or set probe: off.',
  })
}

/** OpenSSL, and so Node, requires 2048 bits; BoringSSL does not. */
export function probeRejectsWeakKey(subject: string): ActionError {
  return new ActionError({
    code: 'probe-certificate-untrusted',
    problem: `The probe would fail: certificate ${subject} has an RSA key of 1024 bits, which this runner and most clients reject as too small.`,
    remedy: 'Request a certificate with 2048 bits or more, or set probe: off.',
  })
}

/** Without inputs probe-certificate and probe-key, the probe cannot authenticate. */
export function probeLacksClientCertificate(port: number): ActionError {
  return new ActionError({
    code: 'probe-tls-failed',
    problem: `The probe would fail: mutual-authentication in annotations requires client certificates on port ${port}, and the probe has none.`,
    remedy:
      'Set probe-certificate and probe-key to the certificate and key of a client. Or set probe: off, and test with a client of your own.',
  })
}
