/** Releases whose chart is not Milvus' own: an umbrella chart with Milvus inside, a fork, a chart of another vendor, and none at all. */
import { expect } from '@jest/globals'
import { forkedChart, otherChart, umbrellaChart, vendorChart, type PackagedChart } from '../../sandbox/charts/others.ts'
import { modeValues } from '../../sandbox/charts/modes.ts'
import { milvusChart } from '../../sandbox/charts/package.ts'
import type { World } from '../../sandbox/world.ts'
import { get } from './hands.ts'
import { changed, expectRefusal, expectSuccess, expectUnchanged, scenario, scenariosStart } from './harness.ts'

scenariosStart('empty')

const destroy = { mode: 'destroy', host: '', certificate: '', 'private-key': '', 'certificate-chain': '', 'restore-service-type': 'LoadBalancer', 'restore-load-balancer-class': 'none' }

/** A platform whose Milvus is called `vectors`, behind a load balancer because the platform's own values say so. */
async function platform(isNested: boolean): Promise<PackagedChart> {
  const milvus = { name: 'milvus', version: '4.2.58', appVersion: '2.5.16', archive: await milvusChart('4.2.58') }
  const values = { vectors: { ...modeValues.standalone, service: { type: 'LoadBalancer' } } }
  if (!isNested) return umbrellaChart({ name: 'platform', version: '1.0.0', subchart: milvus, alias: 'vectors', values })
  return umbrellaChart({ name: 'platform', version: '1.0.0', subchart: umbrellaChart({ name: 'search', version: '0.3.0', subchart: milvus, alias: 'vectors', values }) })
}

const install = (world: World, { name, version }: PackagedChart, release: string): Promise<string> => world.helm('install', release, name, '--repo', world.charts.url, '--version', version, '--wait')

const typeOf = async (world: World, service: string): Promise<unknown> => ((await get(world, 'service', service))?.['spec'] as { type?: string } | undefined)?.type

for (const { major, isNested, typePath } of [
  { major: 3, isNested: true, typePath: 'search.vectors.service.type' },
  { major: 4, isNested: false, typePath: 'vectors.service.type' },
] as const) {
  scenario(`Milvus as a subchart${isNested ? ' of a subchart' : ''} with an alias: its own value is set, and set back, with helm ${major}`, async (scenario) => {
    const { world, run, writes } = scenario
    await world.useHelm(major)
    const chart = await platform(isNested)
    world.charts.add(chart)
    await install(world, chart, 'platform')
    const inputs = { chart: 'platform', values: '' }
    expect(await expectRefusal(scenario, { values: '' }, 'release-chart-differs')).toContain('was made with chart platform, not milvus')
    const [outer = ''] = typePath.split('.')
    expect(await expectRefusal(scenario, { ...inputs, values: JSON.stringify({ [outer]: isNested ? { vectors: { service: { type: 'NodePort' } } } : { service: { type: 'NodePort' } } }) }, 'input-invalid')).toContain(`Take ${typePath} out of values`)

    expect(changed(await run({ ...inputs, mode: 'check', probe: 'off', 'fail-on-drift': 'false' }))).toContain(`release ${typePath}`)
    expect(changed(expectSuccess(await run(inputs))).filter((change) => change.startsWith('release'))).toEqual([`release ${typePath}`])
    expect(await typeOf(world, 'platform-vectors')).toBe('ClusterIP')
    expectUnchanged(await run(inputs))
    expect(writes()).toEqual([])

    expect(changed(expectSuccess(await run({ ...inputs, ...destroy })))).toContain(`release ${typePath}`)
    expect(await typeOf(world, 'platform-vectors')).toBe('LoadBalancer')
    expect((await world.helmCalls()).filter((call) => call.startsWith('upgrade')).every((call) => !call.includes('--set') || call.includes(`--set ${typePath}=`))).toBe(true)
  })
}

scenario('a fork that takes the type of the Service from another value: refused before anything is written, and so is its removal', async (scenario) => {
  const { world, run } = scenario
  const fork = forkedChart('9.0.0')
  world.charts.add(fork)
  await install(world, fork, 'milvus-demo')
  const text = await expectRefusal(scenario, { values: '' }, 'service-type-not-set')
  for (const part of ['With service.type: ClusterIP the chart of release milvus-demo still makes Service milvus-demo-proxy of type LoadBalancer', 'Set with values where the chart takes the type from']) expect(text).toContain(part)
  expectSuccess(await run({ values: 'proxy: {service: {type: ClusterIP}}' }))
  expect(await typeOf(world, 'milvus-demo-proxy')).toBe('ClusterIP')
  expect(await expectRefusal(scenario, destroy, 'service-type-not-set')).toContain('Take restore-service-type out')
})

scenario('a chart named milvus of another vendor is recognised, and works by its Service', async (scenario) => {
  const { world, run } = scenario
  const vendor = vendorChart('13.2.5')
  world.charts.add(vendor)
  await install(world, vendor, 'milvus-demo')
  const text = await expectRefusal(scenario, { values: '' }, 'release-chart-unsupported')
  for (const part of ["chart milvus 13.2.5 of Broadcom, Inc. All Rights Reserved., https://bitnami.com, which is not Milvus' own", 'Set service: milvus-demo-proxy in place of release']) expect(text).toContain(part)
  expectSuccess(await run({ values: '', service: 'milvus-demo-proxy' }))
})

scenario('a release that is not there, or is no Milvus: those that are there are named', async (scenario) => {
  const { world } = scenario
  expect(await expectRefusal(scenario, { release: 'nobody' }, 'release-not-found')).toMatch(/^There is no helm release nobody in namespace milvus\.\nWhat to do: No release of Milvus is in this namespace: set namespace/)
  const [cache, umbrella] = [otherChart('cache', '1.2.3'), await platform(false)]
  world.charts.add(cache)
  world.charts.add(umbrella)
  await install(world, cache, 'cache')
  await world.installMilvus()
  expect(await expectRefusal(scenario, { release: 'nobody' }, 'release-not-found')).toContain('Set release to milvus-demo, the release of Milvus in this namespace')
  await install(world, umbrella, 'platform')
  const text = await expectRefusal(scenario, { release: 'cache' }, 'release-not-found')
  for (const part of ['Helm release cache in namespace milvus is of chart cache 1.2.3, and has no Milvus', 'Set release to milvus-demo or platform, the releases of Milvus in this namespace']) expect(text).toContain(part)
  expect(text).not.toContain('set service')
  await world.kubectl('delete', 'service', 'milvus-demo')
  expect(await expectRefusal(scenario, { release: 'milvus-demo' }, 'service-not-found')).toContain('Service milvus-demo of release milvus-demo is not in namespace milvus: somebody deleted it')
})
