import { expect, test } from '@jest/globals'
import type { HelmClient } from '../../../src/clients/helm/client.ts'
import { findInexactRollback, prepareRollback } from '../../../src/steps/release/rollback-plan.ts'
import { createRevision, createSettings } from '../fixtures.ts'
import { createChart } from './release-fixture.ts'

const renderObject = (name: string): string =>
  `---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`

const deployedRevision = createRevision({ manifest: renderObject('milvus') })
const release = { latestRevision: deployedRevision, deployedRevision }

/** A Helm whose charts render one object: as an upgrade, and as an installation. */
function createHelm(upgraded: string, installed: string): HelmClient {
  const preview = (object: string) =>
    Promise.resolve({
      chart: { version: '5.0.19', appVersion: '' },
      manifest: renderObject(object),
    })
  const helm: Partial<HelmClient> = {
    fetchChart: () => Promise.resolve('fetched'),
    previewUpgrade: () => preview(upgraded),
    previewInstall: () => preview(installed),
  }
  return helm as HelmClient
}

interface RollbackCase {
  readonly name: string
  readonly upgradeVersion: string
  readonly isDeployedChart?: boolean
  readonly rendered: readonly [upgraded: string, installed: string]
  readonly expected: { readonly chart: string; readonly deviation: string | undefined }
}
const cases: readonly RollbackCase[] = [
  {
    name: 'the deployed chart',
    upgradeVersion: '5.0.19',
    rendered: ['milvus', 'other'],
    expected: { chart: 'upgrade', deviation: undefined },
  },
  {
    name: 'the deployed chart, which renders an upgrade differently',
    upgradeVersion: 'v5.0.19',
    rendered: ['upgraded', 'milvus'],
    expected: { chart: 'upgrade', deviation: undefined },
  },
  {
    name: 'another chart of the deployed version',
    upgradeVersion: '5.0.19',
    isDeployedChart: false,
    rendered: ['republished', 'republished'],
    expected: {
      chart: 'upgrade',
      deviation: 'remove ConfigMap milvus; add ConfigMap republished',
    },
  },
  {
    name: 'a fetched chart that renders the deployed objects',
    upgradeVersion: '6.0.0',
    rendered: ['milvus', 'other'],
    expected: { chart: 'fetched', deviation: undefined },
  },
  {
    name: 'a fetched chart that renders the deployed objects as an installation',
    upgradeVersion: '6.0.0',
    rendered: ['upgraded', 'milvus'],
    expected: { chart: 'fetched', deviation: undefined },
  },
  {
    name: 'a fetched chart that was republished',
    upgradeVersion: '6.0.0',
    rendered: ['republished', 'republished'],
    expected: {
      chart: 'fetched',
      deviation: 'remove ConfigMap milvus; add ConfigMap republished',
    },
  },
]

test.each(cases)(
  'plans a rollback, and announces what it would not restore: $name',
  async ({ upgradeVersion, isDeployedChart = true, rendered, expected }) => {
    const settings = createSettings({ chart: createChart(upgradeVersion) })
    const upgradeChart = { path: 'upgrade', version: upgradeVersion, isDeployedChart }
    const plan = await prepareRollback(settings, createHelm(...rendered), release, upgradeChart)
    expect(plan).toMatchObject(expected)
    const note = findInexactRollback('milvus', release, plan)?.note
    if (expected.deviation === undefined) expect(note).toBeUndefined()
    else expect(note).toContain(`Helm would ${expected.deviation}.`)
  },
)
