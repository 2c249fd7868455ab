/** What is wrong with inputs, and that no error contains a secret. */
import { describe, expect, test } from '@jest/globals'
import {
  captureInputError,
  formatProblems,
  minimalInputs,
  minimalInputsFor,
  regionEnv,
  type Inputs,
} from './read-inputs.ts'

test('rejects a certificate of another region as an input conflict', () => {
  expect(
    formatProblems(captureInputError({ ...minimalInputsFor('eu-west-1') }, regionEnv)),
  ).toEqual([
    'inputs-conflict: Input certificate-arn is in region eu-west-1, but input region (or AWS_REGION) is us-east-2.',
  ])
})

describe('invalid inputs', () => {
  test.each<{ name: string; inputs: Inputs; env: Record<string, string>; expected: string[] }>([
    {
      name: 'no inputs',
      inputs: { cluster: '', host: '', 'certificate-arn': '' },
      env: {},
      expected: [
        'input-missing: Input cluster is empty.',
        'input-missing: Input region is empty.',
        'input-missing: Input host is empty.',
        'input-missing: Input certificate is empty.',
      ],
    },
    {
      name: 'a key without a certificate',
      inputs: { 'certificate-arn': '', 'private-key': '-----BEGIN PRIVATE KEY-----' },
      env: regionEnv,
      expected: ['input-missing: Input certificate is empty.'],
    },
    {
      name: 'a certificate without a key',
      inputs: { 'certificate-arn': '', certificate: '-----BEGIN CERTIFICATE-----' },
      env: regionEnv,
      expected: ['input-missing: Input private-key is empty.'],
    },
    {
      name: 'a chart user name without a password',
      inputs: { 'chart-username': 'AWS' },
      env: regionEnv,
      expected: ['input-missing: Input chart-password is empty.'],
    },
    {
      name: 'the RESTful API of a Milvus with TLS',
      inputs: { rest: 'true', annotations: 'alb.ingress.kubernetes.io/backend-protocol: HTTPS' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input rest is true, but annotations sets alb.ingress.kubernetes.io/backend-protocol: HTTPS.',
      ],
    },
    {
      name: 'a chain without a certificate',
      inputs: { 'certificate-arn': '', 'certificate-chain': '-----BEGIN CERTIFICATE-----' },
      env: regionEnv,
      expected: [
        'input-missing: Input certificate is empty.',
        'input-missing: Input private-key is empty.',
      ],
    },
    {
      name: 'both cluster and kubeconfig',
      inputs: { kubeconfig: '/c' },
      env: regionEnv,
      expected: ['inputs-conflict: Inputs cluster and kubeconfig are both set.'],
    },
    {
      name: 'both cluster and context',
      inputs: { context: 'x' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input context is set together with cluster, which has no contexts.',
      ],
    },
    {
      name: 'both release and service',
      inputs: { release: 'a', service: 'b' },
      env: regionEnv,
      expected: ['inputs-conflict: Inputs release and service are both set.'],
    },
    {
      name: 'cutover: last without a probe',
      inputs: { cutover: 'last', probe: 'off' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input cutover is last, but probe is off: nothing would test the ALB before the old load balancer is deleted.',
      ],
    },
    {
      name: 'cutover: never with values and a chart version',
      inputs: { cutover: 'never', values: 'a: b', 'chart-version': '5.0.19' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input cutover is never, which leaves the release unchanged, but values and chart-version would change it.',
      ],
    },
    {
      name: 'HELM_DRIVER=sql',
      inputs: {},
      env: { ...regionEnv, HELM_DRIVER: 'sql' },
      expected: [
        'inputs-conflict: HELM_DRIVER is sql, but the action reads releases only from Secrets and ConfigMaps.',
      ],
    },
    {
      name: 'an unknown mode',
      inputs: { mode: 'verify' },
      env: regionEnv,
      expected: ['input-invalid: Input mode is "verify", which is not a valid value.'],
    },
    {
      name: 'an invalid region in the environment',
      inputs: {},
      env: { AWS_REGION: 'Ohio' },
      expected: [
        'input-invalid: Input region is empty, and its default AWS_REGION is "Ohio", which is not an AWS region.',
      ],
    },
    {
      name: 'a chart repository that is an alias',
      inputs: { 'chart-repository': 'milvus' },
      env: regionEnv,
      expected: ['input-invalid: Input chart-repository is not an http or https URL.'],
    },
    {
      name: 'a chart repository that is a registry',
      inputs: { 'chart-repository': 'oci://registry.example.com/charts' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart-repository is an OCI registry, not the URL of a chart repository.',
      ],
    },
    {
      name: 'a chart repository that is an archive',
      inputs: { 'chart-repository': 'https://charts.example.com/milvus-5.0.19.tgz' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart-repository is the URL of a packaged chart, not of a chart repository.',
      ],
    },
    {
      name: 'a chart repository URL with index.yaml',
      inputs: { 'chart-repository': 'https://charts.example.com/index.yaml' },
      env: regionEnv,
      expected: ['input-invalid: Input chart-repository ends in index.yaml, which Helm appends.'],
    },
    {
      name: 'a chart that is a repository',
      inputs: { chart: 'https://zilliztech.github.io/milvus-helm/' },
      env: regionEnv,
      expected: ['input-invalid: Input chart is a URL, but not of a packaged chart (.tgz).'],
    },
    {
      name: 'a chart that is only a registry',
      inputs: { chart: 'oci://registry.example.com' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart is oci://registry.example.com, which does not name a chart in the registry.',
      ],
    },
    {
      name: 'a chart with an incomplete digest',
      inputs: { chart: 'oci://registry.example.com/milvus@sha256:abc' },
      env: regionEnv,
      expected: [
        'input-invalid: Input chart contains the digest sha256:abc, which is not sha256: with 64 hexadecimal digits.',
      ],
    },
    {
      name: 'a file URL as chart repository',
      inputs: { 'chart-repository': 'file:///charts' },
      env: regionEnv,
      expected: ['input-invalid: Input chart-repository is not an http or https URL.'],
    },
    {
      name: 'an idle timeout outside the limits of ELB',
      inputs: { 'idle-timeout': '2h' },
      env: regionEnv,
      expected: ['input-invalid: Input idle-timeout is "2h", which is out of range.'],
    },
    {
      name: 'restore-service-type for a Service without a release',
      inputs: { mode: 'destroy', service: 'milvus-svc', 'restore-service-type': 'LoadBalancer' },
      env: regionEnv,
      expected: [
        'inputs-conflict: Inputs restore-service-type and service are both set, but the action does not change a Service without a Helm release.',
      ],
    },
    {
      name: 'an unsupported restore-service-type',
      inputs: { mode: 'destroy', 'restore-service-type': 'ClusterIP' },
      env: regionEnv,
      expected: [
        'input-invalid: Input restore-service-type is "ClusterIP", which is not a valid value.',
      ],
    },
    {
      name: 'a load balancer class for a NodePort',
      inputs: {
        mode: 'destroy',
        'restore-service-type': 'NodePort',
        'restore-load-balancer-class': 'none',
      },
      env: regionEnv,
      expected: [
        'inputs-conflict: Input restore-load-balancer-class is set, but restore-service-type is not LoadBalancer.',
      ],
    },
    {
      name: 'a load balancer class that Kubernetes rejects',
      inputs: {
        mode: 'destroy',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/',
      },
      env: regionEnv,
      expected: [
        'input-invalid: Input restore-load-balancer-class is "service.k8s.aws/", which is not a load balancer class.',
      ],
    },
    {
      name: 'an account ID without its leading zero',
      inputs: { 'allowed-account-ids': '12345678901' },
      env: regionEnv,
      expected: [
        'input-invalid: Input allowed-account-ids contains "12345678901", which is not an AWS account ID: those have 12 digits.',
      ],
    },
    {
      name: 'an account alias',
      inputs: { 'allowed-account-ids': '111122223333, my-company' },
      env: regionEnv,
      expected: [
        'input-invalid: Input allowed-account-ids contains "my-company", which is not an AWS account ID: those have 12 digits.',
      ],
    },
    {
      name: 'probe-dns without a probe',
      inputs: { probe: 'off', 'probe-dns': 'true' },
      env: regionEnv,
      expected: ['inputs-conflict: Input probe-dns is true, but probe is off.'],
    },
    {
      name: 'a timeout of zero',
      inputs: { 'probe-timeout': '0s' },
      env: regionEnv,
      expected: ['input-invalid: Input probe-timeout is "0s", which is out of range.'],
    },
  ])('$name', ({ inputs, env, expected }) => {
    expect(formatProblems(captureInputError({ ...minimalInputs, ...inputs }, env))).toEqual(
      expected,
    )
  })

  test('reports all problems at once, ranked, each with a remedy', () => {
    const error = captureInputError(
      {
        cluster: 'c',
        kubeconfig: '/k',
        host: 'milvus',
        'listen-port': '0',
        scheme: 'public',
        namespace: 'A',
        'certificate-arn': '',
        region: 'x',
        tags: '- a',
        'force-conflicts': 'yes',
      },
      {},
    )
    expect(error.code).toBe('input-missing')
    expect(error.allErrors.map(({ code }) => code)).toEqual([
      'input-missing',
      ...Array.from({ length: 7 }, () => 'input-invalid'),
      'inputs-conflict',
    ])
    for (const name of [
      'region',
      'namespace',
      'host',
      'listen-port',
      'scheme',
      'tags',
      'force-conflicts',
    ])
      expect(formatProblems(error).join('\n')).toContain(`Input ${name} `)
    expect(error.allErrors.map(({ remedy }) => remedy)).toEqual(
      error.allErrors.map(() => expect.stringMatching(/\.$/) as unknown),
    )
  })
})
