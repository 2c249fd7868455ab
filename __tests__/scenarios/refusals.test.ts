/** Failures before anything changes: each has its code, and nothing is written. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { weakFixtures } from '../x509/weak-fixtures.ts'
import { createObjects, getObject } from './manual-operations.ts'
import {
  getErrorAnnotation,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  simulatorScenario,
  scenario,
  setDefaultStart,
} from './harness.ts'

setDefaultStart('cluster-ip')

const dayMs = 86_400_000

simulatorScenario(
  'the certificate and the inputs are judged before any part is asked',
  'the key of another certificate',
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
  'the certificate and the inputs are judged before any part is asked',
  'an expired certificate',
  async (scenario) => {
    const expired = await scenario.environment.certificateAuthority.issue({
      hosts: [scenario.environment.host],
      notBefore: new Date(Date.now() - 3 * dayMs),
      notAfter: new Date(Date.now() - dayMs),
    })
    await expectFailureWithoutWrites(
      scenario,
      { certificate: expired.fullchain, 'private-key': expired.privateKey },
      'certificate-expired',
    )
  },
)

simulatorScenario(
  'the certificate and the inputs are judged before any part is asked',
  'a certificate for another host',
  async (scenario) => {
    const other = await scenario.environment.certificateAuthority.issue({
      hosts: ['other.example.com'],
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      { certificate: other.fullchain, 'private-key': other.privateKey },
      'certificate-host-mismatch',
    )
    expect(text).toContain('other.example.com')
  },
)

simulatorScenario(
  'the certificate and the inputs are judged before any part is asked',
  'a certificate that is not valid yet',
  async (scenario) => {
    const futureCertificate = await scenario.environment.certificateAuthority.issue({
      hosts: [scenario.environment.host],
      notBefore: new Date(Date.now() + dayMs),
    })
    await expectFailureWithoutWrites(
      scenario,
      { certificate: futureCertificate.fullchain, 'private-key': futureCertificate.privateKey },
      'certificate-not-yet-valid',
    )
  },
)

simulatorScenario(
  'the certificate and the inputs are judged before any part is asked',
  'a certificate request instead of a certificate, a key that ACM cannot import, a signature that clients reject',
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
    for (const [weakPem, code] of [
      [weakFixtures.ed25519, 'certificate-key-unsupported'],
      [weakFixtures.sha1, 'certificate-signature-weak'],
    ] as const) {
      await expectFailureWithoutWrites(
        scenario,
        { certificate: weakPem.certificate, 'private-key': weakPem.privateKey },
        code,
      )
    }
  },
)

scenario('a certificate ARN that does not exist', async ({ environment, run, writes }) => {
  const { account, region } = environment
  const arn = `arn:aws:acm:${region}:${account}:certificate/00000000-0000-4000-8000-000000000000`
  const inputs = { certificate: '', 'private-key': '', 'certificate-arn': arn }
  const result = expectFailure(await run(inputs), 'certificate', 'certificate-not-found')
  expect(writes()).toEqual([])
  expect(getErrorAnnotation(result)).toContain(arn)
})

scenario(
  'all problems are reported at once, with the highest-ranked one as the failure code',
  async (scenario) => {
    const expired = await scenario.environment.certificateAuthority.issue({
      hosts: ['other.example.com'],
      notBefore: new Date(Date.now() - 3 * dayMs),
      notAfter: new Date(Date.now() - dayMs),
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      { certificate: expired.fullchain, release: 'nobody', 'ingress-class': 'nginx' },
      'private-key-mismatch',
    )
    for (const part of [
      'private-key does not match',
      'expired on',
      'does not cover',
      'Helm release nobody does not exist',
      'IngressClass nginx does not exist',
    ])
      expect(text).toContain(part)
  },
)

simulatorScenario(
  'the certificate and the inputs are judged before any part is asked',
  'invalid inputs are named',
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
    for (const part of [
      'Input host',
      'Input listen-port',
      'Input idle-timeout',
      'Input inbound-cidrs',
      'Input private-key is empty',
    ])
      expect(text).toContain(part)
  },
)

scenario('the Service of the release does not exist', async (scenario) => {
  await scenario.environment.kubectl('delete', 'service', 'milvus-demo')
  await expectFailureWithoutWrites(scenario, {}, 'service-not-found')
})

scenario("two Services with the labels of Milvus' API", async (scenario) => {
  const original = await getObject(scenario.environment, 'service', 'milvus-demo')
  await createObjects(scenario.environment, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'copy', labels: original?.metadata.labels ?? {} },
    spec: { ports: [{ name: 'milvus', port: 19530 }] },
  })
  expect(await expectFailureWithoutWrites(scenario, {}, 'service-ambiguous')).toContain('copy')
})

scenario('a Service that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { service: 'nobody' }, 'service-not-found')
})

scenario('a port that the Service does not have', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { 'service-port': '19531' }, 'service-port-not-found')
})

scenario('an IngressClass that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(
    scenario,
    { 'ingress-class': 'nobody' },
    'ingress-class-not-found',
  )
})

scenario('an IngressClass of another controller', async (scenario) => {
  await createObjects(scenario.environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'nginx' },
    spec: { controller: 'k8s.io/ingress-nginx' },
  })
  await expectFailureWithoutWrites(
    scenario,
    { 'ingress-class': 'nginx' },
    'ingress-class-unsupported',
  )
})

scenario('two Milvus releases and no input release', async (scenario) => {
  await scenario.environment.installMilvus({ release: 'milvus-two' })
  await expectFailureWithoutWrites(scenario, {}, 'release-ambiguous')
})

scenario('an existing Ingress that belongs to a Helm release', async (scenario) => {
  await createObjects(scenario.environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'milvus-demo',
      namespace: 'milvus',
      annotations: { 'meta.helm.sh/release-name': 'milvus-demo' },
    },
    spec: { ingressClassName: 'nginx', rules: [{ host: scenario.environment.host }] },
  })
  await expectFailureWithoutWrites(scenario, {}, 'ingress-not-ours')
})

scenario('an existing Ingress for another application', async (scenario) => {
  await createObjects(scenario.environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus' },
    spec: { ingressClassName: 'nginx', rules: [{ host: 'shop.example.com' }] },
  })
  const text = await expectFailureWithoutWrites(scenario, {}, 'ingress-not-ours')
  expect(text).toContain('class nginx, shop.example.com')
})

scenario('an Ingress that is being deleted', async (scenario) => {
  await createObjects(scenario.environment, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus', finalizers: ['example.com/slow'] },
    spec: { ingressClassName: 'alb', rules: [{ host: scenario.environment.host }] },
  })
  await scenario.environment.kubectl('delete', 'ingress', 'milvus-demo', '--wait=false')
  await expectFailureWithoutWrites(scenario, {}, 'ingress-terminating')
})

scenario(
  'a failed upgrade by someone else is not reverted: ignored if the Service is right, rejected if not',
  async (scenario) => {
    const { environment, run, writes } = scenario
    const release = environment.pausePodReadiness()
    await environment
      .helm(
        'upgrade',
        'milvus-demo',
        'milvus',
        '--repo',
        environment.chartRepository.url,
        '--version',
        '5.0.19',
        '--reuse-values',
        '--set',
        'service.type=ClusterIP',
        '--wait',
        '--timeout',
        '1s',
      )
      .catch(() => '')
    release()
    const unchangedRun = await run()
    expectSuccess(unchangedRun)
    expect(unchangedRun.summary).toContain('is failed, and is not changed')
    expect(writes().filter((write) => write.includes('secrets'))).toEqual([])
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: 'standalone: {replicas: 2}' },
      'release-failed',
    )
    expect(text).toContain('would undo chart 5.0.19')
  },
)

simulatorScenario(
  'the certificate and the inputs are judged before any part is asked',
  'a certificate without its intermediates',
  async (scenario) => {
    await expectFailureWithoutWrites(
      scenario,
      { certificate: scenario.environment.certificate.certificate },
      'certificate-chain-invalid',
    )
  },
)

scenario('a namespace that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { namespace: 'nowhere' }, 'namespace-not-found')
})

scenario('a cluster that does not exist', async (scenario) => {
  await expectFailureWithoutWrites(scenario, { cluster: 'nowhere' }, 'cluster-not-found')
})

scenario('a cluster that is unreachable', async (scenario) => {
  // Nothing listens on port 1 of loopback.
  scenario.environment.setClusterEndpoint('https://127.0.0.1:1')
  const text = await expectFailureWithoutWrites(scenario, {}, 'cluster-unreachable')
  expect(text).toContain('ECONNREFUSED')
})

scenario('a cluster without an access entry for the role', async (scenario) => {
  scenario.environment.eks.accessEntries = new Map()
  await expectFailureWithoutWrites(scenario, {}, 'cluster-unauthorized')
})

simulatorScenario("moto's sessions do not expire", 'expired AWS credentials', async (scenario) => {
  for (const awsCredential of scenario.environment.aws.credentials)
    awsCredential.expiresAt = new Date(Date.now() - 1000)
  await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-expired')
})

scenario('no AWS credentials', async (scenario) => {
  await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-missing', {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_EC2_METADATA_DISABLED: 'true',
  })
})

scenario(
  'a release of another chart than input chart, and an unreadable release',
  async (scenario) => {
    expect(
      await expectFailureWithoutWrites(scenario, { chart: 'platform' }, 'release-chart-differs'),
    ).toContain('uses chart milvus, not platform')
    await scenario.environment.kubectl(
      'patch',
      'secret',
      'sh.helm.release.v1.milvus-demo.v1',
      '-p',
      JSON.stringify({ data: { release: Buffer.from('cut off').toString('base64') } }),
    )
    await expectFailureWithoutWrites(scenario, {}, 'release-unreadable')
  },
  { start: 'installed' },
)

scenario('access keys that AWS does not recognize', async (scenario) => {
  scenario.environment.requestLog.injectFault({
    service: 'eks',
    operation: 'DescribeCluster',
    error: {
      status: 403,
      code: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    },
  })
  await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-refused')
})

scenario('a Kubernetes API that fails', async (scenario) => {
  scenario.environment.requestLog.injectFault({
    service: 'kubernetes',
    operation: /^GET .*\/services$/,
    error: { status: 500, code: 'InternalError', message: 'etcdserver: no leader' },
  })
  expect(await expectFailureWithoutWrites(scenario, {}, 'cluster-request-failed')).toContain(
    'etcdserver: no leader',
  )
})

scenario(
  'a helm that is too old',
  async (scenario) => {
    const directory = join(scenario.environment.directory, 'old-helm')
    await mkdir(directory)
    await writeFile(join(directory, 'helm'), '#!/bin/sh\necho v3.13.3\n', { mode: 0o755 })
    expect(
      await expectFailureWithoutWrites(scenario, {}, 'helm-too-old', {
        PATH: `${directory}:/usr/bin:/bin`,
      }),
    ).toContain('v3.13.3')
  },
  { start: 'installed' },
)

scenario(
  'no helm on PATH although the release must change',
  async (scenario) => {
    await expectFailureWithoutWrites(scenario, {}, 'helm-not-found', { PATH: '/nowhere' })
  },
  { start: 'installed' },
)

scenario(
  'a Service that someone resets while helm still waits',
  async ({ environment, run }) => {
    const servicePatched = environment.requestLog.nextRequest(
      ({ operation, userAgent: client }) =>
        client.startsWith('Helm') && /^PATCH .*\/services\/milvus-demo$/.test(operation),
    )
    const serviceReverted = servicePatched.then(async () => {
      await environment.kubectl(
        'patch',
        'service',
        'milvus-demo',
        '-p',
        '{"spec":{"type":"LoadBalancer"}}',
      )
    })
    // The status that helm finally stores for a revision.
    environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: /^PUT .*\/secrets\/.*\.v2$/,
      gate: serviceReverted,
    })
    expectFailure(await run(), 'release', 'service-not-cluster-ip')
  },
  { start: 'installed' },
)

scenario('an admission policy that rejects the Ingress', async ({ environment, run }) => {
  environment.requestLog.injectFault({
    service: 'kubernetes',
    operation: /^PATCH .*\/ingresses\/milvus-demo$/,
    error: {
      status: 403,
      code: 'Forbidden',
      message:
        'admission webhook "policy.example.com" denied the request: the label team is missing',
    },
  })
  expect(getErrorAnnotation(expectFailure(await run(), 'ingress', 'ingress-refused'))).toContain(
    'the label team is missing',
  )
})

scenario('a certificate that ACM rejects', async (scenario) => {
  const message = 'You have reached your limit of 5000 certificates in the last year'
  scenario.environment.requestLog.injectFault({
    service: 'acm',
    operation: 'ImportCertificate',
    error: { status: 400, code: 'LimitExceededException', message },
  })
  expectFailure(await scenario.run(), 'certificate', 'certificate-quota-exceeded')
})
