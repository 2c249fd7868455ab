/** Certificates and keys that are rejected before anything is written. */
import { expect } from '@jest/globals'
import {
  createExtension,
  createNameConstraints,
  issueChainCertificate,
  type ChainCertificateOptions,
} from '../../testing/chain-certificates.ts'
import { encryptPrivateKey, issueSelfSigned } from '../../testing/certificates.ts'
import { weakFixtures } from '../x509/weak-fixtures.ts'
import { certificateInputs, dayMs, issueExpiredCertificate } from './certificate-inputs.ts'
import { expectFailureWithoutWrites } from './expectations.ts'
import { setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

simulatorScenario(
  'the key of another certificate',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const other = await scenario.environment.certificateAuthority.issue({
      hosts: [scenario.environment.host],
    })
    await expectFailureWithoutWrites(
      scenario,
      { 'private-key': other.privateKey },
      'private-key-mismatch',
    )
  },
)

simulatorScenario(
  'an expired certificate',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const expired = await issueExpiredCertificate(scenario.environment, scenario.environment.host)
    await expectFailureWithoutWrites(scenario, certificateInputs(expired), 'certificate-expired')
  },
)

simulatorScenario(
  'a certificate for another host',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const other = await scenario.environment.certificateAuthority.issue({
      hosts: ['other.example.com'],
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      certificateInputs(other),
      'certificate-host-mismatch',
    )
    expect(text).toContain('other.example.com')
  },
)

simulatorScenario(
  'a certificate that is not valid yet',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const futureCertificate = await scenario.environment.certificateAuthority.issue({
      hosts: [scenario.environment.host],
      notBefore: new Date(Date.now() + dayMs),
    })
    await expectFailureWithoutWrites(
      scenario,
      certificateInputs(futureCertificate),
      'certificate-not-yet-valid',
    )
  },
)

simulatorScenario(
  'a certificate request instead of a certificate, a key that ACM cannot import, a signature that clients reject',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const certificateRequest =
      '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n'
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { certificate: certificateRequest },
        'certificate-unreadable',
      ),
    ).toContain('contains a certificate request')
    for (const { weakPem, code } of [
      { weakPem: weakFixtures.ed25519, code: 'certificate-key-unsupported' },
      { weakPem: weakFixtures.sha1, code: 'certificate-signature-weak' },
    ] as const) {
      await expectFailureWithoutWrites(
        scenario,
        { certificate: weakPem.certificate, 'private-key': weakPem.privateKey },
        code,
      )
    }
  },
)

simulatorScenario(
  'a certificate that ACM accepts and clients reject: its purpose, an unknown critical extension, an excluded name',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const { certificateAuthority: authority, host } = scenario.environment
    const issueSelf = async (options: Partial<ChainCertificateOptions>) => {
      const { pem, privateKey } = await issueChainCertificate({
        name: host,
        hosts: [host],
        ...options,
      })
      return { fullchain: pem, privateKey }
    }
    const critical = createExtension('1.3.6.1.4.1.55555.1', true)
    const excluded = createNameConstraints({ excluded: ['example.com'] })
    const root = await issueChainCertificate({ name: 'Root', extensions: [excluded] })
    const constrained = await issueSelf({ issuer: root })
    for (const { certificate, code, expectedText } of [
      {
        certificate: await authority.issue({
          hosts: [host],
          extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
        }),
        code: 'certificate-purpose-unsuitable',
        expectedText: 'its extended key usage is clientAuth, without serverAuth',
      },
      {
        certificate: await authority.issue({ hosts: [host], keyUsage: ['keyEncipherment'] }),
        code: 'certificate-purpose-unsuitable',
        expectedText: 'its key usage is keyEncipherment, without digitalSignature',
      },
      {
        certificate: await issueSelf({ extensions: [critical] }),
        code: 'certificate-unusable',
        expectedText: 'the critical extension 1.3.6.1.4.1.55555.1',
      },
      {
        certificate: { ...constrained, fullchain: constrained.fullchain + root.pem },
        code: 'certificate-chain-invalid',
        expectedText: `name constraints), so clients reject it for ${host}`,
      },
    ] as const)
      expect(
        await expectFailureWithoutWrites(scenario, certificateInputs(certificate), code),
      ).toContain(expectedText)
  },
)

simulatorScenario(
  'a certificate without its intermediates',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    await expectFailureWithoutWrites(
      scenario,
      { certificate: scenario.environment.certificate.certificate },
      'certificate-chain-invalid',
    )
  },
)

simulatorScenario(
  'an empty secret, or one that is only a newline, is reported as missing',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    for (const blankValue of ['', ' \n']) {
      const text = await expectFailureWithoutWrites(
        scenario,
        { certificate: blankValue, 'private-key': blankValue },
        'input-missing',
      )
      expect(text).toContain('Input certificate is empty.')
      const hint =
        'A secret that does not exist in this environment, or under another name, reads as empty'
      expect(text).toContain(hint)
      expect(
        await expectFailureWithoutWrites(scenario, { 'private-key': blankValue }, 'input-missing'),
      ).toContain(hint)
    }
  },
)

simulatorScenario(
  'a private key that is something else is reported as what it is',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const { certificate, privateKey } = scenario.environment.certificate
    const der = Buffer.from(privateKey.replace(/-----[^-]+-----|\n/g, ''), 'base64')
    const toBase64 = (data: string | Buffer): string => Buffer.from(data).toString('base64')
    for (const { code, key, expectedText } of [
      {
        code: 'input-invalid',
        key: JSON.stringify({ private_key: privateKey }),
        expectedText: 'is JSON',
      },
      { code: 'input-invalid', key: '@key.pem', expectedText: 'is the path of a file' },
      {
        code: 'input-invalid',
        key: toBase64(toBase64(privateKey)),
        expectedText: 'it was encoded twice',
      },
      {
        code: 'input-invalid',
        key: toBase64(der),
        expectedText: 'is base64 of a private key in DER',
      },
      {
        code: 'input-invalid',
        key: toBase64(Buffer.from('3082098a0201033082094406', 'hex')),
        expectedText: 'is base64 of PKCS#12',
      },
      {
        code: 'private-key-unreadable',
        key: encryptPrivateKey(privateKey, 'pass phrase'),
        expectedText: 'Input private-key is encrypted',
      },
      {
        code: 'private-key-unreadable',
        key: certificate,
        expectedText: 'contains a certificate but no private key',
      },
      {
        code: 'private-key-unreadable',
        key: privateKey + privateKey,
        expectedText: 'contains 2 private keys',
      },
    ])
      expect(await expectFailureWithoutWrites(scenario, { 'private-key': key }, code)).toContain(
        expectedText,
      )
  },
)

simulatorScenario(
  'a certificate that ACM would reject is reported before anything is written',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const { certificateAuthority: authority, host } = scenario.environment
    const longNames = Array.from(
      { length: 1200 },
      (_, number) => `number-${number}.a.long.name.example.com`,
    )
    const ocspUrl = `http://ocsp.example.com/${'x'.repeat(1000)}`
    for (const { certificate, expectedText } of [
      {
        certificate: await authority.issue({ hosts: [host, ...longNames] }),
        expectedText: 'the limit is 32768',
      },
      {
        certificate: await authority.issue({ hosts: [host], ocspUrl }),
        expectedText: 'OCSP URL has 1024 characters',
      },
      {
        certificate: await issueSelfSigned({ hosts: [host], commonName: null }),
        expectedText: 'it has no issuer name',
      },
    ])
      expect(
        await expectFailureWithoutWrites(
          scenario,
          certificateInputs(certificate),
          'certificate-refused',
        ),
      ).toContain(expectedText)
  },
)
