/**
 * Serves a certificate in this process, and connects to it as a client that trusts the top of its
 * chain: what OpenSSL rejects then, it rejects behind an ALB too.
 */
import { duplexPair } from 'node:stream'
import tls from 'node:tls'
import type { ActionError } from '../failures/action-error.ts'
import {
  handshakeRejected,
  nameNotPermitted,
  pathTooLong,
} from '../failures/certificate-clients.ts'
import { getErrorMessage } from '../util/text.ts'
import { getSubject, toPem, type CertificateMaterial } from './certificate.ts'

/**
 * Weak keys and signatures, and validity, have checks of their own: those know which of them are
 * only a warning, and the clock of the run.
 */
const ciphers = 'DEFAULT@SECLEVEL=0'
const checkedElsewhere: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']

/** Failures with texts of their own. Source: OpenSSL, X509_verify_cert_error_string. */
const rejections: readonly {
  readonly messagePattern: RegExp
  readonly createFailure: (subject: string, host: string) => ActionError
}[] = [
  { messagePattern: /path length constraint exceeded/i, createFailure: pathTooLong },
  { messagePattern: /(permitted|excluded) subtree violation/i, createFailure: nameNotPermitted },
]

/** The problem of the handshake; none without a key. */
export async function checkHandshake(
  { leaf, chain, privateKey }: CertificateMaterial,
  host: string,
): Promise<ActionError[]> {
  if (privateKey === '') return []
  const rejection = await attemptHandshake(
    { key: privateKey, cert: toPem([leaf, ...chain]) },
    { ca: toPem([chain.at(-1) ?? leaf]), servername: host },
  )
  if (rejection === undefined) return []
  const { code, message } = rejection
  if (checkedElsewhere.includes(code)) return []
  const known = rejections.find(({ messagePattern }) => messagePattern.test(message))
  const subject = getSubject(leaf)
  return [known?.createFailure(subject, host) ?? handshakeRejected(subject, message)]
}

/** @returns undefined when the client accepts the certificate */
async function attemptHandshake(
  { key, cert }: { key: string; cert: string },
  trust: { ca: string; servername: string },
): Promise<{ code: string; message: string } | undefined> {
  const [serverStream, clientStream] = duplexPair()
  let server: tls.TLSSocket | undefined
  let client: tls.TLSSocket | undefined
  try {
    const secureContext = tls.createSecureContext({ key, cert, ciphers })
    server = new tls.TLSSocket(serverStream, { isServer: true, secureContext })
    client = tls.connect({
      ...trust,
      socket: clientStream,
      ciphers,
      allowPartialTrustChain: true,
      rejectUnauthorized: true,
      // The host has a check of its own.
      checkServerIdentity: () => undefined,
    })
    await waitForHandshake(client, server)
    return undefined
  } catch (thrown) {
    const { code = '' } = thrown as { code?: string }
    return { code, message: getErrorMessage(thrown) }
  } finally {
    client?.destroy()
    server?.destroy()
  }
}

/** Rejects with the error of the client, or of the server when it has none. */
const waitForHandshake = (client: tls.TLSSocket, server: tls.TLSSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    client.once('secureConnect', () => resolve())
    client.on('error', reject)
    server.on('error', reject)
    client.once('close', () => reject(new Error('the connection was closed during the handshake')))
  })
