/**
 * Inputs as people write them: many invalid ones, all named at once, and unusual ones that are
 * valid.
 */
import { expect } from '@jest/globals'
import { encryptPrivateKey, issueSelfSigned } from '../../testing/certificates.ts'
import {
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  setDefaultStart,
} from './harness.ts'

setDefaultStart('cluster-ip')

simulatorScenario(
  'inputs are read before any part is asked',
  'many invalid inputs at once, each named with what to set',
  async (scenario) => {
    const invalidInputs: Readonly<Record<string, readonly [value: string, said: string]>> = {
      mode: ['apply', 'Use deploy, check or destroy.'],
      cluster: [
        'arn:aws:eks:us-east-2:111122223333:cluster/production',
        'Use the name of the cluster: production.',
      ],
      region: ['us-east-2a', 'Use its region: us-east-2.'],
      namespace: ['Milvus', 'is "Milvus", which is not a Kubernetes name'],
      release: ['milvus_demo', 'is "milvus_demo", which is not a Kubernetes name'],
      'service-port': ['19530/tcp', 'is "19530/tcp", which is not a port'],
      host: ['https://milvus.example.com', 'which contains a scheme'],
      'certificate-arn': [
        'arn:aws:iam::111122223333:server-certificate/x',
        'which is not the ARN of an ACM certificate',
      ],
      'replace-certificate': ['yes', 'Use true or false'],
      'expiry-warning': ['a month', 'which is not a number of days'],
      'chart-repository': ['milvus', 'is not an http or https URL'],
      'chart-version': ['^5.0', 'which is not an exact version'],
      values: ['- a list', 'is a YAML list'],
      'ingress-name': ['Front Door', 'is "Front Door", which is not a Kubernetes name'],
      scheme: ['public', 'Use internet-facing or internal.'],
      'listen-port': ['70000', 'is "70000", which is not a port'],
      'inbound-cidrs': ['10.0.0.0/8; 10.0.0.1', 'contains "10.0.0.1", which has no prefix length'],
      subnets: ['[subnet-1', 'is not valid YAML'],
      'ssl-policy': ['TLSv1.3', 'which is not the name of an ELB security policy'],
      'idle-timeout': ['10', 'is "10", which is not a duration'],
      'load-balancer-name': ['internal-milvus', 'which is not a load balancer name'],
      'group-name': ['Shared', 'which is not an IngressGroup name'],
      tags: ['aws:team=search', 'the prefix aws: is reserved'],
      annotations: ['alb.ingress.kubernetes.io/scheme: internal', 'which is set by input scheme'],
      'force-conflicts': ['1', 'which is neither true nor false'],
      'release-timeout': ['-1m', 'is "-1m", which is not a duration'],
      'load-balancer-timeout': ['1w', 'is "1w", which is not a duration'],
      'probe-timeout': ['PT10M', 'is "PT10M", which is not a duration'],
      probe: ['Off', 'Use required or off.'],
      'probe-ca': ['***', 'is ***, which GitHub shows in place of a secret'],
      'probe-address': ['10.0.3.7', 'which is not host:port'],
      'require-authorization': ['$REQUIRE', 'is a shell variable'],
      summary: ['on', 'which is neither true nor false'],
      certificate: ['/home/runner/fullchain.pem', 'is the path of a file'],
      'private-key': [
        '${{ secrets.TLS_PRIVATE_KEY }}',
        'is an expression (${{ ... }}) that was not evaluated',
      ],
    }
    const text = await expectFailureWithoutWrites(
      scenario,
      Object.fromEntries(Object.entries(invalidInputs).map(([name, [value]]) => [name, value])),
      'input-invalid',
    )
    for (const [name, [, expectedText]] of Object.entries(invalidInputs)) {
      expect(text).toContain(`Input ${name} `)
      expect(text).toContain(expectedText)
    }
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'hosts and durations in the forms that people write',
  async (scenario) => {
    for (const [host, expectedText] of [
      ['milvus.example.com:443', 'contains a port'],
      ['milvus_demo.example.com', 'contains an underscore'],
      ['münchen.example', 'xn--mnchen-3ya.example'],
      ['*.example.com', 'is a wildcard'],
      ['a.example.com, b.example.com', 'contains more than one name'],
    ] as const) {
      expect(await expectFailureWithoutWrites(scenario, { host }, 'input-invalid')).toContain(
        expectedText,
      )
    }
    const text = await expectFailureWithoutWrites(
      scenario,
      { 'release-timeout': '10 m', 'load-balancer-timeout': '1.5h', 'probe-timeout': '600' },
      'input-invalid',
    )
    expect(text.match(/is not a duration/g)).toHaveLength(3)
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'an empty secret, or one that is only a newline, is reported as missing',
  async (scenario) => {
    for (const blankValue of ['', ' \n']) {
      const text = await expectFailureWithoutWrites(
        scenario,
        { certificate: blankValue, 'private-key': blankValue },
        'input-missing',
      )
      expect(text).toContain('Input certificate is empty.')
      expect(text).toContain('A secret that does not exist in this environment reads as empty')
      expect(
        await expectFailureWithoutWrites(scenario, { 'private-key': blankValue }, 'input-missing'),
      ).toContain(
        'A secret that does not exist in this environment, or under another name, reads as empty',
      )
    }
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'a private key that is something else is reported as what it is',
  async (scenario) => {
    const { certificate, privateKey } = scenario.environment.certificate
    const der = Buffer.from(privateKey.replace(/-----[^-]+-----|\n/g, ''), 'base64')
    const invalidKeys: readonly (readonly [code: string, text: string, said: string])[] = [
      ['input-invalid', JSON.stringify({ private_key: privateKey }), 'is JSON'],
      ['input-invalid', '@key.pem', 'is the path of a file'],
      [
        'input-invalid',
        Buffer.from(Buffer.from(privateKey).toString('base64')).toString('base64'),
        'it was encoded twice',
      ],
      ['input-invalid', der.toString('base64'), 'is base64 of a private key in DER'],
      [
        'input-invalid',
        Buffer.from('3082098a0201033082094406', 'hex').toString('base64'),
        'is base64 of PKCS#12',
      ],
      [
        'private-key-unreadable',
        encryptPrivateKey(privateKey, 'pass phrase'),
        'Input private-key is encrypted',
      ],
      ['private-key-unreadable', certificate, 'contains a certificate but no private key'],
      ['private-key-unreadable', privateKey + privateKey, 'contains 2 private keys'],
    ]
    for (const [code, text, expectedText] of invalidKeys)
      expect(await expectFailureWithoutWrites(scenario, { 'private-key': text }, code)).toContain(
        expectedText,
      )
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'certificate and key as secrets store them: base64 with and without newlines, CRLF, literal \\n, quotes, lost newlines',
  async ({ environment, run }) => {
    const { fullchain, privateKey } = environment.certificate
    expectSuccess(await run())
    const toBase64 = (text: string): string => Buffer.from(text).toString('base64')
    const encoders: readonly ((pem: string) => string)[] = [
      toBase64,
      (pem) => toBase64(pem).replace(/.{76}/g, '$&\n'),
      (pem) => pem.replaceAll('\n', '\r\n'),
      (pem) => pem.replaceAll('\n', '\\n'),
      (pem) => JSON.stringify(pem),
      (pem) => `\uFEFF${pem}`,
      (pem) => pem.replaceAll('\n', ' '),
      (pem) => Buffer.from(pem).toString('base64url'),
    ]
    for (const encode of encoders)
      expectUnchanged(
        await run({ certificate: encode(fullchain), 'private-key': encode(privateKey) }),
      )
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'lists in every form that people write are the same list',
  async ({ environment, run }) => {
    expectSuccess(await run({ 'inbound-cidrs': '10.0.0.0/8,127.0.0.0/8' }))
    for (const encode of [
      '10.0.0.0/8, 127.0.0.0/8',
      '10.0.0.0/8\n127.0.0.0/8\n',
      '10.0.0.0/8 127.0.0.0/8',
      '["10.0.0.0/8", "127.0.0.0/8"]',
      '- 10.0.0.0/8\n- 127.0.0.0/8',
      '10.0.0.0/8;127.0.0.0/8',
      '"10.0.0.0/8", "127.0.0.0/8"',
      '10.0.0.0/8,\r\n127.0.0.0/8,\r\n',
    ]) {
      expectUnchanged(
        await run({ 'inbound-cidrs': encode, host: `${environment.host.toUpperCase()}.` }),
      )
    }
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'a certificate that ACM would reject is reported before anything is written',
  async (scenario) => {
    const { certificateAuthority: authority, host } = scenario.environment
    const largeCertificate = await authority.issue({
      hosts: [
        host,
        ...Array.from({ length: 1200 }, (_, number) => `number-${number}.a.long.name.example.com`),
      ],
    })
    const longOcspCertificate = await authority.issue({
      hosts: [host],
      ocspUrl: `http://ocsp.example.com/${'x'.repeat(1000)}`,
    })
    const namelessCertificate = await issueSelfSigned({ hosts: [host], commonName: null })
    for (const [{ fullchain, privateKey }, expectedText] of [
      [largeCertificate, 'the limit is 32768'],
      [longOcspCertificate, 'OCSP URL has 1024 characters'],
      [namelessCertificate, 'it has no issuer name'],
    ] as const) {
      expect(
        await expectFailureWithoutWrites(
          scenario,
          { certificate: fullchain, 'private-key': privateKey },
          'certificate-refused',
        ),
      ).toContain(expectedText)
    }
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'valid inputs that are probably mistakes are warnings',
  async ({ environment, run }) => {
    const prefix = 'alb.ingress.kubernetes.io'
    const result = await run({
      'inbound-cidrs': '0.0.0.0/0, ::/0',
      annotations: `${prefix}/ssl-redirect: "444"\n${prefix}/mutual-authentication: '[{"port": ${environment.listenPort}, "mode": "verify", "trustStore": "clients"}]'`,
      namespace: 'nowhere',
    })
    for (const text of [
      'inbound-cidrs contains IPv6 blocks (::/0)',
      `ssl-redirect in annotations is 444, but listen-port is ${environment.listenPort}`,
      'requires client certificates, and the probe has none',
    ])
      expect(result.log).toMatch(new RegExp(`^::warning.*${text.replace(/[().:]/g, '\\$&')}`, 'm'))
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'a kubeconfig with a missing exec program, an old API version, or a path that only a shell expands',
  async (scenario) => {
    const { writeFile } = await import('node:fs/promises')
    const { environment } = scenario
    const path = `${environment.directory}/exec.kubeconfig`
    const kubeconfig = (apiVersion: string): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [
          {
            name: 'u',
            user: {
              exec: {
                apiVersion,
                command: 'aws-of-nobody',
                args: ['eks', 'get-token'],
                interactiveMode: 'Never',
              },
            },
          },
        ],
      })
    await writeFile(path, kubeconfig('client.authentication.k8s.io/v1beta1'))
    const missingProgramError = await expectFailureWithoutWrites(
      scenario,
      { cluster: '', kubeconfig: path },
      'kubeconfig-invalid',
    )
    for (const part of [
      'spawn aws-of-nobody ENOENT',
      'Check that "aws-of-nobody", the program that it runs, is on this runner',
      'set input cluster instead',
    ])
      expect(missingProgramError).toContain(part)
    await writeFile(path, kubeconfig('client.authentication.k8s.io/v1alpha1'))
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { cluster: '', kubeconfig: path },
        'kubeconfig-invalid',
      ),
    ).toContain('with client.authentication.k8s.io/v1alpha1, which Kubernetes no longer supports')
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { cluster: '', kubeconfig: '~/.kube/config' },
        'input-invalid',
      ),
    ).toContain('Use the absolute path')
  },
)

simulatorScenario(
  'inputs are read before any part is asked',
  'a RUNNER_TEMP that is not writable',
  async (scenario) => {
    expect(
      await expectFailureWithoutWrites(scenario, {}, 'runner-disk-failed', {
        RUNNER_TEMP: '/proc/self',
      }),
    ).toMatch(
      /A file or directory of the runner does not exist \(ENOENT.*\/proc\/self\/milvus-alb-action-.*RUNNER_TEMP/s,
    )
  },
  { start: 'installed' },
)
