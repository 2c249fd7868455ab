/** Annotations that have no effect, are rejected, or are overridden. */
import { expect } from '@jest/globals'
import {
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectWarnings,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { annotationPrefix } from './ingress-manual-operations.ts'
import { annotateObject } from './manual-operations.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('cluster-ip')

simulatorScenario(
  'annotations that the controller or ELB would reject are named',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const annotations = [
      'success-codes: "200"',
      'auth-type: oidc',
      'healthcheck-path: healthz',
      'target-group-attributes: slow_start.duration_seconds=5',
      'group.order: "2000"',
      'load-balancer-attributes: idle_timeout',
    ]
      .map((line) => `${annotationPrefix}/${line}`)
      .join('\n')
    const text = await expectFailureWithoutWrites(
      scenario,
      { annotations, tags: 'aws:team=search' },
      'input-invalid',
    )
    expectToContainAll(text, [
      'success-codes is "200", which contains 200, but the codes of a gRPC health check range from 0 to 99',
      'auth-type is "oidc", which does not work with gRPC',
      'healthcheck-path',
      'slow_start.duration_seconds=5',
      'group.order',
      '"idle_timeout", which is not a list of key=value',
      'the prefix aws: is reserved',
    ])
  },
)

simulatorScenario(
  'an unknown annotation is a warning with a suggestion',
  'the action checks inputs before it calls any service',
  async ({ run }) => {
    const annotations = [
      `${annotationPrefix}/healthcheck-intervall-seconds: "20"`,
      `${annotationPrefix}/listener-attributes: routing.http.response.server.enabled=false`,
      `${annotationPrefix}/conditions.attu: "[]"`,
    ].join('\n')
    const result = expectSuccess(await run({ annotations }))
    expectWarnings(result, [
      `${annotationPrefix}/listener-attributes, which the controller does not know: did you mean ${annotationPrefix}/listener-attributes.PROTOCOL-PORT?`,
      `${annotationPrefix}/conditions.attu, which has no effect: the Service of this Ingress is milvus-demo.`,
    ])
    expect(result.log).toMatch(
      /^::warning.*does not know: did you mean alb.ingress.kubernetes.io\/healthcheck-interval-seconds\?/m,
    )
  },
)

scenario('annotations of the Service that override the Ingress', async (scenario) => {
  const { environment, run } = scenario
  await annotateObject(
    environment,
    'service/milvus-demo',
    `${annotationPrefix}/backend-protocol-version=HTTP1`,
    `${annotationPrefix}/success-codes=200`,
    `${annotationPrefix}/auth-type=oidc`,
    `${annotationPrefix}/healthcheck-timeout-seconds=20`,
    `${annotationPrefix}/tags=team=search`,
  )
  const text = await expectFailureWithoutWrites(scenario, {}, 'service-annotations-conflict')
  expectToContainAll(text, [
    'backend-protocol-version: HTTP1 (the Ingress requires GRPC)',
    'success-codes: 200 (which contains 200, but the codes of a gRPC health check',
    'auth-type: oidc (which does not work with gRPC: the ALB would redirect calls to a login page)',
    'healthcheck-timeout-seconds: 20 (which is not less than healthcheck-interval-seconds (15',
  ])
  await annotateObject(
    environment,
    'service/milvus-demo',
    `${annotationPrefix}/backend-protocol-version-`,
    `${annotationPrefix}/success-codes-`,
    `${annotationPrefix}/auth-type-`,
    `${annotationPrefix}/healthcheck-interval-seconds=30`,
  )
  const result = expectSuccess(await run())
  expectWarnings(result, [
    'healthcheck-interval-seconds: 30, which overrides the Ingress for its target group',
    'tags: team=search, which overrides the Ingress for its target group',
  ])
})

scenario(
  'load-balancer-name has no effect on an existing ALB, and a legacy class annotation wins: both are reported',
  async ({ environment, run }) => {
    const inputs = { 'load-balancer-name': 'Milvus-Front' }
    expectSuccess(await run(inputs))
    expect(expectSuccess(await run(inputs)).log).not.toContain('does not rename')
    await annotateObject(environment, 'ingress/milvus-demo', 'kubernetes.io/ingress.class=alb')
    const result = expectSuccess(await run({ 'load-balancer-name': 'vectors' }))
    expect(listChanges(result)).toEqual(['ingress load-balancer-name'])
    expect(result.log).toMatch(
      /^::warning.*load-balancer-name vectors does not rename the existing ALB \(milvus-front\)/m,
    )
    expect(result.log).toMatch(
      /^::warning.*kubernetes.io\/ingress.class: alb, which overrides ingress-class/m,
    )
    // Its own ALB, whose DNS name is in lower case, does not keep the certificate in use.
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'ingress load balancer',
      'certificate certificate',
    ])
  },
)
