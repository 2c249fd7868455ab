/** Chains in any order, private authorities, and weak keys. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { issueSelfSigned } from '../../testing/certificates.ts'
import { issueChainCertificate, type ChainCertificate } from '../../testing/chain-certificates.ts'
import { listCertificates } from './acm-manual-operations.ts'
import { certificateInputs } from './certificate-inputs.ts'
import { expectFailureWithoutWrites, expectSuccess, expectUnchanged } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('cluster-ip')

scenario(
  "Let's Encrypt's fullchain as the chain, a chain with its root, and a reversed chain all work",
  async ({ environment, run }) => {
    const { certificate, fullchain, chain, privateKey } = environment.certificate
    expectSuccess(
      await run({ certificate, 'certificate-chain': fullchain, 'private-key': privateKey }),
    )
    for (const inputs of [
      { certificate: fullchain, 'certificate-chain': fullchain },
      { certificate, 'certificate-chain': chain },
      { certificate: chain + certificate, 'certificate-chain': '' },
    ]) {
      expectUnchanged(await run({ 'private-key': privateKey, ...inputs }))
    }
    const withRoot = await run({
      certificate: fullchain,
      'certificate-chain': environment.certificateAuthority.root,
      'private-key': privateKey,
    })
    expect(expectSuccess(withRoot).log).not.toContain('are not in order')
  },
)

scenario(
  'a chain that only probe-ca contains is used, with a note',
  async ({ environment, run }) => {
    const { certificate, privateKey } = environment.certificate
    const inputs = {
      certificate,
      'private-key': privateKey,
      'probe-ca':
        environment.certificateAuthority.intermediate + environment.certificateAuthority.root,
    }
    expect(expectSuccess(await run(inputs)).summary).toContain('They were found in probe-ca')
    expectUnchanged(await run(inputs))
  },
)

scenario(
  'a reissued intermediate and an expired root in the bundle: the valid chain is imported, with a note',
  async ({ environment, run }) => {
    const root = await issueChainCertificate({ name: 'Root' })
    const past = { validFrom: -60, validTo: -1 }
    const expiredRoot = await issueChainCertificate({ name: '', twinOf: root, ...past })
    const intermediate = await issueChainCertificate({ name: 'Intermediate', issuer: root })
    const expiredIntermediate = await issueChainCertificate({
      name: '',
      twinOf: intermediate,
      issuer: root,
      ...past,
    })
    const leaf = await issueChainCertificate({
      name: environment.host,
      hosts: [environment.host],
      issuer: intermediate,
    })
    const inputs = {
      certificate: leaf.pem,
      'certificate-chain': expiredIntermediate.pem + intermediate.pem + expiredRoot.pem,
      'private-key': leaf.privateKey,
      'probe-ca': root.pem,
    }
    const result = expectSuccess(await run(inputs))
    expect(result.summary).toContain('2 of the certificates are not imported')
    const [stored] = await listCertificates(environment)
    expect(stored?.x509.raw).toEqual(new X509Certificate(leaf.pem).raw)
    expectUnchanged(await run(inputs))
  },
)

scenario(
  'a chain that becomes shorter, or that moves to another root, is imported under the same ARN',
  async ({ environment, run, writes }) => {
    const root = await issueChainCertificate({ name: 'Root' })
    const oldRoot = await issueChainCertificate({ name: 'Old root' })
    const crossRoot = await issueChainCertificate({ name: '', twinOf: root, issuer: oldRoot })
    const intermediate = await issueChainCertificate({ name: 'Intermediate', issuer: root })
    const { host } = environment
    const leaf = await issueChainCertificate({ name: host, hosts: [host], issuer: intermediate })
    const runWithChain = (...chain: readonly ChainCertificate[]) =>
      run({
        certificate: leaf.pem,
        'certificate-chain': chain.map(({ pem }) => pem).join(''),
        'private-key': leaf.privateKey,
        'probe-ca': root.pem + oldRoot.pem,
      })
    const { 'certificate-arn': arn } = expectSuccess(
      await runWithChain(intermediate, crossRoot),
    ).outputs
    for (const chain of [[intermediate], [intermediate, crossRoot, oldRoot], [intermediate]]) {
      expect(expectSuccess(await runWithChain(...chain)).outputs['certificate-arn']).toBe(arn)
      expect(writes()).toEqual(['acm ImportCertificate'])
      expectUnchanged(await runWithChain(...chain))
    }
  },
)

scenario(
  'a self-signed certificate end to end: without probe-ca it fails before the first change, and with it the run passes',
  async (scenario) => {
    const { environment, run } = scenario
    const selfSignedCertificate = await issueSelfSigned({ hosts: [environment.host] })
    const inputs = {
      certificate: selfSignedCertificate.certificate,
      'private-key': selfSignedCertificate.privateKey,
    }
    expect(
      await expectFailureWithoutWrites(scenario, inputs, 'probe-certificate-untrusted'),
    ).toMatch(/, which this runner does not trust\.\s+What to do: Set probe-ca to /)
    expect(
      await expectFailureWithoutWrites(
        scenario,
        {
          ...inputs,
          'probe-ca': (await issueSelfSigned({ hosts: [environment.host] })).certificate,
        },
        'probe-certificate-untrusted',
      ),
    ).toContain('neither this runner nor a root certificate in probe-ca that is valid today trusts')
    expectSuccess(await run({ ...inputs, 'dry-run': 'true', probe: 'off' }))
    expectSuccess(await run({ ...inputs, 'probe-ca': selfSignedCertificate.certificate }))
  },
)

scenario(
  'mutual TLS on the listener fails before the first change, because the probe has no client certificate',
  async (scenario) => {
    const { environment, run } = scenario
    const requireOn = (port: number) => ({
      annotations: `alb.ingress.kubernetes.io/mutual-authentication: '[{"port": ${port}, "mode": "verify", "trustStore": "clients"}]'`,
    })
    const { listenPort } = environment
    const text = await expectFailureWithoutWrites(
      scenario,
      requireOn(listenPort),
      'probe-tls-failed',
    )
    expect(text).toContain(`requires client certificates on port ${listenPort}`)
    expect(text).toContain('Set probe-certificate and probe-key')
    for (const inputs of [{ ...requireOn(listenPort), probe: 'off' }, requireOn(listenPort + 1)])
      expectSuccess(await run({ ...inputs, 'dry-run': 'true' }))
  },
)

scenario(
  'an RSA key of 1024 bits is a warning: ACM accepts it, clients may not',
  async (scenario) => {
    const { environment, run } = scenario
    const weakKeyCertificate = await environment.certificateAuthority.issue({
      hosts: [environment.host],
      keyAlgorithm: 'RSA_1024',
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      certificateInputs(weakKeyCertificate),
      'probe-certificate-untrusted',
    )
    expect(text).toContain('an RSA key of 1024 bits, which this runner')
    const result = await run({
      ...certificateInputs(weakKeyCertificate),
      probe: 'off',
    })
    expect(expectSuccess(result).log).toMatch(/^::warning .*1024-bit RSA key: ACM accepts it/m)
  },
)
