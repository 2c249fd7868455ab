/**
 * Releases whose chart is not Milvus' own: an umbrella chart with Milvus inside, a fork, a chart by
 * another vendor, and none at all.
 */
import { expect } from '@jest/globals'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { buildMilvusChart } from '../../simulator/charts/package.ts'
import {
  buildForkedChart,
  buildUmbrellaChart,
  buildUnrelatedChart,
  buildVendorChart,
  type PackagedChart,
} from '../../simulator/charts/third-party-charts.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { getServiceType } from './manual-operations.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('empty')

const restoreInputs = {
  ...destroyInputs,
  'restore-service-type': 'LoadBalancer',
  'restore-load-balancer-class': 'none',
}

/**
 * A platform chart whose Milvus has the alias `vectors`, and a load balancer because of the
 * platform's values.
 */
async function createUmbrellaChart(isNested: boolean): Promise<PackagedChart> {
  const milvus = {
    name: 'milvus',
    version: '4.2.58',
    appVersion: '2.5.16',
    archive: await buildMilvusChart('4.2.58'),
  }
  const values = { vectors: { ...modeValues.standalone, service: { type: 'LoadBalancer' } } }
  if (!isNested)
    return buildUmbrellaChart({
      name: 'platform',
      version: '1.0.0',
      subchart: milvus,
      alias: 'vectors',
      values,
    })
  return buildUmbrellaChart({
    name: 'platform',
    version: '1.0.0',
    subchart: buildUmbrellaChart({
      name: 'search',
      version: '0.3.0',
      subchart: milvus,
      alias: 'vectors',
      values,
    }),
  })
}

const installChart = (
  environment: TestEnvironment,
  { name, version }: PackagedChart,
  release: string,
): Promise<string> =>
  environment.helm(
    'install',
    release,
    name,
    '--repo',
    environment.chartRepository.url,
    '--version',
    version,
    '--wait',
  )

for (const { major, isNested, typePath } of [
  { major: 3, isNested: true, typePath: 'search.vectors.service.type' },
  { major: 4, isNested: false, typePath: 'vectors.service.type' },
] as const) {
  scenario(
    `Milvus as a ${isNested ? 'nested ' : ''}subchart with an alias: its own value is set and restored, with Helm ${major}`,
    async (scenario) => {
      const { environment, run, writes } = scenario
      await environment.useHelm(major)
      const chart = await createUmbrellaChart(isNested)
      environment.chartRepository.add(chart)
      await installChart(environment, chart, 'platform')
      const inputs = { chart: 'platform', values: '' }
      expect(
        await expectFailureWithoutWrites(scenario, { values: '' }, 'release-chart-differs'),
      ).toContain('uses chart platform, not milvus')
      const [outerKey = ''] = typePath.split('.')
      expect(
        await expectFailureWithoutWrites(
          scenario,
          {
            ...inputs,
            values: JSON.stringify({
              [outerKey]: isNested
                ? { vectors: { service: { type: 'NodePort' } } }
                : { service: { type: 'NodePort' } },
            }),
          },
          'input-invalid',
        ),
      ).toContain(`Remove ${typePath} from values`)

      expect(
        listChanges(
          await run({ ...inputs, mode: 'check', probe: 'off', 'fail-on-drift': 'false' }),
        ),
      ).toContain(`release ${typePath}`)
      expect(
        listChanges(expectSuccess(await run(inputs))).filter((change) =>
          change.startsWith('release'),
        ),
      ).toEqual([`release ${typePath}`])
      expect(await getServiceType(environment, 'platform-vectors')).toBe('ClusterIP')
      expectUnchanged(await run(inputs))
      expect(writes()).toEqual([])

      expect(listChanges(expectSuccess(await run({ ...inputs, ...restoreInputs })))).toContain(
        `release ${typePath}`,
      )
      expect(await getServiceType(environment, 'platform-vectors')).toBe('LoadBalancer')
      expect(
        (await environment.helmCalls())
          .filter((call) => call.startsWith('upgrade'))
          .every((call) => !call.includes('--set') || call.includes(`--set ${typePath}=`)),
      ).toBe(true)
    },
  )
}

scenario(
  'a fork that reads the Service type from another value: rejected before anything is written, and so is its removal',
  async (scenario) => {
    const { environment, run } = scenario
    const forkChart = buildForkedChart('9.0.0')
    environment.chartRepository.add(forkChart)
    await installChart(environment, forkChart, 'milvus-demo')
    const text = await expectFailureWithoutWrites(scenario, { values: '' }, 'service-type-not-set')
    expectToContainAll(text, [
      'With service.type: ClusterIP the chart of release milvus-demo still renders Service milvus-demo-proxy with type LoadBalancer',
      'Set the type in values where the chart reads it',
    ])
    expectSuccess(await run({ values: 'proxy: {service: {type: ClusterIP}}' }))
    expect(await getServiceType(environment, 'milvus-demo-proxy')).toBe('ClusterIP')
    expect(
      await expectFailureWithoutWrites(scenario, restoreInputs, 'service-type-not-set'),
    ).toContain('Remove restore-service-type')
  },
)

scenario(
  'a chart named milvus by another vendor is recognized, and works with input service',
  async (scenario) => {
    const { environment, run } = scenario
    const bitnamiChart = buildVendorChart('13.2.5')
    environment.chartRepository.add(bitnamiChart)
    await installChart(environment, bitnamiChart, 'milvus-demo')
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: '' },
      'release-chart-unsupported',
    )
    expectToContainAll(text, [
      "chart milvus 13.2.5 of Broadcom, Inc. All Rights Reserved., https://bitnami.com, which is not Milvus' own",
      'Set service: milvus-demo-proxy instead of release',
    ])
    expectSuccess(await run({ values: '', service: 'milvus-demo-proxy' }))
  },
)

scenario(
  'a release that does not exist or is not Milvus: existing releases are named',
  async (scenario) => {
    const { environment } = scenario
    expect(
      await expectFailureWithoutWrites(scenario, { release: 'absent' }, 'release-not-found'),
    ).toMatch(
      /^Helm release absent does not exist in namespace milvus\.\nWhat to do: This namespace contains no Milvus release: set namespace/,
    )
    const [cache, umbrella] = [
      buildUnrelatedChart('cache', '1.2.3'),
      await createUmbrellaChart(false),
    ]
    environment.chartRepository.add(cache)
    environment.chartRepository.add(umbrella)
    await installChart(environment, cache, 'cache')
    await environment.installMilvus()
    expect(
      await expectFailureWithoutWrites(scenario, { release: 'absent' }, 'release-not-found'),
    ).toContain('Set release to milvus-demo, the Milvus release in this namespace')
    await installChart(environment, umbrella, 'platform')
    const text = await expectFailureWithoutWrites(
      scenario,
      { release: 'cache' },
      'release-not-found',
    )
    expectToContainAll(text, [
      'Helm release cache in namespace milvus was installed from chart cache 1.2.3 and does not contain Milvus',
      'Set release to milvus-demo or platform, the Milvus releases in this namespace',
    ])
    expect(text).not.toContain('set service')
    await environment.kubectl('delete', 'service', 'milvus-demo')
    expect(
      await expectFailureWithoutWrites(scenario, { release: 'milvus-demo' }, 'service-not-found'),
    ).toContain(
      'Service milvus-demo of release milvus-demo does not exist in namespace milvus. It was deleted.',
    )
  },
)
