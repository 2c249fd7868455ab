/** What mode destroy does not delete. */
import { expect } from '@jest/globals'
import { importCertificate } from './acm-manual-operations.ts'
import { setLoadBalancerAttribute } from './alb-manual-operations.ts'
import { expectFailure, expectSuccess, getErrorAnnotation } from './expectations.ts'
import { holdNextRequest } from './faults.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { annotationPrefix, applyGuideIngress } from './ingress-manual-operations.ts'
import { getObject } from './manual-operations.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('deployed')

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
  'an Ingress recreated under the same name during the run is not removed',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const path = `/apis/networking.k8s.io/v1/namespaces/${environment.namespace}/ingresses/milvus-demo`
    const releaseRequest = holdNextRequest(environment.faults, {
      service: 'kubernetes',
      operation: `DELETE ${path}`,
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
