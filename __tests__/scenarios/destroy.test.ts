/** Mode destroy deletes what the action created, and nothing else. */
import { expect } from '@jest/globals'
import { requiredForDestroy } from '../../testing/required-permissions.ts'
import { importOtherCertificate, listCertificateArns, removeTags } from './acm-manual-operations.ts'
import { listLoadBalancerNames } from './alb-manual-operations.ts'
import {
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { getObject } from './manual-operations.ts'
import { selectRevocablePermissions } from './revocable-permissions.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('deployed')

scenario(
  'destroy removes the Ingress, its ALB and its certificate, and nothing else; a second run changes nothing',
  async ({ environment, run, writes }) => {
    const other = await importOtherCertificate(environment)
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
    expect(await listCertificateArns(environment)).toEqual([other])
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
    expect(await listCertificateArns(environment)).toEqual([arn])
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
    expect(await listCertificateArns(environment)).toEqual([])
  },
)

simulatorScenario(
  'destroy reads the tags of many certificates at the rate of ACM, waits while it throttles, and keeps what a Classic Load Balancer uses',
  'moto neither throttles nor reports what uses a certificate',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
    const other = await importOtherCertificate(environment)
    const [stored, storedOther] = [arn, other].map((each) =>
      environment.awsState.certificates.get(each),
    )
    if (!stored || !storedOther) throw new Error('the imports are not there')
    for (let number = 0; number < 24; number += 1)
      environment.awsState.certificates.set(`${other}${number}`, {
        ...storedOther,
        arn: `${other}${number}`,
        tags: new Map(),
      })
    const classic = `arn:aws:elasticloadbalancing:us-east-2:${environment.account}:loadbalancer/old`
    stored.describeOverrides = { InUseBy: [classic] }
    const before = environment.requestLog.requests.length
    const kept = expectSuccess(await run(destroyInputs))
    expect(kept.summary).toContain(`${arn} of this target is kept, because it is still used by`)
    const starts = environment.requestLog.requests
      .slice(before)
      .filter(({ operation }) => operation === 'ListTagsForCertificate')
      .map(({ receivedAt }) => receivedAt)
    expect(starts).toHaveLength(26)
    // The calls start over 3.1 seconds. The rest is for a busy machine, which may receive the first
    // ones late; the test of the pacer looks at each interval.
    expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(2_000)
    stored.describeOverrides = {}
    environment.faults.inject({
      service: 'acm',
      operation: 'ListTagsForCertificate',
      times: 12,
      error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' },
    })
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
    expect(environment.awsState.certificates.has(arn)).toBe(false)
  },
)
