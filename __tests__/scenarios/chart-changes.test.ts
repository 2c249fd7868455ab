/** Changes of objects that the inputs do not request are previewed, and need allow-chart-change. */
import { expect } from '@jest/globals'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario } from './harness.ts'
import { upgradeRelease } from './helm-manual-operations.ts'
import { getObject } from './manual-operations.ts'
import { serviceOnlyInputs, shortProbe } from './run-inputs.ts'
import type { Scenario } from './scenario-run.ts'

const allowChartChange = { 'allow-chart-change': 'true' }

scenario('another chart version is previewed, and applied only when allowed', async (scenario) => {
  const text = await expectFailureWithoutWrites(
    scenario,
    { 'chart-version': '5.0.19' },
    'release-changes-more',
  )
  expectToContainAll(text, [
    'from chart 4.2.58 (Milvus 2.5.16) to 5.0.19 (Milvus 2.6.15)',
    'Deployment milvus-demo-standalone',
    'only from 2.5.16 or later with mixCoordinator on',
  ])
  const allowed = expectSuccess(
    await scenario.run({ 'chart-version': '5.0.19', ...allowChartChange }),
  )
  expect(allowed.summary).toContain(
    'Chart 4.2.58 (Milvus 2.5.16) to 5.0.19 (Milvus 2.6.15): Helm would',
  )
  expect(JSON.parse(allowed.outputs['irreversible'] ?? '')).toContainEqual({
    object: 'release milvus/milvus-demo',
    why: 'Milvus cannot be downgraded after an upgrade from 2.5.16 to 2.6.15',
  })
  expect(JSON.parse(allowed.outputs['restarts'] ?? '')).toContainEqual({
    object: 'Deployment milvus-demo-standalone',
    pods: 1,
    order: expect.any(String),
  })
  for (const version of ['5.0.19', 'v5.0.19'])
    expectUnchanged(await scenario.run({ 'chart-version': version }))
})

const createExtraTemplate = (kind: string, body: string): Record<string, string> => ({
  'templates/extra.yaml': `{{- if ne (.Values.extra | default "on") "off" }}\n${kind}\nmetadata:\n  name: {{ .Release.Name }}-extra\n  namespace: {{ .Release.Namespace }}\n${body}{{- end }}\n`,
})

const configMap = createExtraTemplate('apiVersion: v1\nkind: ConfigMap', 'data: {a: b}\n')

scenario('a chart republished under its version is rejected unless allowed', async (scenario) => {
  await scenario.environment.chartRepository.publish('4.2.58', '2.5.16', configMap)
  const text = await expectFailureWithoutWrites(scenario, serviceOnlyInputs, 'release-changes-more')
  expect(text).toContain(
    'Chart milvus 4.2.58 is not the one that release milvus-demo was installed with: any upgrade with it would add ConfigMap milvus-demo-extra,',
  )
  const allowed = expectSuccess(await scenario.run({ ...serviceOnlyInputs, ...allowChartChange }))
  expect(allowed.log).toContain(
    'Helm would add ConfigMap milvus-demo-extra; change Service milvus-demo',
  )
  await expectInexactRollback(scenario)
})

/** A rollback has only the chart that was republished: it says so, before and afterwards. */
async function expectInexactRollback({ environment, run }: Scenario): Promise<void> {
  const laterConfigMap = createExtraTemplate('apiVersion: v1\nkind: ConfigMap', 'data: {a: c}\n')
  await environment.chartRepository.publish('4.2.58', '2.5.16', laterConfigMap)
  await environment.overrideAlb({ fixedStatus: 502 })
  const values = 'service: {labels: {team: search}}'
  const result = expectFailure(
    await run({ ...allowChartChange, values, 'on-failure': 'rollback', ...shortProbe }),
    'probe',
    'probe-target-failed',
  )
  const announcement =
    'is rolled back to the values of revision 2, but not to all of its objects: chart 4.2.58 renders others now, so that Helm would change ConfigMap milvus-demo-extra.'
  expect(result.log).toContain(announcement)
  expect(result.log.indexOf(announcement)).toBeLessThan(result.log.indexOf('✓ certificate'))
  expectToContainAll(getErrorAnnotation(result), [
    'The rollback is incomplete. release milvus-demo: The release has the values of revision 2 again',
    'Helm had to change ConfigMap milvus-demo-extra.',
  ])
  const service = await getObject(environment, 'service', 'milvus-demo')
  expect(service?.metadata.labels).not.toHaveProperty('team')
}

scenario(
  'values that would delete unrelated objects are rejected, with names and without values',
  async (scenario) => {
    const { environment } = scenario
    await environment.chartRepository.publish('4.2.58', '2.5.16', configMap)
    await upgradeRelease(environment)
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: 'extra: "off"' },
      'release-changes-more',
    )
    expect(text).toContain('ConfigMap milvus-demo-extra is more than setting values')
    expectSuccess(await scenario.run({ values: 'extra: "off"', ...allowChartChange }))
    expect(await getObject(environment, 'configmap', 'milvus-demo-extra')).toBeUndefined()
  },
)
