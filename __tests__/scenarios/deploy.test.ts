/** The main job: a first deployment, and the run after it. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from '@jest/globals'
import { findCertificate } from './acm-manual-operations.ts'
import { listLoadBalancerNames } from './alb-manual-operations.ts'
import { certificateArnInputs } from './certificate-inputs.ts'
import { expectSuccess, listChanges } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('cluster-ip')

const { version: packageVersion } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string
}

scenario(
  'a first deployment creates and probes everything; a second run changes nothing',
  async ({ environment, run: runWith, writes }) => {
    await environment.installMilvus({ mode: 'cluster' })
    const run = (): ReturnType<typeof runWith> => runWith({ values: '' })
    const first = await run()
    expectSuccess(first)
    const [hostname] = await listLoadBalancerNames(environment)
    expect(first.outputs).toMatchObject({
      'alb-address': hostname,
      endpoint: `https://${environment.host}:${environment.listenPort}`,
      'certificate-expiry': new X509Certificate(
        environment.certificate.certificate,
      ).validToDate.toISOString(),
      'release-revision': '2',
      'ingress-name': 'milvus-demo',
      'milvus-version': expect.stringMatching(/^v2\.\d+\.\d+/),
      changed: 'true',
    })
    expect(listChanges(first)).toEqual([
      'certificate certificate',
      'release service.type',
      'ingress scheme',
      'ingress backend-protocol-version',
      'ingress target-type',
      'ingress listen-ports',
      'ingress ssl-policy',
      'ingress load-balancer-attributes',
      'ingress certificate-arn',
      'ingress spec.ingressClassName',
      'ingress spec.rules',
    ])
    // Helm applies every object of the release, whether it differs or not.
    expect(
      writes().filter(
        (write) =>
          !/secrets|configmaps|serviceaccounts|jobs|roles|rolebindings|deployments|statefulsets|services\/milvus-demo-/.test(
            write,
          ),
      ),
    ).toEqual([
      'acm ImportCertificate',
      'kubernetes PATCH /api/v1/namespaces/milvus/services/milvus-demo',
      'kubernetes PATCH /apis/networking.k8s.io/v1/namespaces/milvus/ingresses/milvus-demo',
    ])
    const opening = `milvus-alb-action ${packageVersion}: deploy, host ${environment.host}, namespace ${environment.namespace}, cluster ${environment.cluster}, ${environment.region}`
    expect(first.log.split('\n').find((line) => !line.startsWith('::'))).toBe(opening)
    expect(first.summary.split('\n')[2]).toBe(opening)
    expect(first.log).toMatch(/^::group::✓ preflight: 3 objects to change \(11 fields\)/m)
    expect(first.log).not.toMatch(/^(?!::debug::).*Happy Helming/m)
    // Milvus asks only its coordinator, so the nodes behind it may be down.
    expect(first.log).toMatch(
      /^Milvus v\S+ reports that it is healthy, as its coordinator sees it$/m,
    )
    // The runner trusts the private CA of the certificate.
    expect(first.summary).toContain('server_pem_path="ca.pem"')
    expect(first.summary).toMatch(
      /ALB k8s-[\w-]+ \(internet-facing\)[\s\S]*target group k8s-[\w-]+ \(GRPC, ip\)/,
    )
    expect(
      (await findCertificate(environment, first.outputs['certificate-arn']))?.tags,
    ).toMatchObject({
      'milvus-alb-action/namespace': 'milvus',
      'milvus-alb-action/host': environment.host,
      'milvus-alb-action/cluster': environment.cluster,
    })

    const second = await run()
    expectSuccess(second)
    expect(second.outputs).toMatchObject({
      ...first.outputs,
      probe: expect.stringContaining('"calls":{"answered":20,"total":20}'),
      restarts: '[]',
      changed: 'false',
      changes: '[]',
    })
    expect(writes()).toEqual([])
    // The first run calls version, pull, three dry runs and upgrade.
    expect(await environment.helmCalls()).toHaveLength(6)
  },
  { start: 'empty' },
)

scenario(
  'a kubeconfig replaces an EKS cluster, and certificate-arn a certificate',
  async ({ environment, run, writes }) => {
    const { 'certificate-arn': arn } = (await run()).outputs
    const inputs = {
      cluster: '',
      kubeconfig: environment.kubeconfig,
      context: `admin@${environment.name}`,
      ...certificateArnInputs(arn ?? ''),
      release: 'milvus-demo',
    }
    const result = await run(inputs)
    expectSuccess(result)
    expect(result.outputs['certificate-arn']).toBe(arn)
    expect(writes()).toEqual([])
  },
)

scenario(
  'names in values that look like secrets do not mask outputs',
  async ({ environment, run }) => {
    const result = await run({
      values:
        'minio: {existingSecret: milvus-demo, secretKey: milvus-demo}\ntolerations: [{key: milvus}]',
    })
    expectSuccess(result)
    expect(result.outputs).toMatchObject({
      'ingress-name': 'milvus-demo',
      endpoint: `https://${environment.host}:${environment.listenPort}`,
    })
  },
  { start: 'installed' },
)
