/** Mode check finds changes that were made by hand in the cluster or in AWS. */
import { expect } from '@jest/globals'
import {
  deleteListener,
  deleteLoadBalancer,
  deleteRule,
  getListener,
  modifyListener,
  replaceRuleWithFixedResponse,
  replaceRuleWithHttp1Forward,
  setLoadBalancerAttribute,
} from './alb-manual-operations.ts'
import { checkInputs, expectClean, expectDrift, expectFixedByDeploy } from './check-expectations.ts'
import { expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { annotateObject, applyJsonPatch, getObject, patchObject } from './manual-operations.ts'
import { waitUntil } from '../../testing/wait.ts'

setDefaultStart('deployed')

scenario(
  'a change made in the cluster is found with its author, and reverted',
  async ({ environment, run }) => {
    const forceAdvice = 'Run mode deploy with force-conflicts: true'
    expectSuccess(await run())
    await annotateObject(
      environment,
      'ingress/milvus-demo',
      'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08',
    )
    await waitUntil(
      async () => (await getListener(environment)).SslPolicy === 'ELBSecurityPolicy-2016-08',
    )
    const driftAfterEdit = expectDrift(await run(checkInputs), ['ingress ssl-policy'])
    expect(driftAfterEdit.outputs['changes']).toMatch(
      /differs from the inputs: changed by kubectl-annotate at \d{4}-[^,"]*Z, and a deploy reverts it only with force-conflicts: true"/,
    )
    expect(getErrorAnnotation(driftAfterEdit)).toContain(
      'Run mode deploy with force-conflicts: true',
    )
    expect(getErrorAnnotation(driftAfterEdit)).toContain(
      'ssl-policy is ELBSecurityPolicy-2016-08, expected ELBSecurityPolicy-TLS13-1-2-2021-06',
    )
    const forceInputs = { 'force-conflicts': 'true' }
    const forcedDrift = await expectFixedByDeploy(run, ['ingress ssl-policy'], forceInputs)
    expect(forcedDrift.outputs['changes']).toMatch(
      /differs from the inputs: changed by kubectl-annotate at \d{4}-[^,"]*Z"/,
    )

    await patchObject(environment, 'service/milvus-demo', { spec: { type: 'NodePort' } })
    const driftAfterPatch = expectDrift(await run(checkInputs), ['release service.type'])
    expect(getErrorAnnotation(driftAfterPatch)).toContain(forceAdvice)
    await expectFixedByDeploy(run, ['release service.type'], forceInputs)
  },
)

simulatorScenario(
  'a Service that moved to another port is found, and the Ingress is fixed',
  'moto forgets the target group of a rule that the controller modifies',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const { spec } = (await getObject(environment, 'service', 'milvus-demo')) as unknown as {
      spec: { ports: { name: string }[] }
    }
    const index = spec.ports.findIndex(({ name }) => name === 'milvus')
    await applyJsonPatch(environment, 'service/milvus-demo', [
      { op: 'replace', path: `/spec/ports/${index}/port`, value: 19531 },
    ])
    await expectFixedByDeploy(run, ['ingress spec.rules'])
  },
)

scenario(
  'a change made in AWS is found by its value, and reverted',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await modifyListener(environment, { SslPolicy: 'ELBSecurityPolicy-2016-08' })
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    await expectFixedByDeploy(run, [
      'load-balancer ssl-policy',
      'load-balancer attribute idle_timeout.timeout_seconds',
    ])
    await deleteRule(environment)
    expect(listChanges(await run(checkInputs))).toEqual([
      `load-balancer rule for ${environment.host}`,
    ])
    expectSuccess(await run())
    await replaceRuleWithFixedResponse(environment)
    expect(listChanges(await run(checkInputs))).toEqual([
      `load-balancer rule for ${environment.host}`,
    ])
    expectSuccess(await run())
    await replaceRuleWithHttp1Forward(environment)
    expect(listChanges(await run({ ...checkInputs, probe: 'off' }))).toEqual([
      'load-balancer protocol version',
    ])
    expectSuccess(await run())
    await deleteListener(environment)
    expect(listChanges(await run(checkInputs))).toEqual(['load-balancer protocol'])
    expectSuccess(await run())
    await deleteLoadBalancer(environment)
    expect(listChanges(await run(checkInputs))).toEqual(['load-balancer DNS name'])
    expectSuccess(await run())
    expectClean(await run(checkInputs))
  },
)
