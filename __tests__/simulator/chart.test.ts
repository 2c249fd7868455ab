/**
 * The simulator's chart creates the same objects as the public one, in each version and mode, for
 * installations and upgrades.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { load, loadAll } from 'js-yaml'
import { mergeValues } from '../../simulator/charts/merge-values.ts'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { buildMilvusChart } from '../../simulator/charts/package.ts'
import { installTools } from '../../testing/cli-tools.ts'
import {
  type RenderedObject,
  type InventoryEntry,
  type Difference,
  type Inventory,
  indexByName,
  toInventoryEntry,
  differences,
} from './chart-inventory.ts'

const run = promisify(execFile)
const versions = ['4.0.34', '4.1.36', '4.2.58', '5.0.19']
const modes: Readonly<Record<string, object>> = { 'cluster-defaults': {}, ...modeValues }

let directory: string, helm: string, inventory: Inventory
const rendered = new Map<string, RenderedObject[]>()

/**
 * Renders a release in the namespace milvus, named milvus-demo unless Helm's flags name another.
 */
async function render(
  version: string,
  values: object,
  ...helmArgs: string[]
): Promise<RenderedObject[]> {
  const file = join(directory, `${crypto.randomUUID()}.json`)
  await writeFile(file, JSON.stringify(mergeValues(values, { service: { type: 'LoadBalancer' } })))
  const { stdout } = await run(
    helm,
    [
      'template',
      ...(helmArgs.includes('--name-template') ? [] : ['milvus-demo']),
      join(directory, `${version}.tgz`),
      '--namespace',
      'milvus',
      '--values',
      file,
      ...helmArgs,
    ],
    { env: { HOME: directory }, maxBuffer: 2 ** 24 },
  )
  return loadAll(stdout).filter(
    (object) => object !== null && object !== undefined,
  ) as RenderedObject[]
}

const cases = versions.flatMap((version) =>
  Object.keys(modes).map((mode) => [version, mode] as const),
)

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chart-test-'))
  helm = (await installTools()).helm
  inventory = load(
    await readFile(new URL('chart-inventory.yaml', import.meta.url), 'utf8'),
  ) as Inventory
  for (const version of versions)
    await writeFile(join(directory, `${version}.tgz`), await buildMilvusChart(version))
  const pending = cases.flatMap(
    ([version, mode]) =>
      [
        [version, mode, []],
        [version, mode, ['--is-upgrade']],
      ] as const,
  )
  const renderPending = async (): Promise<void> => {
    for (let next = pending.shift(); next; next = pending.shift()) {
      const [version, mode, helmArgs] = next
      rendered.set(
        [version, mode, ...helmArgs].join(' '),
        await render(version, modes[mode] ?? {}, ...helmArgs),
      )
    }
  }
  await Promise.all([renderPending(), renderPending()])
}, 60_000)

afterAll(() => rm(directory, { recursive: true, force: true }))

describe.each(cases)('chart %s, mode %s', (version, mode) => {
  const appliesHere = (each: InventoryEntry): boolean =>
    each.versions.includes(version) && each.modes.includes(mode)

  test('renders the objects of the public chart', () => {
    const expected = inventory.objects.filter(appliesHere).flatMap(({ objects }) => objects)
    const byName = (items: object[]): object[] =>
      items.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))
    const withDefaultKeys = (entry: object): object => ({ kind: '', name: '', ...entry })
    expect(byName((rendered.get(`${version} ${mode}`) ?? []).map(toInventoryEntry))).toEqual(
      byName(expected.map(withDefaultKeys)),
    )
  })

  test('an upgrade changes the same fields as the public chart', () => {
    const [installed, upgraded] = [
      indexByName(rendered.get(`${version} ${mode}`) ?? []),
      indexByName(rendered.get(`${version} ${mode} --is-upgrade`) ?? []),
    ]
    expect([...upgraded.keys()].filter((key) => !installed.has(key))).toEqual([])
    const found = [...installed].flatMap(([object, before]): Difference[] => {
      const after = upgraded.get(object)
      if (!after) return [{ object, removed: true }]
      const changed = differences(before, after)
      return Object.keys(changed).length === 0
        ? []
        : [{ object, changed: changed as Record<string, string[]> }]
    })
    const byObject = (all: readonly Difference[]): Difference[] =>
      all.toSorted((a, b) => a.object.localeCompare(b.object))
    expect(byObject(found)).toEqual(
      byObject(inventory.upgrade.filter(appliesHere).flatMap((each) => each.differences)),
    )
  })

  test('every workload selects its own pods, and Milvus restarts after a configuration change', () => {
    for (const { spec = {}, metadata } of rendered.get(`${version} ${mode}`) ?? []) {
      const matchLabels = (spec.selector as { matchLabels?: object } | undefined)?.matchLabels
      if (!matchLabels) continue
      const template = spec.template as {
        metadata: { labels: object; annotations?: Record<string, string> }
      }
      expect(template.metadata.labels).toMatchObject(matchLabels)
      if (metadata.labels?.['app.kubernetes.io/name'] === 'milvus')
        expect(template.metadata.annotations?.['checksum/config']).toMatch(/^[0-9a-f]{64}$/)
    }
  })
})

test('renders the optional objects of the public chart', async () => {
  const values = {
    attu: { enabled: true },
    ingress: { enabled: true },
    metrics: { serviceMonitor: { enabled: true } },
    serviceAccount: { create: true },
    proxy: { replicas: -1, hpa: { enabled: true } },
    etcd: { pdb: { create: true } },
    minio: { podDisruptionBudget: { enabled: true } },
    pulsarv3: { zookeeper: { pdb: { usePolicy: true } } },
  }
  const objects = indexByName(await render('4.2.58', values))
  for (const expected of [
    'Deployment/milvus-demo-attu',
    'Service/milvus-demo-attu',
    'Ingress/milvus-demo',
    'ServiceMonitor/milvus-demo',
    'ServiceAccount/milvus-demo',
    'HorizontalPodAutoscaler/milvus-demo-proxy',
    'PodDisruptionBudget/milvus-demo-etcd',
    'PodDisruptionBudget/milvus-demo-minio',
    'PodDisruptionBudget/milvus-demo-pulsarv3-zookeeper',
  ])
    expect([...objects.keys()]).toContain(expected)
  expect(objects.get('Deployment/milvus-demo-proxy')?.spec?.replicas).toBeUndefined()
})

test('names, labels and the Service follow the values', async () => {
  const objects = indexByName(
    await render('5.0.19', {
      fullnameOverride: 'vec',
      nameOverride: 'vectors',
      labels: { team: 'search' },
      annotations: { note: 'mine' },
      image: { all: { repository: 'registry.internal/milvus', tag: 'v2.6.1' } },
      service: {
        annotations: { a: 'b' },
        labels: { c: 'd' },
        port: 19999,
        portName: 'grpc',
        loadBalancerSourceRanges: ['10.0.0.0/8'],
      },
    }),
  )
  expect(objects.get('Service/vec')).toMatchObject({
    metadata: {
      labels: { 'app.kubernetes.io/name': 'vectors', component: 'proxy', c: 'd' },
      annotations: { a: 'b' },
    },
    spec: {
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      ports: [
        { name: 'grpc', port: 19999 },
        { name: 'metrics', port: 9091 },
      ],
    },
  })
  const proxy = objects.get('Deployment/vec-proxy')
  expect(proxy).toMatchObject({
    metadata: { labels: { team: 'search' }, annotations: { note: 'mine' } },
  })
  expect(JSON.stringify(proxy)).toContain('registry.internal/milvus:v2.6.1')
  expect(
    indexByName(await render('5.0.19', { proxy: { enabled: false } })).has('Service/milvus-demo'),
  ).toBe(false)
  expect(
    (await render('4.1.36', {})).find(({ metadata }) => metadata.name === 'milvus-demo-proxy')
      ?.metadata.namespace,
  ).toBeUndefined()
})

test.each<[release: string, values: object, service: string]>([
  ['demo', {}, 'demo-milvus'],
  ['mymilvusx', {}, 'mymilvusx'],
  ['demo', { nameOverride: 'demo' }, 'demo'],
  ['demo', { fullnameOverride: 'vec' }, 'vec'],
])('release %s with %j has the Service name of the public chart', async (release, values, name) => {
  const service = (await render('4.2.58', values, '--name-template', release)).find(
    ({ spec }) => spec?.type === 'LoadBalancer',
  )
  expect(service?.metadata.name).toBe(name)
})
