/** Inputs as people write them: invalid ones, all named at once, and unusual valid ones. */
import { writeFile } from 'node:fs/promises'
import { expect } from '@jest/globals'
import {
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectWarnings,
  expectUnchanged,
} from './expectations.ts'
import { setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

/** A value that an input rejects, and what the message says about it. */
interface InvalidInput {
  readonly value: string
  readonly expectedText: string
}

simulatorScenario(
  'many invalid inputs at once, each named with what to set',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const invalidInputs: Readonly<Record<string, InvalidInput>> = {
      mode: { value: 'apply', expectedText: 'Use deploy, check or destroy.' },
      cluster: {
        value: 'arn:aws:eks:us-east-2:111122223333:cluster/production',
        expectedText: 'Use the name of the cluster: production.',
      },
      region: { value: 'us-east-2a', expectedText: 'Use its region: us-east-2.' },
      namespace: { value: 'Milvus', expectedText: 'is "Milvus", which is not a Kubernetes name' },
      release: {
        value: 'milvus_demo',
        expectedText: 'is "milvus_demo", which is not a Kubernetes name',
      },
      'service-port': { value: '19530/tcp', expectedText: 'is "19530/tcp", which is not a port' },
      host: { value: 'https://milvus.example.com', expectedText: 'which contains a scheme' },
      'certificate-arn': {
        value: 'arn:aws:iam::111122223333:server-certificate/x',
        expectedText: 'which is not the ARN of an ACM certificate',
      },
      'replace-certificate': { value: 'yes', expectedText: 'Use true or false' },
      'expiry-warning': { value: 'a month', expectedText: 'which is not a number of days' },
      'chart-repository': { value: 'milvus', expectedText: 'is not an http or https URL' },
      'chart-version': { value: '^5.0', expectedText: 'which is not an exact version' },
      values: { value: '- a list', expectedText: 'is a YAML list' },
      'ingress-name': {
        value: 'Front Door',
        expectedText: 'is "Front Door", which is not an Ingress name',
      },
      scheme: { value: 'public', expectedText: 'Use internet-facing or internal.' },
      'listen-port': { value: '70000', expectedText: 'is "70000", which is not a port' },
      'inbound-cidrs': {
        value: '10.0.0.0/8; 10.0.0.1',
        expectedText: 'contains "10.0.0.1", which has no prefix length',
      },
      subnets: { value: '[subnet-1', expectedText: 'is not valid YAML' },
      'ssl-policy': {
        value: 'TLSv1.3',
        expectedText: 'which is not the name of an ELB security policy',
      },
      'idle-timeout': { value: '10', expectedText: 'is "10", which is not a duration' },
      'load-balancer-name': {
        value: 'internal-milvus',
        expectedText: 'which is not a load balancer name',
      },
      'group-name': { value: 'Shared', expectedText: 'which is not an IngressGroup name' },
      tags: { value: 'aws:team=search', expectedText: 'the prefix aws: is reserved' },
      annotations: {
        value: 'alb.ingress.kubernetes.io/scheme: internal',
        expectedText: 'which is set by input scheme',
      },
      'force-conflicts': { value: '1', expectedText: 'which is neither true nor false' },
      'release-timeout': { value: '-1m', expectedText: 'is "-1m", which is not a duration' },
      'load-balancer-timeout': { value: '1w', expectedText: 'is "1w", which is not a duration' },
      'probe-timeout': { value: 'PT10M', expectedText: 'is "PT10M", which is not a duration' },
      probe: { value: 'Off', expectedText: 'Use required, deep, lenient or off.' },
      'probe-ca': { value: '***', expectedText: 'is ***, which GitHub shows in place of a secret' },
      'probe-address': { value: '10.0.3.7', expectedText: 'which is not host:port' },
      'require-authorization': { value: '$REQUIRE', expectedText: 'is a shell variable' },
      summary: { value: 'on', expectedText: 'which is neither true nor false' },
      certificate: { value: '/home/runner/fullchain.pem', expectedText: 'is the path of a file' },
      'private-key': {
        value: '${{ secrets.TLS_PRIVATE_KEY }}',
        expectedText: 'is an expression (${{ ... }}) that was not evaluated',
      },
    }
    const text = await expectFailureWithoutWrites(
      scenario,
      Object.fromEntries(Object.entries(invalidInputs).map(([name, { value }]) => [name, value])),
      'input-invalid',
    )
    for (const [name, { expectedText }] of Object.entries(invalidInputs)) {
      expect(text).toContain(`Input ${name} `)
      expect(text).toContain(expectedText)
    }
  },
)

simulatorScenario(
  'invalid inputs are named',
  'the action checks certificates before it calls any service',
  async (scenario) => {
    const text = await expectFailureWithoutWrites(
      scenario,
      {
        host: 'https://milvus.example.com',
        'listen-port': '443a',
        'idle-timeout': '10',
        'inbound-cidrs': '10.0.0.0/33',
        'private-key': '',
      },
      'input-missing',
    )
    expectToContainAll(text, [
      'Input host',
      'Input listen-port',
      'Input idle-timeout',
      'Input inbound-cidrs',
      'Input private-key is empty',
    ])
  },
)

simulatorScenario(
  'hosts and durations in the forms that people write',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    for (const { host, expectedText } of [
      { host: 'milvus.example.com:443', expectedText: 'contains a port' },
      { host: 'milvus_demo.example.com', expectedText: 'contains an underscore' },
      { host: 'münchen.example', expectedText: 'xn--mnchen-3ya.example' },
      { host: '*.example.com', expectedText: 'is a wildcard' },
      { host: 'a.example.com, b.example.com', expectedText: 'contains more than one name' },
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
  'certificate and key as secrets store them: base64 with and without newlines, CRLF, literal \\n, quotes, lost newlines',
  'the action checks inputs before it calls any service',
  async ({ environment, run }) => {
    const { fullchain, privateKey } = environment.certificate
    expectSuccess(await run())
    const toBase64 = (text: string): string => Buffer.from(text).toString('base64')
    const encoders: Readonly<Record<string, (pem: string) => string>> = {
      base64: toBase64,
      'base64 in lines': (pem) => toBase64(pem).replace(/.{76}/g, '$&\n'),
      'base64 for URLs': (pem) => Buffer.from(pem).toString('base64url'),
      CRLF: (pem) => pem.replaceAll('\n', '\r\n'),
      'literal \\n': (pem) => pem.replaceAll('\n', '\\n'),
      quotes: (pem) => JSON.stringify(pem),
      'byte order mark': (pem) => `\uFEFF${pem}`,
      'lost newlines': (pem) => pem.replaceAll('\n', ' '),
    }
    for (const encode of Object.values(encoders))
      expectUnchanged(
        await run({ certificate: encode(fullchain), 'private-key': encode(privateKey) }),
      )
  },
)

simulatorScenario(
  'lists in every form that people write are the same list',
  'the action checks inputs before it calls any service',
  async ({ environment, run }) => {
    expectSuccess(await run({ 'inbound-cidrs': '10.0.0.0/8,127.0.0.0/8' }))
    for (const list of [
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
        await run({ 'inbound-cidrs': list, host: `${environment.host.toUpperCase()}.` }),
      )
    }
  },
)

simulatorScenario(
  'valid inputs that are probably mistakes are warnings',
  'the action checks inputs before it calls any service',
  async ({ environment, run }) => {
    const prefix = 'alb.ingress.kubernetes.io'
    const result = await run({
      'inbound-cidrs': '0.0.0.0/0, ::/0',
      annotations: `${prefix}/ssl-redirect: "444"`,
      namespace: 'nowhere',
    })
    expectWarnings(result, [
      'inbound-cidrs contains IPv6 blocks (::/0)',
      `ssl-redirect in annotations is 444, but listen-port is ${environment.listenPort}`,
    ])
  },
)

simulatorScenario(
  'a kubeconfig with a missing exec program, an old API version, or a path that only a shell expands',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const { environment } = scenario
    const path = `${environment.directory}/exec.kubeconfig`
    const kubeconfig = (apiVersion: string, server = 'https://127.0.0.1:1'): string =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server } }],
        users: [
          {
            name: 'u',
            user: {
              exec: {
                apiVersion,
                command: 'missing-program',
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
    expectToContainAll(missingProgramError, [
      'spawn missing-program ENOENT',
      'Check that "missing-program", the program that it runs, is on this runner',
      'set input cluster instead',
    ])
    await writeFile(path, kubeconfig('client.authentication.k8s.io/v1alpha1'))
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { cluster: '', kubeconfig: path },
        'kubeconfig-invalid',
      ),
    ).toContain('with client.authentication.k8s.io/v1alpha1, which Kubernetes no longer supports')
    await writeFile(
      path,
      kubeconfig('client.authentication.k8s.io/v1', 'https://A1B2.gr7.us-west-2.eks.amazonaws.com'),
    )
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { cluster: '', kubeconfig: path },
        'inputs-conflict',
      ),
    ).toContain(`a cluster in region us-west-2, but input region`)
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
  'a RUNNER_TEMP that is not writable',
  'the action checks inputs before it calls any service',
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
