/** TLS between the probe and the ALB: which certificate is served, who trusts it, and versions. */
import { expect } from '@jest/globals'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  getErrorAnnotation,
} from './expectations.ts'
import { startProxy } from './forward-proxy.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('deployed')

scenario('the ALB serves another certificate', async ({ environment, run }) => {
  const other = await environment.certificateAuthority.issue({ hosts: [environment.host] })
  await environment.overrideAlb({
    servedCertificate: { certificate: other.fullchain, privateKey: other.privateKey },
  })
  expectFailure(await run(shortProbe), 'probe', 'probe-certificate-differs')
})

scenario('a private CA is untrusted, and trusted with probe-ca', async (scenario) => {
  const { environment, run } = scenario
  const env = { NODE_EXTRA_CA_CERTS: '' }
  // With an intermediate alone, clients in Node.js find no root. pymilvus does not need one.
  for (const ca of ['', environment.certificateAuthority.intermediate])
    await expectFailureWithoutWrites(
      scenario,
      { 'probe-ca': ca },
      'probe-certificate-untrusted',
      env,
    )
  const trustedRun = await run({ 'probe-ca': environment.certificateAuthority.root }, { env })
  expectSuccess(trustedRun)
  expect(trustedRun.summary).toContain('server_pem_path')
})

scenario(
  'a foreign certificate on the listener: of the group, the default one, or of a proxy that intercepts TLS',
  async ({ environment, run }) => {
    const serveCertificate = async (hosts: string[], issuer = environment.certificateAuthority) => {
      const { fullchain, privateKey } = await issuer.issue({ hosts })
      await environment.overrideAlb({ servedCertificate: { certificate: fullchain, privateKey } })
    }
    await serveCertificate([environment.host])
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'group-name': 'shared' }),
          'probe',
          'probe-certificate-differs',
        ),
      ),
    ).toMatch(/another certificate of the listener also covers.*Ingresses of group shared/s)
    await serveCertificate(['other.example.com'])
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...shortProbe, 'group-name': 'shared' }),
          'probe',
          'probe-certificate-differs',
        ),
      ),
    ).toMatch(
      /DNS:other\.example\.com.*serves this certificate when none of its certificates covers/s,
    )
    await serveCertificate(
      [environment.host],
      await createCertificateAuthority({ name: 'Company CA' }),
    )
    const proxy = await startProxy((name) =>
      name.endsWith('.elb.amazonaws.com') ? environment.albAddress : undefined,
    )
    try {
      const interceptedRun = await run(
        { ...shortProbe, 'group-name': 'shared' },
        { env: { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } },
      )
      expect(
        getErrorAnnotation(expectFailure(interceptedRun, 'probe', 'probe-certificate-differs')),
      ).toMatch(/Proxy 127\.0\.0\.1:\d+ appears to terminate TLS/)
    } finally {
      await proxy.close()
    }
  },
)

scenario(
  'an ssl-policy without a TLS version of this runner, and one that excludes older clients',
  async ({ environment, run }) => {
    const legacyClientRun = expectFailure(
      await run(
        { ...shortProbe, 'ssl-policy': 'ELBSecurityPolicy-TLS13-1-3-2021-06' },
        {
          env: { NODE_OPTIONS: `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --tls-max-v1.2` },
        },
      ),
      'probe',
      'probe-tls-failed',
    )
    expect(getErrorAnnotation(legacyClientRun)).toMatch(
      /no TLS version in common.*ssl-policy is ELBSecurityPolicy-TLS13-1-3-2021-06/,
    )
    const modernRun = expectSuccess(
      await run({ 'ssl-policy': 'ELBSecurityPolicy-TLS13-1-3-2021-06' }),
    )
    expect(modernRun.summary).toContain('accepts TLS 1.3 only')
  },
)
