/**
 * Another Milvus and another Helm, which only the lab has. The harness verifies after every run
 * there that Milvus' own clients work (scenario-run.ts).
 */
import { expect } from '@jest/globals'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { mergeValues } from '../../simulator/charts/merge-values.ts'
import { expectSuccess, expectUnchanged } from './expectations.ts'
import { labScenario } from './harness.ts'
import { valuesCanary } from './leaks.ts'

labScenario(
  'Milvus Lite, a second implementation of the API',
  'the simulator has one Milvus',
  async ({ environment, run }) => {
    await environment.selectMilvus('lite')
    expect(expectSuccess(await run({ probe: 'deep' })).outputs['milvus-version']).toMatch(/lite/)
  },
)

labScenario(
  'Helm 3.17 works too, and values are kept although the repository has a newer chart',
  'the simulator has Helm 4',
  async ({ environment, run }) => {
    await environment.useHelm(3)
    await environment.chartRepository.publish('6.0.0')
    const inputs = { values: `minio: {bucketName: kept, secretKey: ${valuesCanary}}` }
    expectSuccess(await run(inputs))
    expectUnchanged(await run(inputs))
    expect(
      JSON.parse(await environment.helm('get', 'values', 'milvus-demo', '-o', 'json')),
    ).toEqual(
      mergeValues(modeValues.standalone, {
        minio: { bucketName: 'kept', secretKey: valuesCanary },
        service: { type: 'ClusterIP' },
      }),
    )
    expect(
      JSON.parse(await environment.helm('get', 'metadata', 'milvus-demo', '-o', 'json')),
    ).toMatchObject({ version: '4.2.58' })
  },
)
