/** Services, charts and releases for the tests of step release. */
import type { EndpointSettings } from '../../../src/inputs/types.ts'
import type { Target } from '../../../src/steps/preflight/preflight.ts'
import { createRevision } from '../fixtures.ts'

export const createService = (type: string): Target['service'] => ({
  name: 'milvus-demo',
  type,
  port: 19530,
})
export const createStoredRevision = (type: string) =>
  createRevision({ values: { service: { type } } })
export const createChart = (
  version: string | undefined,
  name = 'milvus',
): EndpointSettings['chart'] => ({
  name,
  repository: 'https://x',
  version,
  credentials: undefined,
})

/** A release with Milvus as the subchart `vectors`. */
export const createUmbrellaRelease = (
  type = 'ClusterIP',
  values = {},
): Parameters<typeof createRevision>[0] => ({
  chart: { name: 'platform', version: '1.0.0', appVersion: '' },
  values,
  manifest: `---\n# Source: platform/charts/vectors/templates/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: milvus-demo\nspec:\n  type: ${type}\n`,
})
export const createReleaseTarget = (
  overrides: Parameters<typeof createRevision>[0],
): Partial<Target> => ({
  release: {
    latestRevision: createRevision(overrides),
    deployedRevision: createRevision(overrides),
  },
})

/** A release whose newest revision a run of this action made, which failed. */
export function createFailedOwnRelease(
  overrides: Parameters<typeof createRevision>[0],
): NonNullable<Target['release']> {
  const latestRevision = createRevision({ revision: 5, status: 'failed', ...overrides })
  return {
    latestRevision,
    deployedRevision: createRevision(),
    failedOwnRevisions: [latestRevision],
  }
}
