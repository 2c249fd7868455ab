import { afterEach, describe, expect, test } from '@jest/globals'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { captureError, captureActionError } from '../../capture-error.ts'
import { sendJson } from './stub-server.ts'
import { startClient, getNamespace, stopServer } from './client-fixture.ts'

afterEach(stopServer)

describe('connection failures', () => {
  test('attempts a closed port six times and suggests a remedy', async () => {
    const { client, api, clock } = await startClient(() => undefined)
    await api.close()
    const error = await captureActionError(() => getNamespace(client))
    expect([error.code, error.message, clock.sleeps.length]).toEqual([
      'cluster-unreachable',
      expect.stringMatching(
        /^The Kubernetes API at https:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/,
      ),
      5,
    ])
    expect(error.remedy).toMatch(/private endpoint/)
  })

  test('does not retry a certificate of another CA', async () => {
    const { client, clock } = await startClient((response) => sendJson(response, {}), {
      ca: (await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1', name: 'Other' })).root,
    })
    const error = await captureActionError(() => getNamespace(client))
    expect([error.code, error.message, clock.sleeps]).toEqual([
      'cluster-unreachable',
      expect.stringMatching(/unable to verify|unable to get/),
      [],
    ])
  })

  test('ends the request of a cancelled job at once without reporting the API as unreachable', async () => {
    const controller = new AbortController()
    const { client, api } = await startClient(() => controller.abort(), {
      signal: controller.signal,
    })
    expect(await captureError(() => getNamespace(client))).toMatchObject({ name: 'AbortError' })
    expect(api.requests).toHaveLength(1)
  })
})
