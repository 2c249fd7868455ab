/** A dry run lists the changes of a deploy or a removal, and makes none. */
import { expect } from '@jest/globals'
import { setLoadBalancerAttribute } from './alb-manual-operations.ts'
import { certificateInputs } from './certificate-inputs.ts'
import { expectFailure, expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { annotateObject, getObject } from './manual-operations.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('deployed')

scenario(
  'a dry run changes nothing, and lists what the next deploy changes',
  async ({ environment, run, writes }) => {
    const dryRun = expectSuccess(await run({ 'dry-run': 'true' }))
    expect(writes()).toEqual([])
    expect(dryRun.outputs).toMatchObject({ changed: 'false' })
    expect(dryRun.summary).toMatch(/^## 📋 Dry run: (no changes needed|\d+ objects? to change)/)
    const deployRun = expectSuccess(await run())
    expect(listChanges(dryRun)).toEqual(listChanges(deployRun))

    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    const secondDryRun = expectSuccess(await run({ 'dry-run': 'true' }))
    expect(secondDryRun.outputs['alb-address']).toBe(deployRun.outputs['alb-address'])
    expect(listChanges(secondDryRun)).toEqual(listChanges(expectSuccess(await run())))
    expect(expectSuccess(await run({ 'dry-run': 'true' })).summary).toMatch(
      /^## 📋 Dry run: no changes needed/,
    )

    // A dry run fails with the same messages as a deploy, before anything changes.
    await annotateObject(
      environment,
      'ingress/milvus-demo',
      'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08',
    )
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const inputs = certificateInputs(renewed)
    const dryRunFailure = expectFailure(
      await run({ ...inputs, 'dry-run': 'true' }),
      'ingress',
      'ingress-conflict',
    )
    const deployFailure = expectFailure(await run(inputs), 'ingress', 'ingress-conflict')
    expect(writes()).toEqual([])
    expect(getErrorAnnotation(deployFailure)).toBe(getErrorAnnotation(dryRunFailure))
  },
)

scenario(
  'a dry run of destroy lists what it would delete, and deletes nothing',
  async ({ environment, run, writes }) => {
    expectSuccess(await run())
    const restoreInputs = {
      ...destroyInputs,
      'restore-service-type': 'LoadBalancer',
      'restore-load-balancer-class': 'service.k8s.aws/nlb',
    }
    const dryRun = expectSuccess(await run({ ...restoreInputs, 'dry-run': 'true' }))
    expect(writes()).toEqual([])
    expect(dryRun.outputs['changed']).toBe('false')
    expect(dryRun.summary).toMatch(/^## 📋 Dry run: 4 objects to change/)
    const destroyResult = expectSuccess(await run(restoreInputs))
    expect(listChanges(destroyResult)).toEqual(listChanges(dryRun))
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
  },
)
