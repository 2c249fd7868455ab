/** on-failure: rollback of an upgrade: objects that are kept, and a chart that is not available. */
import { exec } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from '@jest/globals'
import { expectFailure, getErrorAnnotation } from './expectations.ts'
import { denyHelmOnce } from './faults.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { listHistory } from './helm-manual-operations.ts'
import { listNormalizedObjects } from './manual-operations.ts'
import { upgradeInputs } from './release-upgrade.ts'
import { shortProbe } from './run-inputs.ts'

setDefaultStart('empty')

/** A ConfigMap that the chart adds with attu. */
const renderConfigMapTemplate = (name: string, annotations: string): string =>
  `{{- if .Values.attu.enabled }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-${name}, annotations: ${annotations}}\ndata: {a: b}\n{{- end }}\n`

scenario(
  'a rollback keeps claims and resources with the keep policy',
  async ({ environment, run }) => {
    await environment.chartRepository.publish('4.2.58', '2.5.16', {
      'templates/kept.yaml': renderConfigMapTemplate('kept', '{helm.sh/resource-policy: keep}'),
      'templates/extra.yaml': renderConfigMapTemplate('extra', '{}'),
    })
    await environment.installMilvus({ values: { standalone: { persistence: { enabled: false } } } })
    environment.faults.inject(denyHelmOnce(/^PATCH .*\/deployments\//))
    const values =
      'attu: {enabled: true}\nstandalone: {persistence: {enabled: true, annotations: null}}'
    expectFailure(
      await run({ values, 'allow-chart-change': 'true', 'on-failure': 'rollback' }),
      'release',
      'helm-upgrade-failed',
    )
    const objects = Object.keys(await listNormalizedObjects(environment))
    expect(objects).toEqual(
      expect.arrayContaining(['ConfigMap milvus-demo-kept', 'PersistentVolumeClaim milvus-demo']),
    )
    expect(objects.filter((object) => /-extra|-attu/.test(object))).toEqual([])
  },
)

simulatorScenario(
  'a rollback whose chart is unavailable is announced before the first change, and the printed command works',
  'the chart is unpublished',
  async ({ environment, run }) => {
    await environment.installMilvus({ mode: 'cluster' })
    environment.chartRepository.unpublish('4.2.58')
    await environment.overrideAlb({ fixedStatus: 502 })
    const result = expectFailure(
      await run({ ...upgradeInputs, 'on-failure': 'rollback', ...shortProbe }),
      'probe',
      'probe-target-failed',
    )
    expect(result.log).toContain('Chart 4.2.58 of revision 1 is not available')
    expect(result.log.indexOf('Chart 4.2.58 of revision 1 is not available')).toBeLessThan(
      result.log.indexOf('✓ certificate'),
    )
    const command =
      /roll back manually: "(helm get values [^"]+)"/.exec(getErrorAnnotation(result))?.[1] ?? ''
    await environment.chartRepository.publish('4.2.58')
    await promisify(exec)(command, {
      cwd: environment.directory,
      env: {
        ...environment.runnerEnv(),
        HOME: environment.directory,
        KUBECONFIG: environment.kubeconfig,
      },
    })
    expect((await listHistory(environment)).at(-1)).toBe('3 deployed milvus-4.2.58')
    expect(await environment.helm('get', 'values', 'milvus-demo', '--revision', '3')).toEqual(
      await environment.helm('get', 'values', 'milvus-demo', '--revision', '1'),
    )
  },
)
