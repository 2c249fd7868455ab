/** A listener with mutual TLS: the probe authenticates with a client certificate. */
import { expect } from '@jest/globals'
import {
  createCertificateAuthority,
  type CertificateAuthority,
} from '../../testing/certificates.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('cluster-ip')

const clientAuth = '1.3.6.1.5.5.7.3.2'

const annotationInputs = ({ listenPort: port }: TestEnvironment, mode: string) => {
  const trustStore = mode === 'verify' ? { trustStore: 'milvus-clients' } : {}
  const entries = JSON.stringify([{ port, mode, ...trustStore }])
  return { annotations: `alb.ingress.kubernetes.io/mutual-authentication: '${entries}'` }
}

async function issueClientInputs(
  authority: CertificateAuthority,
  options: { readonly notBefore?: Date; readonly notAfter?: Date } = {},
) {
  const { fullchain, privateKey } = await authority.issue({
    hosts: [],
    commonName: 'milvus-probe',
    extendedKeyUsage: [clientAuth],
    // Keys of this type are in no other certificate of the environment.
    keyAlgorithm: 'EC_prime256v1',
    ...options,
  })
  return { 'probe-certificate': fullchain, 'probe-key': privateKey }
}

scenario(
  'mutual TLS: a deploy with a client certificate of the trust store succeeds over gRPC, REST and the host name, and one of another CA is rejected',
  async ({ environment, run }) => {
    const clientAuthority = await createCertificateAuthority({ name: 'Client CA' })
    await environment.createTrustStore('milvus-clients', clientAuthority.root)
    const otherAuthority = await createCertificateAuthority({ name: 'Other CA' })
    const [trusted, other] = await Promise.all(
      [clientAuthority, otherAuthority].map((authority) => issueClientInputs(authority)),
    )
    expectSuccess(await run({ ...annotationInputs(environment, 'passthrough'), ...other }))

    const verify = annotationInputs(environment, 'verify')
    const inputs = { ...verify, ...trusted, probe: 'deep', rest: 'true', 'probe-dns': 'true' }
    const deployed = expectSuccess(await run(inputs))
    expect(JSON.parse(deployed.outputs['probe'] ?? '')).toMatchObject({
      failures: {},
      rest: { answers: true },
    })
    expectUnchanged(await run(inputs))

    const rejected = await run({ ...verify, ...other, ...shortProbe })
    expectToContainAll(getErrorAnnotation(expectFailure(rejected, 'probe', 'probe-tls-failed')), [
      'the client certificate of input probe-certificate (CN=milvus-probe, issued by O=Simulator',
      'Other CA Intermediate',
      'Add its CA to the trust store',
    ])
    // A check does not predict it, because the listener may differ from the inputs.
    const unauthenticated = await run({ mode: 'check', ...verify, ...shortProbe })
    expectFailure(unauthenticated, 'probe', 'probe-tls-failed')
  },
)

scenario(
  'a client certificate that the ALB would reject fails before the first change, and is ignored without a probe; an unknown trust store is named',
  async (scenario) => {
    const { environment, run } = scenario
    const clientAuthority = await createCertificateAuthority({ name: 'Client CA' })
    const verify = annotationInputs(environment, 'verify')
    const expired = await issueClientInputs(clientAuthority, {
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2021-01-01'),
    })
    expect(
      await expectFailureWithoutWrites(scenario, { ...verify, ...expired }, 'certificate-expired'),
    ).toContain('Input probe-certificate contains certificate CN=milvus-probe, which expired on')
    const { privateKey } = environment.certificate
    const valid = await issueClientInputs(clientAuthority)
    await expectFailureWithoutWrites(
      scenario,
      { ...verify, ...valid, 'probe-key': privateKey },
      'private-key-mismatch',
    )
    const serverCertificate = { 'probe-certificate': environment.certificate.fullchain }
    await expectFailureWithoutWrites(
      scenario,
      { ...verify, ...serverCertificate, 'probe-key': privateKey },
      'certificate-purpose-unsuitable',
    )
    expectSuccess(await run({ ...verify, ...expired, probe: 'off', 'dry-run': 'true' }))
    const unknownStore = await run({ ...verify, ...valid })
    expect(
      getErrorAnnotation(expectFailure(unknownStore, 'load-balancer', 'controller-refused')),
    ).toContain('Correct the trust store of mutual-authentication')
  },
)
