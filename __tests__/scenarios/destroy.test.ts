/** Mode destroy deletes what the action created, and nothing else. */
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { requiredForDestroy } from '../../testing/required-permissions.ts'
import { setLoadBalancerAttribute } from './alb-manual-operations.ts'
import {
  applyGuideIngress,
  listCertificates,
  createObjects,
  getObject,
  importCertificate,
  expireLease,
  listLoadBalancerNames,
  removeTags,
  type KubernetesObject,
  selectRevocablePermissions,
} from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  scenario,
  setDefaultStart,
  type Scenario,
} from './harness.ts'

setDefaultStart('deployed')

/** Only what a removal needs: no host, no certificate. */
const destroyInputs = {
  mode: 'destroy',
  host: '',
  certificate: '',
  'private-key': '',
  'certificate-chain': '',
}
const annotationPrefix = 'alb.ingress.kubernetes.io'

const listCertificateArns = async ({
  environment,
}: Pick<Scenario, 'environment'>): Promise<string[]> =>
  (await listCertificates(environment)).map(({ arn }) => arn)

/** Another Ingress of group "shared". */
function createGroupMember(
  { environment }: Scenario,
  name: string,
  certificateArn: string,
  group = 'shared',
): KubernetesObject {
  const annotations = {
    'group.name': group,
    scheme: 'internet-facing',
    'backend-protocol-version': 'GRPC',
    'target-type': 'ip',
    'listen-ports': `[{"HTTPS":${environment.listenPort}}]`,
    'certificate-arn': certificateArn,
  }
  const rule = {
    host: 'other.example.com',
    http: {
      paths: [
        {
          path: '/',
          pathType: 'Prefix',
          backend: { service: { name: 'milvus-demo', port: { number: 19530 } } },
        },
      ],
    },
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace: environment.namespace,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`${annotationPrefix}/${key}`, value]),
      ),
    },
    spec: { ingressClassName: 'alb', rules: [rule] },
  }
}

scenario(
  'destroy removes the Ingress, its ALB and its certificate, and nothing else; a second run changes nothing',
  async ({ environment, run, writes }) => {
    const other = await importCertificate(
      environment,
      await environment.certificateAuthority.issue({ hosts: ['other.example.com'] }),
    )
    const { outputs } = expectSuccess(await run())
    const [services, releases] = [
      await environment.kubectl('get', 'services', '-o', 'name'),
      await environment.helm('list', '--short'),
    ]
    const result = expectSuccess(await run(destroyInputs))
    expect(listChanges(result)).toEqual(['ingress load balancer', 'certificate certificate'])
    expect(writes()).toEqual([
      `kubernetes DELETE /apis/networking.k8s.io/v1/namespaces/${environment.namespace}/ingresses/milvus-demo`,
      'acm DeleteCertificate',
    ])
    expect(result.log).toMatch(
      /^::group::✓ ingress: milvus-demo and load balancer k8s-\S+ are deleted/m,
    )
    expect(result.summary).toMatch(/^## ✅ Removed: Ingress milvus\/milvus-demo, ACM certificate$/m)
    expect(result.summary).not.toContain('pymilvus')
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
    expect(await listLoadBalancerNames(environment)).toEqual([])
    expect(await listCertificateArns({ environment })).toEqual([other])
    expect(outputs['certificate-arn']).not.toBe(other)
    expect([
      await environment.kubectl('get', 'services', '-o', 'name'),
      await environment.helm('list', '--short'),
    ]).toEqual([services, releases])

    const secondDestroy = await run(destroyInputs)
    expectUnchanged(secondDestroy)
    expect(secondDestroy.summary).toContain('Nothing was left to remove')
    expect(writes()).toEqual([])
    expectSuccess(await run())
  },
)

scenario(
  'an Ingress created by someone else is not removed, and its owner is named',
  async ({ environment, run, writes }) => {
    await applyGuideIngress(environment, await importCertificate(environment))
    const result = expectFailure(await run(destroyInputs), 'preflight', 'ingress-not-ours')
    expect(getErrorAnnotation(result)).toContain(
      'Ingress milvus-demo was not created by this action, so it is not deleted: it belongs to kubectl-client-side-apply.',
    )
    expect(writes()).toEqual([])
  },
  { start: 'cluster-ip' },
)

scenario(
  "a certificate without the action's tag is kept and named",
  async ({ environment, run }) => {
    const { outputs } = expectSuccess(await run())
    const arn = outputs['certificate-arn'] ?? ''
    await removeTags(environment, arn)
    const result = expectSuccess(await run(destroyInputs))
    expect(listChanges(result)).toEqual(['ingress load balancer'])
    expect(result.summary).toContain(
      'is kept, because this action did not import it for this target',
    )
    expect(await listCertificateArns({ environment })).toEqual([arn])
  },
)

scenario(
  'the ALB of a group is kept for its other member, with a certificate that it uses',
  async (scenario) => {
    const { environment, run } = scenario
    const { outputs } = expectSuccess(await run({ 'group-name': 'shared' }))
    const arn = outputs['certificate-arn'] ?? ''
    await createObjects(environment, createGroupMember(scenario, 'z-other', arn))
    await environment.kubectl(
      'wait',
      '--for=jsonpath={.status.loadBalancer.ingress}',
      'ingress/z-other',
      '--timeout=30s',
    )
    const result = expectSuccess(await run(destroyInputs))
    expect(listChanges(result)).toEqual(['ingress load balancer'])
    expect(result.log).toMatch(
      /Load balancer k8s-shared-\S+ is kept, because group shared has other members: Ingress z-other\./,
    )
    expect(result.log).toContain(
      `ACM certificate ${arn} of this target is kept, because it is still used by Ingress z-other.`,
    )
    expect(await listLoadBalancerNames(environment)).toEqual([outputs['alb-address']])

    // It is deleted when nothing uses it any more. Without the Ingress, its tag identifies it.
    await environment.kubectl('delete', 'ingress', 'z-other')
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
    expect(await listCertificateArns({ environment })).toEqual([])
  },
)

scenario(
  'a certificate that ACM still reports as in use is deleted later, or by the next run',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const inUseFault = {
      service: 'acm',
      operation: 'DeleteCertificate',
      error: { status: 400, code: 'ResourceInUseException', message: 'The certificate is in use.' },
    } as const
    const removeFault = environment.requestLog.injectFault(inUseFault)
    const result = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '15s' }),
      'certificate',
      'certificate-in-use',
    )
    expect(getErrorAnnotation(result)).toContain('Run the job again in half an hour')
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
    removeFault()
    environment.requestLog.injectFault({ ...inUseFault, times: 2 })
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
    expect(await listCertificateArns({ environment })).toEqual([])
  },
)

scenario(
  'deletion protection, by annotation or in ELB, is reported before anything is deleted',
  async ({ environment, run, writes }) => {
    const deletionProtection = (value: string) => ({
      annotations: JSON.stringify({
        [`${annotationPrefix}/load-balancer-attributes`]: `deletion_protection.enabled=${value}`,
      }),
    })
    expectSuccess(await run(deletionProtection('true')))
    expect(
      getErrorAnnotation(
        expectFailure(await run(destroyInputs), 'preflight', 'load-balancer-protected'),
      ),
    ).toContain('Run mode: deploy once with deletion_protection.enabled=false')
    expectSuccess(await run(deletionProtection('false')))
    await setLoadBalancerAttribute(environment, 'deletion_protection.enabled', 'true')
    const result = expectFailure(await run(destroyInputs), 'preflight', 'load-balancer-protected')
    expect(getErrorAnnotation(result)).toMatch(
      /aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:\S+ --attributes/,
    )
    expect(writes()).toEqual([])
    await setLoadBalancerAttribute(environment, 'deletion_protection.enabled', 'false')
    expectSuccess(await run(destroyInputs))
  },
)

scenario(
  'a finalizer that is never removed is named, and the next run continues to wait',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await environment.kubectl(
      'patch',
      'ingress',
      'milvus-demo',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'add', path: '/metadata/finalizers/-', value: 'example.com/hold' }]),
    )
    const result = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '2s' }),
      'ingress',
      'ingress-not-deleted',
    )
    expect(getErrorAnnotation(result)).toMatch(
      /within 2 s: finalizer example\.com\/hold blocks the deletion of Ingress milvus-demo; load balancer k8s-\S+ is gone\./,
    )
    expect(getErrorAnnotation(result)).toContain(
      'Fix the component that set example.com/hold on the Ingress.',
    )
    const secondDestroy = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '1s' }),
      'ingress',
      'ingress-not-deleted',
    )
    expect(listChanges(secondDestroy)).toEqual([])
    await environment.kubectl(
      'patch',
      'ingress',
      'milvus-demo',
      '--type=json',
      '-p',
      JSON.stringify([{ op: 'remove', path: '/metadata/finalizers' }]),
    )
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
  },
)

scenario(
  'a controller that does nothing: the wait names what still exists',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.controller.options.isPaused = true
    const result = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '2s' }),
      'ingress',
      'ingress-not-deleted',
    )
    expect(getErrorAnnotation(result)).toMatch(
      /finalizer ingress\.k8s\.aws\/resources blocks the deletion of Ingress milvus-demo; load balancer k8s-\S+ is active\./,
    )
    expect(getErrorAnnotation(result)).toContain("Fix what the controller's log reports")
    environment.controller.options.isPaused = false
    expectSuccess(await run(destroyInputs))
  },
  { requiresSimulatedController: true },
)

scenario(
  'killed at each write, or cancelled while waiting: the next run removes the rest',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.controller.options.isPaused = true
    const ingressDeletion = environment.requestLog.nextRequest(({ operation }) =>
      /^DELETE .*\/ingresses\/milvus-demo$/.test(operation),
    )
    // Main is killed: only post and the next run can clean up.
    await runAction(environment, destroyInputs, {
      onStart: (child) => void ingressDeletion.then(() => child.kill('SIGKILL')),
    })
    await expireLease(environment)
    // A run that has its Lease is done reading, and its later requests to ELB belong to the wait.
    const leaseUpdated = environment.requestLog.nextRequest(
      ({ operation, userAgent: client }) =>
        client.startsWith('milvus-alb-action') && /^PUT .*\/leases\//.test(operation),
    )
    const elbPolled = leaseUpdated.then(() =>
      environment.requestLog.nextRequest(({ operation }) => operation === 'DescribeLoadBalancers'),
    )
    const result = expectFailure(
      await run(destroyInputs, {
        onStart: (child) => void elbPolled.then(() => child.kill('SIGINT')),
      }),
      'ingress',
      'cancelled',
    )
    expect(result.summary).toContain('Cancelled in ingress')
    environment.controller.options.isPaused = false
    const certificateDeletion = environment.requestLog.nextRequest(
      ({ operation }) => operation === 'DeleteCertificate',
    )
    await runAction(environment, destroyInputs, {
      onStart: (child) => void certificateDeletion.then(() => child.kill('SIGKILL')),
    })
    await expireLease(environment)
    expectSuccess(await run(destroyInputs))
    expect(await listLoadBalancerNames(environment)).toEqual([])
    expect(await listCertificateArns({ environment })).toEqual([])
  },
  { requiresSimulatedController: true },
)

scenario(
  'an Ingress recreated under the same name during the run is not removed',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const path = `/apis/networking.k8s.io/v1/namespaces/${environment.namespace}/ingresses/milvus-demo`
    let releaseRequest = (): void => undefined
    environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: `DELETE ${path}`,
      times: 1,
      gate: new Promise((resolve) => (releaseRequest = resolve)),
    })
    const ingressDeletion = environment.requestLog.nextRequest(
      ({ operation }) => operation === `DELETE ${path}`,
    )
    const destroyRun = run(destroyInputs)
    await ingressDeletion
    await environment.kubectl('delete', 'ingress', 'milvus-demo')
    await applyGuideIngress(environment, await importCertificate(environment))
    releaseRequest()
    expect(
      getErrorAnnotation(expectFailure(await destroyRun, 'ingress', 'ingress-refused')),
    ).toContain('The Ingress was recreated at the same time')
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeDefined()
  },
)

scenario(
  'with group members in another namespace, the ALB and the certificate it needs are kept',
  async (scenario) => {
    const { environment, run } = scenario
    const { outputs } = expectSuccess(await run({ 'group-name': 'shared' }))
    const arn = outputs['certificate-arn'] ?? ''
    await environment.kubectl('create', 'namespace', 'elsewhere')
    const groupMember = createGroupMember(scenario, 'z-other', arn)
    const metadata = { ...groupMember.metadata, namespace: 'elsewhere' }
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'milvus-demo', namespace: 'elsewhere' },
      spec: { selector: { app: 'other' }, ports: [{ port: 19530 }] },
    }
    await createObjects(environment, service, { ...groupMember, metadata })
    await environment.kubectl(
      'wait',
      '--for=jsonpath={.status.loadBalancer.ingress}',
      '--namespace',
      'elsewhere',
      'ingress/z-other',
      '--timeout=30s',
    )
    const first = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '15s' }),
      'certificate',
      'certificate-in-use',
    )
    expect(first.log).toMatch(
      /Load balancer k8s-shared-\S+ is kept, because group shared has other members: Ingresses of other namespaces\./,
    )
    expect(getErrorAnnotation(first)).toMatch(
      /according to ACM it is still used by app\/k8s-shared-\S+/,
    )
    const second = await run(destroyInputs)
    expectUnchanged(second)
    expect(second.summary).toContain(
      'of this target is kept, because it is still used by app/k8s-shared-',
    )
    expect(await listCertificateArns({ environment })).toEqual([arn])
    expect(await listLoadBalancerNames(environment)).toEqual([outputs['alb-address']])
  },
)

/** The Service of the release. */
async function service({
  environment,
}: Pick<Scenario, 'environment'>): Promise<{ type: string; address: string }> {
  const [type = '', address = ''] = (
    await environment.kubectl(
      'get',
      'service',
      'milvus-demo',
      '-o',
      'jsonpath={.spec.type} {.status.loadBalancer.ingress[0].hostname}',
    )
  ).split(' ')
  return { type, address }
}

scenario(
  "restore-service-type restores the Service's load balancer and keeps all values; a second run changes nothing",
  async (scenario) => {
    const { environment, run, writes } = scenario
    expectSuccess(await run())
    const restoreInputs = {
      ...destroyInputs,
      'restore-service-type': 'LoadBalancer',
      'restore-load-balancer-class': 'none',
    }
    const result = expectSuccess(await run(restoreInputs))
    expect(listChanges(result)).toEqual([
      'ingress load balancer',
      'release service.type',
      'certificate certificate',
    ])
    const { type, address } = await service(scenario)
    expect(type).toBe('LoadBalancer')
    expect(result.log).toContain('(requested by input restore-service-type):')
    expect(result.summary).toContain(
      `Service milvus-demo has a load balancer of its own: ${address}. Point the DNS record at it.`,
    )
    expect(result.summary).toMatch(/^## ✅ Removed: Ingress .*; the Service type was restored$/m)
    expect(await environment.helm('get', 'values', 'milvus-demo')).toContain('bucketName: precious')

    const secondDestroy = await run(restoreInputs)
    expectUnchanged(secondDestroy)
    expect(secondDestroy.log).toMatch(
      /^::group::✓ release: unchanged, Service milvus-demo is of type LoadBalancer/m,
    )
    expect(writes()).toEqual([])
    expect(
      listChanges(
        expectSuccess(await run({ ...destroyInputs, 'restore-service-type': 'NodePort' })),
      ),
    ).toEqual(['release service.type'])
    expect((await service(scenario)).type).toBe('NodePort')
  },
)

scenario(
  'restore-service-type is rejected before anything is removed if the Service has another owner or no release',
  async (scenario) => {
    const { environment, run } = scenario
    expectSuccess(await run())
    const restoreInputs = { ...destroyInputs, 'restore-service-type': 'LoadBalancer' }
    await environment.kubectl(
      'label',
      'service',
      'milvus-demo',
      'helm.toolkit.fluxcd.io/name=milvus',
    )
    const managed = await expectFailureWithoutWrites(
      scenario,
      restoreInputs,
      'release-managed-elsewhere',
    )
    for (const part of [
      'Flux (HelmRelease milvus)',
      'LoadBalancer)',
      'remove restore-service-type',
    ])
      expect(managed).toContain(part)
    await environment.kubectl('label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name-')
    await environment.helm('uninstall', 'milvus-demo', '--wait')
    expect(
      await expectFailureWithoutWrites(scenario, restoreInputs, 'release-not-found'),
    ).toContain('If the release was uninstalled, remove restore-service-type.')
    expect(
      await expectFailureWithoutWrites(scenario, destroyInputs, 'release-not-found'),
    ).toContain('Set ingress-name to the Ingress that this action created: milvus-demo.')
    expect(
      listChanges(expectSuccess(await run({ ...destroyInputs, 'ingress-name': 'milvus-demo' }))),
    ).toEqual(['ingress load balancer', 'certificate certificate'])
  },
)

scenario(
  'a Service reset by someone during its restoration is reported, and a later run continues',
  async ({ environment, run }) => {
    expectSuccess(await run())
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
        '{"spec":{"type":"ClusterIP"}}',
      )
    })
    // The status that helm finally stores for a revision.
    const removeFault = environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: /^PUT .*\/secrets\/.*\.v\d+$/,
      gate: serviceReverted,
    })
    const restoreInputs = { ...destroyInputs, 'restore-service-type': 'NodePort' }
    expect(
      getErrorAnnotation(
        expectFailure(await run(restoreInputs), 'release', 'service-not-restored'),
      ),
    ).toContain('is of type ClusterIP')
    removeFault()
    expect(
      getErrorAnnotation(expectFailure(await run(restoreInputs), 'preflight', 'release-conflict')),
    ).toContain('force-conflicts')
    expect(
      listChanges(expectSuccess(await run({ ...restoreInputs, 'force-conflicts': 'true' }))),
    ).toContain('certificate certificate')
    expect((await service({ environment })).type).toBe('NodePort')
  },
)

scenario(
  'each permission of mode destroy is denied in turn, and the run names it',
  async (scenario) => {
    const { environment, run } = scenario
    expectSuccess(await run())
    for (const { permission, step, code } of selectRevocablePermissions(
      environment,
      requiredForDestroy,
    )) {
      const { outputs, log } = await run(destroyInputs, {
        env: await environment.assumeRole(permission),
      })
      expect({
        permission,
        step: outputs['failed-step'],
        code: outputs['failure-code'],
        log: outputs['failure-code'] === code ? '' : log,
      }).toEqual({ permission, step, code, log: '' })
    }
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { ...destroyInputs, 'restore-service-type': 'NodePort' },
        'cluster-forbidden',
        await environment.assumeRole('patch services'),
      ),
    ).toContain('patch services')
    expectSuccess(await run(destroyInputs, { env: await environment.assumeRole() }))
    expect(await listCertificateArns({ environment })).toEqual([])
  },
)

scenario(
  'a dry run of destroy lists what it would delete, and deletes nothing',
  async ({ environment, run, writes }) => {
    expectSuccess(await run())
    const dryRun = expectSuccess(
      await run({
        ...destroyInputs,
        'dry-run': 'true',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/nlb',
      }),
    )
    expect(writes()).toEqual([])
    expect(dryRun.outputs['changed']).toBe('false')
    expect(dryRun.summary).toContain('Dry run: 4 changes planned')
    const destroyResult = expectSuccess(
      await run({
        ...destroyInputs,
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/nlb',
      }),
    )
    expect(listChanges(destroyResult)).toEqual(listChanges(dryRun))
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
  },
)
