import { describe, expect, test } from '@jest/globals'
import type { Settings } from '../../../src/inputs/types.ts'
import { formatManualRollback } from '../../../src/steps/release/manual-rollback.ts'
import { checkUpgrade } from '../../../src/steps/release/release.ts'
import { captureActionError } from '../../capture-error.ts'
import { createRevision, createSettings, createTarget } from '../fixtures.ts'
import {
  createChart,
  createFailedOwnRelease,
  createReleaseTarget,
  createUmbrellaRelease,
} from './release-fixture.ts'

describe('check', () => {
  test.each([
    'milvus',
    './charts/milvus',
    '../../clients/milvus/',
    '/charts/milvus',
    '/charts/milvus-5.0.19.tgz',
    './milvus-5.0.19.tgz',
    'milvus-5.0.19.tgz',
    '/charts/my-copy',
    'charts/my-copy',
    'corp/milvus',
    'https://example.com/milvus-5.0.19.tgz',
    'oci://registry.example.com/charts/milvus',
    'oci://registry.example.com/charts/milvus:5.0.19',
    `oci://registry.example.com:5000/charts/milvus@sha256:${'0'.repeat(64)}`,
  ])('accepts %s for a release of chart milvus', (name) => {
    expect(() =>
      checkUpgrade(createTarget(), createSettings({ chart: createChart(undefined, name) })),
    ).not.toThrow()
  })

  test.each(['attu', 'oci://registry.example.com/charts/vectors'])(
    'rejects %s for a release of chart milvus',
    async (name) => {
      const error = await captureActionError(() =>
        checkUpgrade(createTarget(), createSettings({ chart: createChart(undefined, name) })),
      )
      expect([error.code, error.message]).toEqual([
        'release-chart-differs',
        expect.stringMatching(/^Release milvus-demo uses chart milvus, not (attu|vectors)/),
      ])
    },
  )

  test('rejects chart milvus for a release of an umbrella chart', async () => {
    expect(
      (
        await captureActionError(() =>
          checkUpgrade(
            createTarget(createReleaseTarget(createUmbrellaRelease())),
            createSettings(),
          ),
        )
      ).code,
    ).toBe('release-chart-differs')
  })

  test('rejects a Service that another tool manages', async () => {
    const manager = {
      tool: 'Flux',
      owner: 'HelmRelease milvus',
      serviceTypeSetting: (typePath: string) => `spec.values.${typePath}`,
    }
    const error = await captureActionError(() =>
      checkUpgrade(createTarget({ manager }), createSettings()),
    )
    expect([error.code, error.message, error.remedy]).toEqual([
      'release-managed-elsewhere',
      'Release milvus-demo needs an upgrade, but its Service milvus-demo is managed by Flux (HelmRelease milvus), which would revert it.',
      'Make the change there (spec.values.service.type: ClusterIP). To leave the Service unchanged, set service: milvus-demo instead of release; Helm is then not used.',
    ])
  })

  test.each<[string, Parameters<typeof createRevision>[0], object, RegExp | undefined]>([
    [
      'another type',
      {},
      { service: { type: 'LoadBalancer' } },
      /^Input values sets service\.type to a value other than ClusterIP/,
    ],
    ['the same type', {}, { service: { type: 'ClusterIP' } }, undefined],
    [
      'another type of a subchart',
      createUmbrellaRelease(),
      { vectors: { service: { type: 'NodePort' } } },
      /^Input values sets vectors\.service\.type to a value other/,
    ],
    [
      "a service.type of the umbrella chart's own",
      createUmbrellaRelease(),
      { service: { type: 'NodePort' } },
      undefined,
    ],
  ])('checks values that set %s', async (_, overrides, values, problem) => {
    const runCheck = () =>
      checkUpgrade(
        createTarget(createReleaseTarget(overrides)),
        createSettings({
          chart: createChart(undefined, './here'),
          values: values as Record<string, unknown>,
        }),
      )
    if (problem)
      expect(await captureActionError(runCheck)).toMatchObject({
        code: 'input-invalid',
        message: expect.stringMatching(problem) as unknown,
      })
    else expect(runCheck).not.toThrow()
  })

  test('reports the setting of another tool for a subchart', async () => {
    const manager = {
      tool: 'Argo CD',
      owner: 'Application vectors',
      serviceTypeSetting: (typePath: string) => `${typePath} in its values`,
    }
    const error = await captureActionError(() =>
      checkUpgrade(
        createTarget({ manager, ...createReleaseTarget(createUmbrellaRelease()) }),
        createSettings(),
      ),
    )
    expect(error.remedy).toMatch(
      /^Make the change there \(vectors\.service\.type in its values: ClusterIP\)/,
    )
  })

  test('accepts any chart without a release', () => {
    expect(() =>
      checkUpgrade(
        createTarget({ release: undefined }),
        createSettings({ chart: createChart(undefined, 'attu') }),
      ),
    ).not.toThrow()
  })

  test('accepts a failed revision of this action', () => {
    expect(() =>
      checkUpgrade(
        createTarget({
          release: createFailedOwnRelease({
            chart: { name: 'milvus', version: '6.0.0', appVersion: '' },
            values: { a: 1 },
          }),
        }),
        createSettings(),
      ),
    ).not.toThrow()
  })

  test.each<[string, Partial<Settings['chart']>, string]>([
    ['of a repository', {}, 'milvus --repo https://x --version 5.0.19'],
    [
      'of a registry',
      { name: 'oci://registry.example.com/milvus' },
      'oci://registry.example.com/milvus --version 5.0.19',
    ],
    ['that is a path', { name: './milvus' }, './milvus'],
  ])('formatManualRollback: a chart %s', (_, overrides, expected) => {
    const requested = createSettings({ chart: { ...createChart(undefined), ...overrides } })
    expect(
      formatManualRollback(requested, {
        latestRevision: createRevision(),
        deployedRevision: createRevision({ revision: 3 }),
      }),
    ).toBe(
      `"helm get values milvus-demo -n milvus --revision 3 -o yaml > milvus-demo-revision-3.yaml && helm upgrade milvus-demo ${expected} -n milvus --reset-values -f milvus-demo-revision-3.yaml"`,
    )
  })

  test.each<
    [
      string,
      Parameters<typeof createRevision>[0],
      Parameters<typeof createSettings>[0],
      RegExp | undefined,
    ]
  >([
    [
      'another chart',
      { chart: { name: 'milvus', version: '6.0.0', appVersion: '' } },
      {},
      /would undo chart 6\.0\.0\./,
    ],
    [
      'the same chart, requested again',
      { chart: { name: 'milvus', version: '6.0.0', appVersion: '' } },
      { chart: createChart('6.0.0') },
      undefined,
    ],
    [
      'values',
      { values: { proxy: { replicas: 7 }, service: { type: 'ClusterIP' } } },
      {},
      /would undo values\.proxy\.replicas\./,
    ],
    [
      'values, requested again',
      { values: { proxy: { replicas: 7 } } },
      { values: { proxy: { replicas: 7 } } },
      undefined,
    ],
    ['only what this action sets', { values: { service: { type: 'ClusterIP' } } }, {}, undefined],
  ])(
    'checks a failed revision with %s',
    async (_, overrides, requested, expected): Promise<void> => {
      const runCheck = () =>
        checkUpgrade(
          createTarget({
            release: {
              latestRevision: createRevision({ revision: 5, status: 'failed', ...overrides }),
              deployedRevision: createRevision(),
            },
          }),
          createSettings(requested),
        )
      if (!expected) {
        expect(runCheck).not.toThrow()
        return
      }
      const error = await captureActionError(runCheck)
      expect([error.code, error.message]).toEqual([
        'release-failed',
        expect.stringMatching(expected),
      ])
    },
  )
})
