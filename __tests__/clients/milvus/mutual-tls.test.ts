/** A listener that requires a client certificate: with TLS 1.3 it says so after the handshake. */
import http2 from 'node:http2'
import { expect, test } from '@jest/globals'
import { probe } from '../../../src/clients/milvus/probe.ts'
import { captureError } from '../../capture-error.ts'
import { closeAfterTest, createEndpoint } from './connect-fixture.ts'
import { authority, issued, listen } from './servers.ts'

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a missing client certificate with %s is reported as such, and not retried',
  async (version) => {
    const { fullchain, privateKey } = await issued
    const server = http2.createSecureServer({
      cert: fullchain,
      key: privateKey,
      ca: (await authority).root,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: version,
      maxVersion: version,
    })
    const { port } = closeAfterTest(await listen(server))
    const { signal } = new AbortController()
    const thrown = await captureError(() => probe(createEndpoint(port), undefined, signal))
    expect(thrown).toMatchObject({
      code: 'probe-tls-failed',
      message: expect.stringMatching(
        version === 'TLSv1.3'
          ? /^Cannot establish TLS as milvus\.example\.com: the listener requires a client certificate \(ERR_SSL_[A-Z0-9_\/]+\)\.$/
          : /^Cannot establish TLS as milvus\.example\.com: .*client certificate \(ERR_SSL_[A-Z0-9_\/]+\)\.$/,
      ) as unknown,
    })
    if (version === 'TLSv1.3') expect(thrown).toHaveProperty('retryFor', 0)
  },
)
